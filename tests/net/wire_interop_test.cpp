// radial-wire against wireguard-go, the kernel (where it has WireGuard: in the
// virtual machine) and itself, both ways: what one end sends,
// the other must understand, through every change that happens to a peer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/wire_lab.h"

namespace radial::test {
namespace {

constexpr std::chrono::seconds patience(30);  // on a machine that does other things too

bool reaches(const WireNode& from, const std::string& address) {
  return eventually([&] { return from.pings(address); }, patience);
}

using Programs = std::pair<Program, Program>;

std::vector<Programs> all_pairs() {
  std::vector<Programs> out{{radial_wire(), radial_wire()},
                            {radial_wire("RADIAL_WIRE_QUEUES=4"), radial_wire("RADIAL_WIRE_NO_OFFLOAD=1")},
                            {radial_wire(), wireguard_go_12()},
                            {wireguard_go_12(), radial_wire()}};
  for (const auto& program : wireguard_go_13()) {
    out.push_back({radial_wire(), program});
    out.push_back({program, radial_wire()});
  }
  if (kernel_has_wireguard()) {
    out.push_back({radial_wire(), kernel_wireguard()});
    out.push_back({kernel_wireguard(), radial_wire()});
  }
  return out;
}

class WireInterop : public testing::TestWithParam<Programs> {
 protected:
  // Where one end has to do what only ours does right (wireguard-go keeps a
  // source address that is gone, and its sessions when its link goes down).
  std::pair<WireNode&, WireNode&>& ours_and_theirs() { return ours_and_theirs_; }

  WirePair pair_{GetParam().first, GetParam().second};
  std::pair<WireNode&, WireNode&> ours_and_theirs_ =
      GetParam().first.name.starts_with("radial") ? std::pair<WireNode&, WireNode&>{pair_.a, pair_.b}
                                                  : std::pair<WireNode&, WireNode&>{pair_.b, pair_.a};
};

TEST_P(WireInterop, DatagramsOfEverySizeComeBackAsTheyWent) {
  EXPECT_THAT(lost_udp_echoes(pair_.a, pair_.b, 4, 0, 1392), testing::IsEmpty());
  EXPECT_THAT(lost_udp_echoes(pair_.a, pair_.b, 6, 0, 1372), testing::IsEmpty());
  // Fragmented inside the tunnel.
  EXPECT_THAT(lost_udp_echoes(pair_.a, pair_.b, 4, 1393, 1400), testing::IsEmpty());
  EXPECT_THAT(lost_udp_echoes(pair_.a, pair_.b, 6, 9000, 9003), testing::IsEmpty());
}

TEST_P(WireInterop, TcpArrivesByteForByteBothWays) {
  // The kernel is met in an emulated machine, which is slow.
  const std::size_t bytes = GetParam().first.name == "kernel" || GetParam().second.name == "kernel" ? 4'000'000 : 40'000'000;
  for (const int family : {4, 6}) {
    ASSERT_NO_THROW(check_tcp(pair_.a, pair_.b, family, bytes, 1)) << family;
    ASSERT_NO_THROW(check_tcp(pair_.b, pair_.a, family, bytes + 1, 2)) << family;
  }
}

TEST_P(WireInterop, APeerThatMovesIsFollowed) {
  auto& [mover, other] = ours_and_theirs();
  ASSERT_TRUE(reaches(mover, other.inner()));
  mover.sh("ip addr del " + mover.outer() + "/24 dev eth; ip addr add 10.9.0.77/24 dev eth");
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

TEST_P(WireInterop, APresharedKeyMustBeThatOfBoth) {
  auto& [ours, theirs] = ours_and_theirs();
  const auto handshake = [&ours = ours, &theirs = theirs] {
    ours.sh("ip link set " + ours.wire() + " down; ip link set " + ours.wire() + " up");
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
}

TEST_P(WireInterop, KeepalivesFlowWithoutTraffic) {
  pair_.a.set("peer " + pair_.b.public_key() + " persistent-keepalive 1");
  const auto received = [&] {
    return std::stoull(pair_.b.sh("wg show wg2 transfer | cut -f2"));
  };
  ASSERT_TRUE(eventually([&] { return received() > 0; }, patience));
  const auto before = received();
  EXPECT_TRUE(eventually([&] { return received() >= before + 3 * 32; }, patience));
}

TEST_P(WireInterop, EitherEndMayBeStartedAgain) {
  ASSERT_TRUE(reaches(pair_.a, pair_.b.inner()));
  for (auto* node : {&pair_.a, &pair_.b}) {
    auto& other = node == &pair_.a ? pair_.b : pair_.a;
    node->kill();
    node->start();
    node->up();
    node->add_peer(other);
    EXPECT_TRUE(reaches(*node, other.inner()));
    EXPECT_TRUE(reaches(other, node->inner()));
  }
}

TEST_P(WireInterop, ASourceThatIsNotThePeersIsDropped) {
  ASSERT_TRUE(reaches(pair_.a, pair_.b.inner()));
  pair_.a.sh("ip addr add 10.0.0.66/32 dev wg1");
  pair_.b.sh("ip route add 10.0.0.66/32 dev wg2");
  EXPECT_FALSE(run_process({"ip", "netns", "exec", "n1", "ping", "-c", "1", "-W", "1", "-I", "10.0.0.66", "10.0.0.2"})->ok());
  EXPECT_TRUE(reaches(pair_.a, pair_.b.inner()));
}

INSTANTIATE_TEST_SUITE_P(Pairs, WireInterop, testing::ValuesIn(all_pairs()),
                         [](const auto& pair) { return pair.param.first.name + "_" + pair.param.second.name; });

}  // namespace
}  // namespace radial::test
