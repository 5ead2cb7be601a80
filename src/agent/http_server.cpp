#include "agent/http_server.h"

#include <chrono>

#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/log.h"

namespace radial::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;

constexpr std::size_t most_body_bytes = 8U << 20U;
constexpr auto patience = std::chrono::seconds(30);  // a client that says nothing holds no connection

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Local::socket socket, const HttpServer::Handler& handler, std::shared_ptr<bool> alive)
      : stream_(std::move(socket)), handler_(handler), alive_(std::move(alive)) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(stream_.socket().native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0)
      uid_ = credentials.uid;
  }

  void read() {
    parser_.emplace();
    parser_->body_limit(most_body_bytes);
    stream_.expires_after(patience);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->answer();
    });
  }

 private:
  void answer() {
    if (!*alive_) return;
    const auto& request = parser_->get();
    Response response;
    try {
      response = handler_({std::string(request.method_string()), std::string(request.target()), request.body(), uid_});
    } catch (const std::exception& error) {
      // The handler's own errors are values: what arrives here is a bug, and
      // must cost one request, not the daemon.
      spdlog::error("{} {}: {}", std::string(request.method_string()), std::string(request.target()), error.what());
      response = {500, "{\"error\": \"internal error; see radiald's log\"}\n"};
    }
    message_ = {static_cast<http::status>(response.status), request.version()};
    message_.set(http::field::content_type, "application/json");
    message_.keep_alive(request.keep_alive());
    message_.body() = std::move(response.body);
    message_.prepare_payload();
    http::async_write(stream_, message_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error && self->message_.keep_alive()) self->read();
    });
  }

  beast::basic_stream<Local> stream_;
  const HttpServer::Handler& handler_;
  std::shared_ptr<bool> alive_;
  uid_t uid_ = static_cast<uid_t>(-1);
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> message_;
};

class Server : public HttpServer {
 public:
  Server(asio::io_context& loop, std::filesystem::path file, Handler handler)
      : file_(std::move(file)), handler_(std::move(handler)), acceptor_(loop) {}

  ~Server() override {
    *alive_ = false;
    acceptor_.close();
    ::unlink(file_.c_str());
  }

  Status open() {
    if (file_.string().size() >= sizeof(sockaddr_un::sun_path))
      return fail(Errc::invalid_argument, "the socket path {} is too long", file_.string());
    beast::error_code error;
    Local::socket probe(acceptor_.get_executor());
    probe.connect(Local::endpoint(file_.string()), error);
    if (!error) return fail(Errc::conflict, "another radiald serves {} already", file_.string());
    ::unlink(file_.c_str());
    acceptor_.open(Local(), error);
    // The mode must be right from the first moment: there is no chmod before bind.
    const auto mask = ::umask(0117);
    if (!error) acceptor_.bind(Local::endpoint(file_.string()), error);
    ::umask(mask);
    if (!error) acceptor_.listen(16, error);
    if (error) return fail(Errc::io, "cannot listen on {}: {}", file_.string(), error.message());
    accept();
    return {};
  }

 private:
  void accept() {
    acceptor_.async_accept([this, alive = alive_](beast::error_code error, Local::socket socket) {
      if (!*alive || error == asio::error::operation_aborted) return;
      if (!error) std::make_shared<Session>(std::move(socket), handler_, alive_)->read();
      accept();
    });
  }

  std::filesystem::path file_;
  Handler handler_;
  Local::acceptor acceptor_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(boost::asio::io_context& loop, const std::filesystem::path& socket,
                                                       Handler handler) {
  auto server = std::make_unique<Server>(loop, socket, std::move(handler));
  RADIAL_TRY(server->open());
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace radial::agent
