// The socket server with clients that speak in pieces, out of turn, or not at all.
#include "engine/uapi/server.h"

#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/uapi/socket_file.h"
#include "support/temporary_folder.h"

namespace radial::engine::uapi {
namespace {

const std::string key_a(64, 'a');

class FakeInterface : public Interface {
 public:
  State state() override {
    State out;
    out.device.private_key = *Secret::parse_hex(std::string(64, '1'));
    out.listen_port = port;
    for (std::size_t i = 0; i < peers; ++i) {
      PeerStatus peer;
      peer.key = *PublicKey::parse_hex(key_a);
      peer.last_handshake = WallTime(std::chrono::nanoseconds(1'500'000'000'000'000'007));
      peer.path = UdpPath::to(*IpAddress::parse("192.0.2.1"), 9);
      peer.rx_bytes = 11;
      peer.tx_bytes = 22;
      peer.persistent_keepalive = 25;
      peer.allowed_ips = {*Prefix::parse("10.0.0.0/8")};
      out.device.peers.push_back(std::move(peer));
    }
    return out;
  }
  Status apply(SetRequest request) override {
    if (request.listen_port == 1) return fail_errno(EADDRINUSE, "port taken");
    if (request.listen_port) port = *request.listen_port;
    ++applied;
    return {};
  }
  std::uint16_t port = 51820;
  std::size_t peers = 0;
  int applied = 0;
};

class UapiServer : public testing::Test {
 protected:
  UapiServer() : path_(std::filesystem::temp_directory_path() / fmt::format("radial-uapi-{}.sock", ::getpid())) {
    auto listener = listen_on(path_);
    EXPECT_TRUE(listener) << listener.error().message;
    server_ = std::move(*Server::serve(std::move(*listener), interface_));
  }
  ~UapiServer() override { std::filesystem::remove(path_); }

  Fd connect() {
    Fd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path_.native().copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    return fd;
  }
  void run_while_busy() {
    pollfd wait{server_->fd(), POLLIN, 0};
    while (::poll(&wait, 1, 10) > 0) server_->run();
  }
  void say(const Fd& fd, std::string_view text) {
    while (!text.empty()) {
      const auto sent = ::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent > 0) text.remove_prefix(static_cast<std::size_t>(sent));
      run_while_busy();
    }
  }
  std::string hear(const Fd& fd) {
    std::string out(1 << 16, 0);
    const auto got = ::recv(fd.get(), out.data(), out.size(), MSG_DONTWAIT);
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }
  bool closed(const Fd& fd) {
    char byte = 0;
    return ::recv(fd.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

  FakeInterface interface_;
  std::filesystem::path path_;
  std::unique_ptr<Server> server_;
};

TEST_F(UapiServer, GetPrintsTheStandardKeysInOrder) {
  interface_.peers = 1;
  const auto client = connect();
  say(client, "get=1\n\n");
  EXPECT_EQ(hear(client), "private_key=" + std::string(64, '1') + "\nlisten_port=51820\npublic_key=" + key_a +
                              "\npreshared_key=" + std::string(64, '0') +
                              "\nprotocol_version=1\nendpoint=192.0.2.1:9\n"
                              "last_handshake_time_sec=1500000000\nlast_handshake_time_nsec=7\n"
                              "tx_bytes=22\nrx_bytes=11\npersistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\n"
                              "errno=0\n\n");
}

TEST_F(UapiServer, OurOwnKeysAreOnlyInOurOwnGet) {
  const auto client = connect();
  say(client, "get=1\n\n");
  EXPECT_EQ(hear(client).find("radial"), std::string::npos);
  say(client, "radial_get=1\n\n");
  EXPECT_NE(hear(client).find("radial_multicast=false\n"), std::string::npos);
}

TEST_F(UapiServer, SetAnswersWithTheErrnoAndAppliesOnlyWhatIsWhole) {
  const auto client = connect();
  say(client, "set=1\nlisten_port=7\n\n");
  EXPECT_EQ(hear(client), "errno=0\n\n");
  EXPECT_EQ(interface_.port, 7);
  say(client, "set=1\nlisten_port=8\nnonsense=1\n\n");
  EXPECT_EQ(hear(client), fmt::format("errno={}\n\n", -EINVAL));
  say(client, "set=1\nnonsense\n\n");
  EXPECT_EQ(hear(client), fmt::format("errno={}\n\n", -EPROTO));
  say(client, "set=1\nlisten_port=1\n\n");
  EXPECT_EQ(hear(client), fmt::format("errno={}\n\n", -EADDRINUSE));
  EXPECT_EQ(interface_.port, 7);
  say(client, "set=1\n\n");
  EXPECT_EQ(hear(client), "errno=0\n\n");
  EXPECT_EQ(interface_.applied, 2);
}

TEST_F(UapiServer, RequestsInPiecesAndSeveralAtOnceAreAnsweredInOrder) {
  const auto client = connect();
  for (const char c : std::string("set=1\nlisten_port=9\n\n")) say(client, std::string(1, c));
  EXPECT_EQ(hear(client), "errno=0\n\n");
  say(client, "set=1\nlisten_port=10\n\nget=1\n\nset=1\nx=1\n\n");
  const auto heard = hear(client);
  EXPECT_TRUE(heard.starts_with("errno=0\n\nprivate_key="));
  EXPECT_NE(heard.find("listen_port=10\nerrno=0\n\n"), std::string::npos);
  EXPECT_TRUE(heard.ends_with(fmt::format("errno={}\n\n", -EINVAL)));
}

TEST_F(UapiServer, ARequestThatIsCutOffChangesNothing) {
  {
    const auto client = connect();
    say(client, "set=1\nlisten_port=9\n");
  }
  run_while_busy();
  EXPECT_EQ(interface_.applied, 0);
}

TEST_F(UapiServer, AnUnknownOperationEndsTheConnection) {
  for (const auto* const words : {"hello\n", "get=2\n\n", "get=1\nx\n", "\n"}) {
    const auto client = connect();
    say(client, words);
    EXPECT_TRUE(closed(client)) << words;
  }
}

TEST_F(UapiServer, WhatWasAskedBeforeAnUnknownOperationIsAnswered) {
  for (const auto* const words : {"hello\n", "get=1\nx\n"}) {
    const auto client = connect();
    say(client, std::string("set=1\nlisten_port=7\n\n") + words);
    EXPECT_EQ(hear(client), "errno=0\n\n") << words;
    EXPECT_TRUE(closed(client)) << words;
  }
}

TEST_F(UapiServer, AWatcherIsToldOfEvents) {
  const auto watcher = connect();
  const auto other = connect();
  say(watcher, "radial_watch=1\n\n");
  EXPECT_EQ(hear(watcher), "errno=0\n\n");
  Event event;
  event.kind = Event::Kind::endpoint_changed;
  event.peer = *PublicKey::parse_hex(key_a);
  event.when = WallTime(std::chrono::nanoseconds(2'000'000'003));
  event.path = UdpPath::to(*IpAddress::parse("192.0.2.1"), 9);
  server_->push(event);
  EXPECT_EQ(hear(watcher), "event=endpoint\npublic_key=" + key_a + "\ntime_sec=2\ntime_nsec=3\nendpoint=192.0.2.1:9\n\n");
  EXPECT_EQ(hear(other), "");
}

// What a subscriber matches on: docs/radial-wire.md lists the names.
TEST_F(UapiServer, EachKindOfEventHasItsName) {
  const auto watcher = connect();
  say(watcher, "radial_watch=1\n\n");
  EXPECT_EQ(hear(watcher), "errno=0\n\n");
  for (const auto& [kind, name] : {std::pair(Event::Kind::handshake_completed, "handshake"),
                                   std::pair(Event::Kind::endpoint_changed, "endpoint"),
                                   std::pair(Event::Kind::handshake_gave_up, "gave_up"),
                                   std::pair(Event::Kind::session_cleared, "cleared")}) {
    Event event;
    event.kind = kind;
    event.peer = *PublicKey::parse_hex(key_a);
    server_->push(event);
    EXPECT_EQ(hear(watcher), "event=" + std::string(name) + "\npublic_key=" + key_a + "\ntime_sec=0\ntime_nsec=0\n\n");
  }
}

TEST_F(UapiServer, AWatcherThatDoesNotReadIsLetGo) {
  const auto watcher = connect();
  say(watcher, "radial_watch=1\n\n");
  ASSERT_TRUE(server_->has_watchers());
  Event event;
  event.peer = *PublicKey::parse_hex(key_a);
  for (int i = 0; i < 200'000 && server_->has_watchers(); ++i) server_->push(event);
  EXPECT_FALSE(server_->has_watchers());
}

TEST_F(UapiServer, ALargeStateReachesASlowReader) {
  interface_.peers = 10'000;
  const auto client = connect();
  say(client, "get=1\n\n");
  std::string heard;
  for (int i = 0; i < 100'000 && !heard.ends_with("errno=0\n\n"); ++i) {
    heard += hear(client);
    run_while_busy();
  }
  EXPECT_TRUE(heard.ends_with("errno=0\n\n"));
  EXPECT_GT(heard.size(), 3'000'000U);
}

TEST_F(UapiServer, TheSocketIsItsOwnersAndIsNotTakenFromARunningServer) {
  struct stat status {};
  ASSERT_EQ(::stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
  const auto second = listen_on(path_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().sys_errno, EADDRINUSE);

  server_.reset();  // the file stays, nobody serves it
  EXPECT_TRUE(listen_on(path_));
}

TEST_F(UapiServer, ItsRemovalIsSeen) {
  auto watch = SocketWatch::start(path_);
  ASSERT_TRUE(watch);
  EXPECT_TRUE(watch->still_there());
  const auto moved = path_.native() + "2";
  std::filesystem::rename(path_, moved);
  watch->follow(moved);
  EXPECT_TRUE(watch->still_there());
  std::filesystem::remove(moved);
  EXPECT_FALSE(watch->still_there());
}

// The engine runs as nobody, and the folder may be root's alone.
TEST_F(UapiServer, AnothersRemovalIsNotItsOwnWhereItCannotLook) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  constexpr uid_t nobody = 65534;
  const test::TemporaryFolder temporary;  // 0700
  const auto& folder = temporary.path();
  const auto own = folder / "wg1.sock";
  ASSERT_TRUE(listen_on(own));
  ASSERT_TRUE(listen_on(folder / "wg2.sock"));
  auto watch = SocketWatch::start(own);
  ASSERT_TRUE(watch);
  const auto seen_by_nobody = [&] {
    EXPECT_EQ(::seteuid(nobody), 0);
    const bool there = watch->still_there();
    EXPECT_EQ(::seteuid(0), 0);
    return there;
  };
  std::filesystem::remove(folder / "wg2.sock");
  EXPECT_TRUE(seen_by_nobody());
  std::filesystem::remove(own);
  EXPECT_FALSE(seen_by_nobody());
}

}  // namespace
}  // namespace radial::engine::uapi
