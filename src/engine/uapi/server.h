// The UAPI's UNIX socket: accepts clients, takes their requests to the
// interface, and pushes events to those that asked. Requests of a connection
// are answered in order; a connection may make many.
//
// Operations: `get=1`, `set=1` (request.h), `radial_get=1`, `radial_watch=1`
// (response.h). Anything else ends the connection, as in wireguard-go.
//
// Threading: one thread, which waits for fd() to be readable and calls run().
// A client that does not read what it is sent is closed, never waited for.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "engine/uapi/request.h"
#include "engine/uapi/response.h"

namespace radial::engine::uapi {

// What the server speaks for.
class Interface {
 public:
  virtual ~Interface() = default;
  [[nodiscard]] virtual State state() = 0;
  // All of it or nothing; the error's sys_errno is answered.
  [[nodiscard]] virtual Status apply(SetRequest request) = 0;
};

class Server {
 public:
  static constexpr std::size_t max_clients = 128;
  static constexpr std::size_t max_request = 64U << 20U;

  // `listener` is a listening UNIX stream socket; the interface must outlive this.
  [[nodiscard]] static Result<std::unique_ptr<Server>> serve(Fd listener, Interface& wire);
  ~Server();

  [[nodiscard]] int fd() const { return epoll_.get(); }
  void run();
  void push(const Event& event);
  void push(const PublicKey& peer, const PeerCounts& counts, WallTime when);
  [[nodiscard]] bool has_watchers() const { return watchers_ > 0; }

 private:
  struct Client;

  Server(Fd listener, Fd epoll, Interface& wire);
  void accept_all();
  void read_from(Client& client);
  void answer_all(Client& client);
  [[nodiscard]] std::string answer_set(std::string_view body);
  void push(std::string_view text);
  void flush(Client& client);
  void remove_closed();

  Fd listener_;
  Fd epoll_;
  Interface& wire_;
  std::list<Client> clients_;
  std::size_t watchers_ = 0;
};

}  // namespace radial::engine::uapi
