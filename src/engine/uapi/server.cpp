#include "engine/uapi/server.h"

#include <algorithm>
#include <array>

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace radial::engine::uapi {
namespace {

constexpr std::size_t max_unread = 1U << 20U;  // events that a watcher may leave unread

std::string errno_line(int error) { return fmt::format("errno={}\n\n", error == 0 ? 0 : -error); }

}  // namespace

struct Server::Client {
  Fd fd;
  std::string in;
  std::string out;
  std::size_t searched = 0;  // of `in`, for the end of a set request
  bool ended = false;        // it will send no more
  bool closed = false;
  bool watches = false;
  std::uint32_t awaits = EPOLLIN;

  Client() = default;
  Client(Client&&) = delete;
  Client& operator=(Client&&) = delete;
  ~Client() {
    radial::wipe(in);
    radial::wipe(out);
  }

  void take(std::size_t count) {
    // What is dropped held keys: overwrite it before the rest moves up.
    std::fill_n(in.begin(), count, '\0');
    in.erase(0, count);
    searched = 0;
  }

  // Appends without leaving a copy of what is there in freed memory.
  static void append(std::string& to, std::string_view more) {
    if (to.capacity() < to.size() + more.size()) {
      std::string larger;
      larger.reserve(std::max(to.size() + more.size(), to.capacity() * 2));
      larger.append(to);
      radial::wipe(to);
      to.swap(larger);
    }
    to.append(more);
  }
};

Result<std::unique_ptr<Server>> Server::serve(Fd listener, Interface& wire) {
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno(errno, "cannot make an epoll descriptor");
  // One that was handed to us may be of the waiting kind.
  if (::fcntl(listener.get(), F_SETFL, ::fcntl(listener.get(), F_GETFL) | O_NONBLOCK) != 0)
    return fail_errno(errno, "the UAPI socket is no descriptor");
  epoll_event event{};
  event.events = EPOLLIN;
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, listener.get(), &event) != 0)
    return fail_errno(errno, "cannot watch the UAPI socket");
  return std::unique_ptr<Server>(new Server(std::move(listener), std::move(epoll), wire));
}

Server::Server(Fd listener, Fd epoll, Interface& wire)
    : listener_(std::move(listener)), epoll_(std::move(epoll)), wire_(wire) {}

Server::~Server() = default;

void Server::run() {
  std::array<epoll_event, 32> events;
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.ptr == nullptr) {
      accept_all();
      continue;
    }
    auto& client = *static_cast<Client*>(events[i].data.ptr);
    if ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_from(client);
    if (!client.closed) answer_all(client);
    if (!client.closed) flush(client);
  }
  remove_closed();
}

void Server::push(const Event& event) {
  if (watchers_ > 0) push(render_event(event));
}

void Server::push(const PublicKey& peer, const PeerCounts& counts, WallTime when) {
  if (watchers_ > 0) push(render_counts(peer, counts, when));
}

void Server::push(std::string_view text) {
  for (auto& client : clients_) {
    if (!client.watches || client.closed) continue;
    if (client.out.size() + text.size() > max_unread) {
      client.closed = true;
      continue;
    }
    client.out.append(text);
    flush(client);
  }
  remove_closed();
}

void Server::accept_all() {
  for (;;) {
    Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    if (clients_.size() >= max_clients) continue;
    auto& client = clients_.emplace_back();
    client.fd = std::move(fd);
    epoll_event event{};
    event.events = client.awaits;
    event.data.ptr = &client;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, client.fd.get(), &event) != 0) clients_.pop_back();
  }
}

void Server::read_from(Client& client) {
  std::array<char, 65536> chunk;
  for (;;) {
    const auto got = ::recv(client.fd.get(), chunk.data(), chunk.size(), 0);
    if (got > 0) {
      Client::append(client.in, {chunk.data(), static_cast<std::size_t>(got)});
      if (client.in.size() > max_request) client.closed = true;
      if (client.closed) break;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) client.ended = true;
    else if (errno != EAGAIN) client.closed = true;
    break;
  }
  explicit_bzero(chunk.data(), chunk.size());
}

void Server::answer_all(Client& client) {
  // What was asked before is answered all the same.
  const auto refuse = [&] {
    flush(client);
    client.closed = true;
  };
  // A request that was cut off is not applied: nobody knows what was to follow.
  for (;;) {
    const std::string_view in = client.in;
    const auto line_end = in.find('\n');
    if (line_end == std::string_view::npos) break;
    const auto operation = in.substr(0, line_end);
    if (operation == "set=1") {
      // The empty line that ends it may follow at once.
      const auto end = in.find("\n\n", std::max(line_end, client.searched));
      if (end == std::string_view::npos) {
        client.searched = in.size() - 1;
        break;
      }
      const auto body = end == line_end ? std::string_view{} : in.substr(line_end + 1, end - line_end - 1);
      Client::append(client.out, answer_set(body));
      client.take(end + 2);
    } else if (operation == "get=1" || operation == "radial_get=1" || operation == "radial_watch=1") {
      if (in.size() == line_end + 1) break;
      if (in[line_end + 1] != '\n') return refuse();
      if (operation == "radial_watch=1") {
        if (!client.watches) ++watchers_;
        client.watches = true;
      } else {
        auto text = render_state(wire_.state(), operation == "radial_get=1");
        Client::append(client.out, text);
        radial::wipe(text);
      }
      Client::append(client.out, errno_line(0));
      client.take(line_end + 2);
    } else {
      spdlog::debug("a UAPI client asked for an unknown operation");
      return refuse();
    }
  }
  if (client.ended && client.out.empty()) client.closed = true;
}

std::string Server::answer_set(std::string_view body) {
  auto request = parse_set(body);
  Status status = request ? wire_.apply(std::move(*request)) : Status(forward_error(std::move(request.error())));
  if (status) return errno_line(0);
  spdlog::error("UAPI set refused: {}", status.error().message);
  return errno_line(status.error().sys_errno != 0 ? status.error().sys_errno : EINVAL);
}

void Server::flush(Client& client) {
  std::size_t done = 0;
  while (done < client.out.size()) {
    const auto sent = ::send(client.fd.get(), client.out.data() + done, client.out.size() - done, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      if (errno != EAGAIN) client.closed = true;
      break;
    }
    done += static_cast<std::size_t>(sent);
  }
  std::fill_n(client.out.begin(), done, '\0');
  client.out.erase(0, done);
  if (client.ended && client.out.empty()) client.closed = true;
  const std::uint32_t awaits = (client.ended ? 0U : EPOLLIN) | (client.out.empty() ? 0U : EPOLLOUT);
  if (awaits == client.awaits || client.closed) return;
  client.awaits = awaits;
  epoll_event event{};
  event.events = awaits;
  event.data.ptr = &client;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client.fd.get(), &event);
}

void Server::remove_closed() {
  for (auto at = clients_.begin(); at != clients_.end();) {
    if (!at->closed) {
      ++at;
      continue;
    }
    if (at->watches) --watchers_;
    at = clients_.erase(at);
  }
}

}  // namespace radial::engine::uapi
