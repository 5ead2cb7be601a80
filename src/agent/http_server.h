// HTTP/1.1 with JSON, small requests only.
//
// On a UNIX socket the file's permissions are the authorisation, and the
// peer's credentials say who asks. On TCP (the controller's port, inside the
// tunnel) the source address says which peer asks, by cryptokey routing, and
// the handler authorises each request.
//
// Threading: the io_context's thread; a handler runs to its end before the
// next request is read.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <sys/types.h>

#include "base/ip.h"
#include "base/result.h"

namespace radial::agent {

struct Request {
  std::string method;
  std::string path;
  std::string body;
  uid_t uid = static_cast<uid_t>(-1);  // of the process at the other end of a UNIX socket
  pid_t process = 0;                   // the process itself; 0: not known
  std::optional<IpAddress> from = {};  // over TCP
  std::string signature = {};          // the header Radial-Mac
  // Over a UNIX socket: who asks, as revisions and the log name him (agent/author.h). To be asked while he waits for the answer.
  [[nodiscard]] std::string author() const;
};

struct Response {
  int status = 200;
  std::string body;  // JSON
};

class HttpServer {
 public:
  using Handler = std::function<Response(const Request&)>;

  // Listens on `socket` (mode 0660, of the group radial where there is one).
  // Another live server there is a conflict; a file left by a dead one is replaced.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& loop,
                                                                  const std::filesystem::path& socket, Handler handler);
  // Listens on TCP, also while no interface holds the address yet.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> listen(boost::asio::io_context& loop, const IpAddress& address,
                                                                  std::uint16_t port, Handler handler);
  virtual ~HttpServer() = default;  // closes the socket, and removes its file
};

}  // namespace radial::agent
