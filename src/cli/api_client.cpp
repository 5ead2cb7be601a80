#include "cli/api_client.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>

namespace radial::cli {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;

Error not_there(const std::filesystem::path& socket, const beast::error_code& why) {
  if (why == boost::system::errc::permission_denied)
    return {Errc::permission_denied,
            fmt::format("{}: permission denied; root and members of the group radial may ask radiald", socket.string()), why.value()};
  return {Errc::unavailable,
          fmt::format("radiald does not answer on {} ({}): is it running? systemctl status radiald", socket.string(), why.message()),
          why.value()};
}

}  // namespace

Result<ApiResponse> call_api(const std::filesystem::path& socket, const std::string& method, const std::string& path,
                             const std::string& body, std::chrono::seconds deadline) {
  asio::io_context loop;
  beast::basic_stream<Local> stream(loop);
  beast::flat_buffer buffer;
  http::request<http::string_body> request{http::string_to_verb(method), path, 11};
  request.set(http::field::host, "radiald");
  request.keep_alive(false);
  request.body() = body;
  request.prepare_payload();
  http::response_parser<http::string_body> parser;
  parser.body_limit(256U << 20U);
  beast::error_code failure;

  beast::error_code connect_failure;
  stream.socket().connect(Local::endpoint(socket.string()), connect_failure);
  if (connect_failure) return Unexpected(not_there(socket, connect_failure));
  stream.expires_after(deadline);
  http::async_write(stream, request, [&](beast::error_code error, std::size_t) {
    failure = error;
    if (error) return;
    http::async_read(stream, buffer, parser, [&](beast::error_code read_error, std::size_t) { failure = read_error; });
  });
  loop.run();
  if (failure == beast::error::timeout)
    return fail(Errc::timeout, "radiald did not answer within {} s", deadline.count());
  if (failure) return Unexpected(not_there(socket, failure));
  return ApiResponse{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
}

Result<std::string> body_of(ApiResponse response) {
  if (response.status < 400) return std::move(response.body);
  const auto json = nlohmann::json::parse(response.body, nullptr, false);
  const auto text = json.is_object() && json.contains("error") && json["error"].is_string() ? json["error"].get<std::string>()
                                                                                            : response.body;
  return Unexpected(Error{response.status == 403 ? Errc::permission_denied : Errc::invalid_argument, text, 0});
}

Result<std::string> api_body(const std::filesystem::path& socket, const std::string& method, const std::string& path,
                             const std::string& body) {
  RADIAL_ASSIGN(auto response, call_api(socket, method, path, body));
  return body_of(std::move(response));
}

}  // namespace radial::cli
