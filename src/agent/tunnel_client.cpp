#include "agent/tunnel_client.h"

#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <nlohmann/json.hpp>

namespace radial::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;

constexpr std::size_t most_answer_bytes = 8U << 20U;

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(asio::io_context& loop, const TunnelRequest& request, std::function<void(Result<TunnelAnswer>)> done)
      : stream_(loop), where_(fmt::format("{} port {}", request.address, request.port)), done_(std::move(done)) {
    beast::error_code ignored;
    endpoint_ = {asio::ip::make_address(request.address.to_string(), ignored), request.port};
    message_ = {http::string_to_verb(request.method), request.path, 11};
    message_.set(http::field::host, "controller");
    if (!request.signature.empty()) message_.set("Radial-Mac", request.signature);
    message_.keep_alive(false);
    message_.body() = request.body;
    message_.prepare_payload();
    parser_.body_limit(most_answer_bytes);
  }

  void start(std::chrono::milliseconds deadline) {
    stream_.expires_after(deadline);
    stream_.async_connect(endpoint_, [self = shared_from_this()](beast::error_code error) {
      if (error) return self->end(error);
      http::async_write(self->stream_, self->message_, [self](beast::error_code write_error, std::size_t) {
        if (write_error) return self->end(write_error);
        http::async_read(self->stream_, self->buffer_, self->parser_,
                         [self](beast::error_code read_error, std::size_t) { self->end(read_error); });
      });
    });
  }

 private:
  void end(beast::error_code error) {
    const auto done = std::move(done_);
    if (error) return done(fail(Errc::unavailable, "the controller does not answer at {}: {}", where_, error.message()));
    TunnelAnswer answer{static_cast<int>(parser_.get().result_int()), std::move(parser_.get().body()), {}};
    beast::error_code unknown;
    const auto own = stream_.socket().local_endpoint(unknown);
    if (!unknown)
      if (const auto address = IpAddress::parse(own.address().to_string())) answer.own = *address;
    done(std::move(answer));
  }

  beast::tcp_stream stream_;
  Tcp::endpoint endpoint_;
  std::string where_;
  std::function<void(Result<TunnelAnswer>)> done_;
  beast::flat_buffer buffer_;
  http::request<http::string_body> message_;
  http::response_parser<http::string_body> parser_;
};

}  // namespace

void ask_through_tunnel(asio::io_context& loop, const TunnelRequest& request, std::chrono::milliseconds deadline,
                        std::function<void(Result<TunnelAnswer>)> done) {
  std::make_shared<Exchange>(loop, request, std::move(done))->start(deadline);
}

Error refusal_of(const TunnelAnswer& answer) {
  const auto json = nlohmann::json::parse(answer.body, nullptr, false);
  const auto text = json.is_object() && json.contains("error") && json["error"].is_string() ? json["error"].get<std::string>()
                                                                                            : std::string("it answered with an error");
  const auto code = answer.status == 409 ? Errc::conflict : answer.status == 403 ? Errc::permission_denied : Errc::invalid_argument;
  return {code, text, 0};
}

}  // namespace radial::agent
