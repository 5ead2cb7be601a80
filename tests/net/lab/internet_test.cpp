// The virtual internet and its faults.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "lab/netns.h"
#include "net/lab/lab_fixture.h"

namespace radial::lab {
namespace {

// A UDP socket of a node that waits two seconds at most.
Fd udp_socket(const Lab& lab, const std::string& node, const char* address, std::uint16_t port) {
  Fd socket;
  const auto opened = in_netns(netns_path(lab.plan().find(node)->netns), [&]() -> Status {
    socket = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const timeval patience{2, 0};
    ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const sockaddr_in own{AF_INET, htons(port), {::inet_addr(address)}, {}};
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0) return fail_errno(errno, "bind");
    return {};
  });
  if (!opened) ADD_FAILURE() << opened.error().message;
  return socket;
}

TEST(LabInternet, CutIsSilentAndHealed) {
  const auto name = unique("cut");
  const Guard guard(name);
  auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  const auto fra1 = uplink_v4(*lab, "fra1");
  EXPECT_TRUE(reaches(*lab, "berlin", fra1));
  EXPECT_TRUE(reaches(*lab, "berlin", uplink_v6(*lab, "fra1")));
  ASSERT_TRUE(lab->cut("berlin"));
  EXPECT_FALSE(reaches(*lab, "berlin", fra1));
  EXPECT_FALSE(reaches(*lab, "paris", uplink_v6(*lab, "berlin")));
  EXPECT_EQ(out(*lab, "berlin", "cat /sys/class/net/uplink/carrier"), "1\n");
  EXPECT_TRUE(reaches(*lab, "paris", fra1));  // nobody else is affected
  EXPECT_TRUE(Lab::open(name)->faults("berlin").cut);  // any program sees it
  ASSERT_TRUE(lab->heal("berlin"));
  EXPECT_TRUE(reaches(*lab, "berlin", fra1));
}

TEST(LabInternet, ALinkWithoutCarrierComesBackWhole) {
  const auto name = unique("carrier");
  const Guard guard(name);
  auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  ASSERT_TRUE(lab->cut("berlin", true));
  EXPECT_EQ(out(*lab, "berlin", "cat /sys/class/net/uplink/carrier"), "0\n");
  EXPECT_FALSE(reaches(*lab, "paris", uplink_v4(*lab, "berlin")));
  ASSERT_TRUE(lab->cut("paris"));  // another change while it is down
  ASSERT_TRUE(lab->heal_all());
  EXPECT_TRUE(reaches(*lab, "paris", uplink_v4(*lab, "berlin")));
  EXPECT_TRUE(reaches(*lab, "paris", uplink_v6(*lab, "berlin")));
}

TEST(LabInternet, ANarrowLinkIsABlackHoleForWhatIsLarger) {
  const auto name = unique("narrow");
  const Guard guard(name);
  auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  ASSERT_TRUE(lab->set_faults("berlin", {.mtu = 1400}));
  const PingOptions fits{.payload = 1400 - 28};
  const PingOptions too_large{.payload = 1400 - 27};
  const PingOptions too_large_and_df{.payload = 1400 - 27, .dont_fragment = true};
  for (const auto& [from, to] : {std::pair{"berlin", "paris"}, std::pair{"paris", "berlin"}}) {
    EXPECT_TRUE(reaches(*lab, from, uplink_v4(*lab, to), fits)) << from;
    EXPECT_FALSE(reaches(*lab, from, uplink_v4(*lab, to), too_large)) << from;
    EXPECT_FALSE(reaches(*lab, from, uplink_v4(*lab, to), too_large_and_df)) << from;
    EXPECT_TRUE(reaches(*lab, from, uplink_v6(*lab, to), {.payload = 1400 - 48})) << from;
    EXPECT_FALSE(reaches(*lab, from, uplink_v6(*lab, to), {.payload = 1400 - 47})) << from;
    EXPECT_EQ(out(*lab, from, "ip route get " + uplink_v4(*lab, to)).find("mtu"), std::string::npos) << from;  // told nobody
  }
  EXPECT_TRUE(reaches(*lab, "paris", uplink_v4(*lab, "fra1"), {.payload = 1472, .dont_fragment = true}));
  ASSERT_TRUE(lab->heal("berlin"));
  EXPECT_TRUE(reaches(*lab, "paris", uplink_v4(*lab, "berlin"), {.payload = 1472, .dont_fragment = true}));
}

TEST(LabInternet, ANarrowLinkCanAnswerAsARouterShould) {
  const auto name = unique("answers");
  const Guard guard(name);
  auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  ASSERT_TRUE(lab->set_faults("berlin", {.mtu = 1400, .mtu_icmp = true}));
  const auto berlin = uplink_v4(*lab, "berlin");
  EXPECT_FALSE(reaches(*lab, "paris", berlin, {.payload = 1373, .dont_fragment = true}));
  EXPECT_THAT(out(*lab, "paris", "ip route get " + berlin), HasSubstr("mtu 1400"));
  ASSERT_TRUE(lab->heal("berlin"));
  EXPECT_TRUE(reaches(*lab, "paris", berlin, {.payload = 1472, .dont_fragment = true}));
}

TEST(LabInternet, ANarrowLinkHoldsForOffloadedPacketsToo) {
  // TCP leaves a node as 64 KB segments that a rule on the packet's length would see
  // whole. Over a link of 1400, TCP that is told adapts and gets through.
  const auto name = unique("offload");
  const Guard guard(name);
  auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  ASSERT_TRUE(lab->set_faults("berlin", {.mtu = 1400, .mtu_icmp = true}));
  ASSERT_TRUE(lab->start("paris", {"iperf3", "-s", "-1"}, "/dev/null"));
  const auto transfer = out(*lab, "berlin",
                            "for i in 1 2 3 4 5 6 7 8 9 10; do iperf3 -c " + uplink_v4(*lab, "paris") +
                                " -n 8M --connect-timeout 1000 >/run/iperf 2>&1 && break; sleep 0.1; done; cat /run/iperf; rm /run/iperf");
  EXPECT_THAT(transfer, HasSubstr("receiver"));
  EXPECT_THAT(out(*lab, "berlin", "ip route get " + uplink_v4(*lab, "paris")), HasSubstr("mtu 1400"));
}

TEST(LabInternet, LossIsAboutWhatWasAskedFor) {
  const auto name = unique("loss");
  const Guard guard(name);
  auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  ASSERT_TRUE(lab->set_faults("berlin", {.loss = 20}));
  const auto result = lab->ping("paris", lab->plan().find("berlin")->uplink_v4(), {.count = 1000, .interval = 1ms, .timeout = 300ms});
  ASSERT_TRUE(result) << result.error().message;
  // There and back: 1 - 0.8 * 0.8 = 36 per cent, give or take eight standard deviations.
  EXPECT_GT(result->loss(), 24);
  EXPECT_LT(result->loss(), 48);
  ASSERT_TRUE(lab->heal("berlin"));
  EXPECT_TRUE(reaches(*lab, "paris", uplink_v4(*lab, "berlin"), {.count = 50, .interval = 1ms}));
}

TEST(LabInternet, ARateBindsBothWays) {
  const auto name = unique("rate");
  const Guard guard(name);
  auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  ASSERT_TRUE(lab->set_faults("berlin", {.rate = 1'000'000}));
  for (const auto& [from, to] : {std::pair{"berlin", "paris"}, std::pair{"paris", "berlin"}}) {
    // 60 packets of 1000 bytes are 0.48 s at 1 Mbit/s, the bucket of 16 KB aside,
    // and both ways count: more than what the queue of 50 ms holds is dropped.
    const auto result = lab->ping(from, lab->plan().find(to)->uplink_v4(), {.count = 60, .interval = 1ms, .payload = 972});
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_GT(result->received, 5) << from;
    EXPECT_LT(result->received, 50) << from;
  }
  ASSERT_TRUE(lab->heal("berlin"));
  EXPECT_TRUE(reaches(*lab, "paris", uplink_v4(*lab, "berlin"), {.count = 60, .interval = 1ms, .payload = 972}));
}

TEST(LabInternet, AnEndpointsAddressAndForwardedPortLeadToTheHub) {
  const auto name = unique("literal");
  const Guard guard(name);
  const auto lab = bring_up(without_frr(name), R"(fabric: labtest
hubs:
  fra1: { endpoint: "203.0.113.7:443", listen_port: 51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
)");
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_TRUE(reaches(*lab, "berlin", "203.0.113.7"));
  // A datagram to the outer port arrives at the listener, and its answer comes
  // from where it was sent to.
  const auto listener = udp_socket(*lab, "fra1", "203.0.113.7", 51820);
  const auto sender = udp_socket(*lab, "berlin", "198.18.0.6", 5000);
  sockaddr_in endpoint{AF_INET, htons(443), {::inet_addr("203.0.113.7")}, {}};
  ASSERT_EQ(::sendto(sender.get(), "ping", 4, 0, reinterpret_cast<sockaddr*>(&endpoint), sizeof endpoint), 4);
  std::array<char, 16> buffer{};
  sockaddr_in from{};
  socklen_t length = sizeof from;
  ASSERT_EQ(::recvfrom(listener.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length), 4);
  ASSERT_EQ(::sendto(listener.get(), "pong", 4, 0, reinterpret_cast<sockaddr*>(&from), length), 4);
  ASSERT_EQ(::recvfrom(sender.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from), &length), 4);
  EXPECT_EQ(from.sin_addr.s_addr, endpoint.sin_addr.s_addr);
  EXPECT_EQ(ntohs(from.sin_port), 443);
}

}  // namespace
}  // namespace radial::lab
