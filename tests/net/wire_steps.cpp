#include "net/wire_steps.h"

#include <array>
#include <atomic>
#include <map>
#include <optional>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace radial::test {
namespace {

// Numbered datagrams from node 1 to a socket in node 2, and how often each came.
class Numbered {
 public:
  explicit Numbered(const WirePair& pair) {
    name_.sin_family = AF_INET;
    name_.sin_port = htons(7777);
    ::inet_pton(AF_INET, pair.b.inner().c_str(), &name_.sin_addr);
    pair.b.inside([&] {
      to_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      if (::bind(to_.get(), reinterpret_cast<const sockaddr*>(&name_), sizeof name_) != 0)
        throw std::runtime_error("cannot bind in node 2");
    });
    pair.a.inside([&] { from_ = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); });
  }

  void send(std::uint32_t number) {
    ::sendto(from_.get(), &number, sizeof number, 0, reinterpret_cast<const sockaddr*>(&name_), sizeof name_);
  }
  // Takes what comes until nothing has for `quiet`, or `wanted` different ones have.
  void receive(std::chrono::milliseconds quiet, std::optional<std::size_t> wanted = {}) {
    pollfd wait{to_.get(), POLLIN, 0};
    while ((!wanted || times_.size() < *wanted) && ::poll(&wait, 1, static_cast<int>(quiet.count())) > 0) {
      std::uint32_t number = 0;
      if (::recv(to_.get(), &number, sizeof number, MSG_DONTWAIT) == sizeof number) ++times_[number];
    }
  }
  [[nodiscard]] const std::map<std::uint32_t, int>& times() const { return times_; }

 private:
  sockaddr_in name_{};
  Fd to_, from_;
  std::map<std::uint32_t, int> times_;
};

}  // namespace

bool reaches(const WireNode& from, const std::string& address) {
  return eventually([&] { return from.pings(address); }, patience);
}

void forget_sessions(const WireNode& node) {
  node.sh("ip link set " + node.wire() + " down; ip link set " + node.wire() + " up; ip addr replace " + node.inner(6) +
          "/64 dev " + node.wire() + " nodad");
}

void step_datagrams_of_every_size(const WirePair& pair, std::size_t window) {
  EXPECT_THAT(lost_udp_echoes(pair.a, pair.b, 4, 0, 1392, window), testing::IsEmpty());
  EXPECT_THAT(lost_udp_echoes(pair.a, pair.b, 6, 0, 1372, window), testing::IsEmpty());
  // Fragmented inside the tunnel.
  EXPECT_THAT(lost_udp_echoes(pair.a, pair.b, 4, 1393, 1400), testing::IsEmpty());
  EXPECT_THAT(lost_udp_echoes(pair.a, pair.b, 6, 9000, 9003), testing::IsEmpty());
}

void step_tcp_byte_for_byte(const WirePair& pair, std::size_t bytes) {
  for (const int family : {4, 6}) {
    ASSERT_NO_THROW(check_tcp(pair.a, pair.b, family, bytes, 1)) << family;
    ASSERT_NO_THROW(check_tcp(pair.b, pair.a, family, bytes + 1, 2)) << family;
  }
}

void step_trains_of_datagrams(const WirePair& pair) {
  ASSERT_TRUE(reaches(pair.a, pair.b.inner()));  // what waits for a handshake may lose some
  for (const int family : {4, 6}) {
    for (const bool segmented : {false, true}) {
      EXPECT_NO_THROW(check_udp_trains(pair.a, pair.b, family, segmented)) << family << (segmented ? ", by UDP_SEGMENT" : "");
      EXPECT_NO_THROW(check_udp_trains(pair.b, pair.a, family, segmented)) << family << (segmented ? ", by UDP_SEGMENT" : "");
    }
  }
}

void step_ipv6_underlay(WirePair& pair, std::size_t bytes) {
  const std::array<WireNode*, 2> nodes{&pair.a, &pair.b};
  const auto dial = [&](int family) {
    for (const auto i : {0U, 1U}) {
      const auto& other = *nodes[1 - i];
      const auto address = family == 4 ? other.outer() : "[" + other.outer(6) + "]";
      nodes[i]->set("peer " + other.public_key() + " endpoint " + address + ":" + std::to_string(other.port()));
    }
  };
  for (const auto* node : nodes) node->sh("ip -4 addr flush dev eth");
  dial(6);
  ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
  step_datagrams_of_every_size(pair, 16);
  step_tcp_byte_for_byte(pair, bytes);
  EXPECT_THAT(pair.b.sh("wg show " + pair.b.wire() + " endpoints"),
              testing::HasSubstr("[" + pair.a.outer(6) + "]:" + std::to_string(pair.a.port())));
  for (const auto* node : nodes) node->sh("ip addr add " + node->outer() + "/24 dev eth");
  dial(4);
  EXPECT_TRUE(reaches(pair.a, pair.b.inner()));
}

void step_keepalives(WirePair& pair) {
  pair.a.set("peer " + pair.b.public_key() + " persistent-keepalive 1");
  const auto received = [&] { return std::stoull(pair.b.sh("wg show wg2 transfer | cut -f2")); };
  ASSERT_TRUE(eventually([&] { return received() > 0; }, patience));
  const auto before = received();
  EXPECT_TRUE(eventually([&] { return received() >= before + 3 * 32; }, patience));
  pair.a.set("peer " + pair.b.public_key() + " persistent-keepalive 0");
}

void step_foreign_source_is_dropped(const WirePair& pair) {
  ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
  pair.a.sh("ip addr add 10.0.0.66/32 dev wg1");
  pair.b.sh("ip route add 10.0.0.66/32 dev wg2");
  EXPECT_FALSE(run_process({"ip", "netns", "exec", "n1", "ping", "-c", "1", "-W", "1", "-I", "10.0.0.66", "10.0.0.2"})->ok());
  EXPECT_TRUE(reaches(pair.a, pair.b.inner()));
  pair.a.sh("ip addr del 10.0.0.66/32 dev wg1");
}

void step_preshared_key(WireNode& ours, WireNode& theirs) {
  const auto handshake = [&] {
    forget_sessions(ours);
    return ours.pings(theirs.inner());
  };
  const auto share = [](WireNode& node, const WireNode& other, const std::string& key) {
    node.sh("echo " + key + " | wg set " + node.wire() + " peer " + other.public_key() + " preshared-key /dev/stdin");
  };
  const std::string key = "3VLo5xSrLMgWXHIcRQBBXB3NPVXWCeiCCuGjcyDYzNg=";
  ASSERT_TRUE(eventually(handshake, patience));
  share(ours, theirs, key);
  EXPECT_FALSE(handshake());
  share(theirs, ours, key);
  EXPECT_TRUE(eventually(handshake, patience));
  const std::string none(43, 'A');
  share(ours, theirs, none + "=");
  EXPECT_FALSE(handshake());
  share(theirs, ours, none + "=");
  EXPECT_TRUE(eventually(handshake, patience)) << "without one again";
}

void step_restarts(WirePair& pair) {
  ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
  for (auto* node : {&pair.a, &pair.b}) {
    auto& other = node == &pair.a ? pair.b : pair.a;
    node->kill();
    node->start();
    node->up();
    node->add_peer(other);
    EXPECT_TRUE(reaches(*node, other.inner()));
    EXPECT_TRUE(reaches(other, node->inner()));
  }
}

void step_each_handshake_message_is_lost(const WirePair& pair, Relay& relay) {
  // The first of each type: initiation, response, and the first data message,
  // which confirms the session.
  std::array<bool, 5> lost{};
  relay.set_policy([&](Relay& network, const Frame& frame) {
    const auto type = static_cast<std::size_t>(frame.type());
    if ((type == 1 || type == 2 || type == 4) && !lost[type]) {
      lost[type] = true;
      return;
    }
    network.forward(frame);
  });
  const int before = relay.seen(1, 1) + relay.seen(2, 1);
  EXPECT_TRUE(reaches(pair.a, pair.b.inner()));
  EXPECT_TRUE(reaches(pair.b, pair.a.inner()));
  relay.forward_everything();
  EXPECT_TRUE(lost[1] && lost[2] && lost[4]);
  EXPECT_GE(relay.seen(1, 1) + relay.seen(2, 1), before + 3) << "one initiation more for each that was lost or unanswered";
}

void step_repeated_reordered_damaged(const WirePair& pair, Relay& relay) {
  ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
  // Data of node 1: eight at a time, last first, each twice with a damaged copy between.
  std::vector<Frame> held, all;
  relay.set_policy([&](Relay& network, const Frame& frame) {
    if (frame.from != 1 || frame.type() != 4) return network.forward(frame);
    all.push_back(frame);
    held.push_back(frame);
    if (held.size() < 8) return;
    for (auto i = held.rbegin(); i != held.rend(); ++i) {
      network.forward(*i);
      network.forward(i->damaged());
      network.forward(*i);
    }
    held.clear();
  });
  Numbered numbered(pair);
  constexpr std::uint32_t count = 400;
  for (std::uint32_t i = 0; i < count; ++i) {
    numbered.send(i);
    // No more under way than queues hold; up to seven may be held back.
    if (i % 16 == 15) numbered.receive(std::chrono::seconds(5), i + 1 - 7);
  }
  EXPECT_TRUE(eventually([&] {
    relay.act([&] {
      for (const auto& frame : held) relay.forward(frame);
      held.clear();
    });
    numbered.receive(std::chrono::milliseconds(100), count);
    return numbered.times().size() == count;
  }, patience)) << numbered.times().size() << " of " << count << " came";
  relay.forward_everything();

  // All of it once more, a few at a time.
  for (std::size_t i = 0; i < all.size(); ++i) {
    relay.act([&] { relay.forward(all[i]); });
    if (i % 16 == 15) numbered.receive(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(reaches(pair.a, pair.b.inner()));  // by now node 2 has seen all of them
  numbered.receive(std::chrono::milliseconds(200));
  for (const auto& [number, times] : numbered.times()) EXPECT_EQ(times, 1) << number;
}

void step_initiation_played_again(const WirePair& pair, Relay& relay) {
  std::vector<Frame> initiations;
  relay.set_policy([&](Relay& network, const Frame& frame) {
    if (frame.from == 1 && frame.type() == 1) initiations.push_back(frame);
    network.forward(frame);
  });
  ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
  const auto answered = relay.seen(2, 2);
  bool any = false;
  relay.act([&] {
    for (const auto& frame : initiations) {
      any = true;
      relay.forward(frame);
      relay.forward(frame.damaged());
    }
  });
  ASSERT_TRUE(any);
  // Node 2 goes on with the session that it has, and had time to answer.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(reaches(pair.b, pair.a.inner()));
  EXPECT_EQ(relay.seen(2, 2), answered);
  relay.forward_everything();
}

void step_flood_of_initiations(const WirePair& pair, Relay& relay) {
  std::optional<Frame> initiation;
  relay.set_policy([&](Relay& network, const Frame& frame) {
    if (frame.from == 1 && frame.type() == 1) initiation = frame;
    network.forward(frame);
  });
  ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
  relay.forward_everything();
  ASSERT_TRUE(initiation);
  // An old one has a right mac1, so that node 2 must do the whole of its work or ask for a cookie.
  std::atomic<bool> over{false};
  // Some 60,000 a second: ten times what it can answer, and within what it can ask for cookies.
  std::thread flood([&] {
    while (!over) {
      for (int i = 0; i < 64; ++i) relay.forward(*initiation);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  const int before = relay.seen(2, 3);
  const bool busy = eventually([&] { return relay.seen(2, 3) > before; }, patience);
  forget_sessions(pair.a);
  forget_sessions(pair.b);
  const bool reached = reaches(pair.a, pair.b.inner());
  over = true;
  flood.join();
  EXPECT_TRUE(busy) << "node 2 asked for no cookie";
  EXPECT_TRUE(reached);
  EXPECT_TRUE(reaches(pair.b, pair.a.inner()));
}

void step_roaming(WireNode& mover, WireNode& other, bool reminded) {
  ASSERT_TRUE(reaches(mover, other.inner()));
  mover.sh("ip addr del " + mover.outer() + "/24 dev eth; ip addr add 10.9.0.77/24 dev eth");
  if (reminded) mover.set("peer " + other.public_key() + " endpoint " + other.endpoint());
  EXPECT_TRUE(reaches(mover, other.inner()));
  EXPECT_THAT(other.sh("wg show " + other.wire() + " endpoints"),
              testing::HasSubstr("10.9.0.77:" + std::to_string(mover.port())));
  EXPECT_TRUE(reaches(other, mover.inner()));

  // Another port, and from IPv4 to IPv6.
  mover.set("listen-port 4444 peer " + other.public_key() + " endpoint [" + other.outer(6) + "]:" +
            std::to_string(other.port()));
  EXPECT_TRUE(reaches(mover, other.inner()));
  EXPECT_THAT(other.sh("wg show " + other.wire() + " endpoints"), testing::HasSubstr("[" + mover.outer(6) + "]:4444"));
  EXPECT_TRUE(reaches(other, mover.inner(6)));
}

}  // namespace radial::test
