#include "agent/http_server.h"

#include <chrono>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <grp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "agent/author.h"
#include "base/log.h"

namespace radial::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;

using Tcp = asio::ip::tcp;

struct Limits {
  std::size_t body_bytes;
  std::chrono::seconds patience;  // a client that says nothing holds no connection
  std::size_t sessions;
};
constexpr Limits local_limits{8U << 20U, std::chrono::seconds(30), 256};
constexpr Limits tunnel_limits{64U << 10U, std::chrono::seconds(10), 64};

// Whose members may read what radiald says.
constexpr const char* readers = "radial";

// Until then the socket is root's alone, and so it stays where there is no such group.
void let_readers_in(const std::filesystem::path& socket) {
  const auto* group = ::getgrnam(readers);
  if (group != nullptr && ::chown(socket.c_str(), static_cast<uid_t>(-1), group->gr_gid) != 0)
    spdlog::warn("the group {} cannot read {}: {}", readers, socket.string(), std::generic_category().message(errno));
}

// Which process or peer is at the other end.
void identify(Local::socket& socket, Request& request) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return;
  request.uid = credentials.uid;
  request.process = credentials.pid;
}

void identify(Tcp::socket& socket, Request& request) {
  beast::error_code error;
  const auto remote = socket.remote_endpoint(error);
  if (error) return;
  if (auto address = IpAddress::parse(remote.address().to_string())) request.from = *address;
}

template <class Protocol>
class Session : public std::enable_shared_from_this<Session<Protocol>> {
 public:
  Session(typename Protocol::socket socket, const HttpServer::Handler& handler, const Limits& limits,
          std::shared_ptr<bool> alive, std::shared_ptr<void> counted)
      : stream_(std::move(socket)), handler_(handler), limits_(limits), alive_(std::move(alive)), counted_(std::move(counted)) {
    identify(stream_.socket(), who_);
  }

  void read() {
    parser_.emplace();
    parser_->body_limit(limits_.body_bytes);
    stream_.expires_after(limits_.patience);
    http::async_read(stream_, buffer_, *parser_, [self = this->shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->answer();
    });
  }

 private:
  void answer() {
    if (!*alive_) return;
    const auto& message = parser_->get();
    auto request = who_;
    request.method = std::string(message.method_string());
    request.path = std::string(message.target());
    request.body = message.body();
    request.signature = std::string(message["Radial-Mac"]);
    Response response;
    try {
      response = handler_(request);
    } catch (const std::exception& error) {
      // The handler's own errors are values: what arrives here is a bug, and
      // must cost one request, not the daemon.
      spdlog::error("{} {}: {}", request.method, request.path, error.what());
      response = {500, "{\"error\": \"internal error; see radiald's log\"}\n"};
    }
    message_ = {static_cast<http::status>(response.status), message.version()};
    message_.set(http::field::content_type, "application/json");
    message_.keep_alive(message.keep_alive());
    message_.body() = std::move(response.body);
    message_.prepare_payload();
    http::async_write(stream_, message_, [self = this->shared_from_this()](beast::error_code error, std::size_t) {
      if (!error && self->message_.keep_alive()) self->read();
    });
  }

  beast::basic_stream<Protocol> stream_;
  const HttpServer::Handler& handler_;
  const Limits limits_;
  std::shared_ptr<bool> alive_;
  std::shared_ptr<void> counted_;
  Request who_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> message_;
};

template <class Protocol>
class Server : public HttpServer {
 public:
  Server(asio::io_context& loop, std::filesystem::path file, Handler handler, const Limits& limits)
      : file_(std::move(file)), handler_(std::move(handler)), limits_(limits), acceptor_(loop) {}

  ~Server() override {
    *alive_ = false;
    acceptor_.close();
    if (!file_.empty()) ::unlink(file_.c_str());
  }

  Status open_file() {
    if (file_.string().size() >= sizeof(sockaddr_un::sun_path))
      return fail(Errc::invalid_argument, "the socket path {} is too long", file_.string());
    beast::error_code error;
    Local::socket probe(acceptor_.get_executor());
    probe.connect(Local::endpoint(file_.string()), error);
    if (!error) return fail(Errc::conflict, "another radiald serves {} already", file_.string());
    ::unlink(file_.c_str());
    error.clear();
    acceptor_.open(Local(), error);
    // The mode must be right from the first moment: there is no chmod before bind.
    const auto mask = ::umask(0117);
    if (!error) acceptor_.bind(Local::endpoint(file_.string()), error);
    ::umask(mask);
    if (!error) let_readers_in(file_);
    return start(error, file_.string());
  }

  Status open_port(const IpAddress& address, std::uint16_t port) {
    beast::error_code error;
    const Tcp::endpoint endpoint(asio::ip::make_address(address.to_string(), error), port);
    if (!error) acceptor_.open(endpoint.protocol(), error);
    const int on = 1;
    // The wire that holds the address comes and goes; the listener stays.
    if (!error && ::setsockopt(acceptor_.native_handle(), SOL_IP, IP_FREEBIND, &on, sizeof on) != 0)
      error.assign(errno, boost::system::system_category());
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    return start(error, fmt::format("{} port {}", address, port));
  }

 private:
  Status start(beast::error_code& error, const std::string& where) {
    if (!error) acceptor_.listen(16, error);
    if (error) return fail(Errc::io, "cannot listen on {}: {}", where, error.message());
    accept();
    return {};
  }

  void accept() {
    acceptor_.async_accept([this, alive = alive_](beast::error_code error, typename Protocol::socket socket) {
      if (!*alive || error == asio::error::operation_aborted) return;
      if (!error && counter_.use_count() <= static_cast<long>(limits_.sessions))
        std::make_shared<Session<Protocol>>(std::move(socket), handler_, limits_, alive_, counter_)->read();
      accept();
    });
  }

  std::filesystem::path file_;
  Handler handler_;
  const Limits limits_;
  typename Protocol::acceptor acceptor_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<void> counter_ = std::make_shared<bool>(true);  // a reference for each session
};

}  // namespace

std::string Request::author() const { return author_of(uid, process == 0 ? std::nullopt : login_of(process)); }

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& loop, const std::filesystem::path& socket,
                                                       Handler handler) {
  auto server = std::make_unique<Server<Local>>(loop, socket, std::move(handler), local_limits);
  RADIAL_TRY(server->open_file());
  return std::unique_ptr<HttpServer>(std::move(server));
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(asio::io_context& loop, const IpAddress& address, std::uint16_t port,
                                                       Handler handler) {
  auto server = std::make_unique<Server<Tcp>>(loop, std::filesystem::path(), std::move(handler), tunnel_limits);
  RADIAL_TRY(server->open_port(address, port));
  return std::unique_ptr<HttpServer>(std::move(server));
}

}  // namespace radial::agent
