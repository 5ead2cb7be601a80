#include "lab/state.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/frr_daemons.h"
#include "lab/init_spec.h"
#include "lab/wiring.h"

namespace radial::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

LabState full_state() {
  LabState state;
  state.plan.lab = "try";
  state.plan.internet.name = "internet";
  state.plan.internet.pid = 41;
  LabNode node;
  node.name = "berlin";
  node.netns = "radial-try-berlin";
  node.link = "berlin";
  node.hub = true;
  node.index = 3;
  node.frr = "10.3";
  node.frr_root = "/var/cache/radial/debian13";
  node.pid = 42;
  node.start_time = 18446744073709551615ULL;
  node.forwarded_ports[443] = 51820;
  node.extra_addresses = {IpAddress::parse("203.0.113.7").value(), IpAddress::parse("2001:db8:1::7").value()};
  node.lans = {{"berlin.lan0", "radial-try-berlin-lan0", "lan0", Prefix::parse("fd20::/64").value(),
                IpAddress::parse("fd20::1").value(), IpAddress::parse("fd20::2").value()},
               {"berlin.lan1", "radial-try-berlin-lan1", "lan1", Prefix::parse("10.0.0.1/32").value(),
                IpAddress::parse("10.0.0.1").value(), std::nullopt}};
  state.plan.nodes.push_back(node);
  state.plan.endpoint_names["vpn.example.com"] = {IpAddress::parse("198.18.0.2").value()};
  state.faults["berlin"] = {.cut = true, .carrier = false, .rate = 1000000, .loss = 2.5, .mtu = 1400, .mtu_icmp = true};
  state.fabric_path = "/etc/f\xc3\xa4" "bric.yaml";
  state.complete = true;
  state.with_radiald = true;
  state.daemons = {"ospfd", "bfdd"};
  state.since = 1700000000;
  return state;
}

TEST(LabState, SurvivesTheDisk) {
  const auto state = full_state();
  const auto again = state_from_json(to_json(state));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, state);
}

TEST(LabState, DamageIsAnErrorNotACrash) {
  const auto text = to_json(full_state());
  for (std::size_t length = 0; length < text.size() - 2; length += 7) EXPECT_FALSE(state_from_json(text.substr(0, length)));
  auto wrong_type = text;
  wrong_type.replace(wrong_type.find("\"complete\": true"), 16, "\"complete\": \"y\" ");
  EXPECT_FALSE(state_from_json(wrong_type));
  auto wrong_address = text;
  wrong_address.replace(wrong_address.find("fd20::1"), 7, "fd20::g");
  EXPECT_THAT(state_from_json(wrong_address).error().message, HasSubstr("fd20::g"));
  auto other_version = text;
  other_version.replace(other_version.find("\"version\": 1"), 12, "\"version\": 2");
  EXPECT_EQ(state_from_json(other_version).error().code, Errc::unsupported);
}

TEST(InitSpec, SurvivesThePipe) {
  InitSpec spec;
  spec.hostname = "berlin";
  spec.netns = "radial-try-berlin";
  spec.lan_netns = {"radial-try-berlin-lan0"};
  spec.folders = {{"/etc/frr", 0750, true, false}, {"/var/lib/frr", 0755, true, true}};
  spec.files = {{"/etc/hosts", "127.0.0.1 \"localhost\"\n", 0644, false}};
  spec.sysctls = {{"net.ipv4.ip_forward", "0"}};
  spec.frr_root = "/root13";
  const auto again = init_spec_from_json(to_json(spec));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(to_json(*again), to_json(spec));
  EXPECT_EQ(again->folders[0].mode, 0750U);
  EXPECT_TRUE(again->folders[1].frr_root_only);
  EXPECT_EQ(again->files[0].content, "127.0.0.1 \"localhost\"\n");
  EXPECT_FALSE(init_spec_from_json("{}"));
}

TEST(FrrFiles, DaemonsAreEnabledByName) {
  const auto text = daemons_file({"ospfd", "bfdd"});
  EXPECT_THAT(text, HasSubstr("\nospfd=yes\n"));
  EXPECT_THAT(text, HasSubstr("\nbfdd=yes\n"));
  EXPECT_THAT(text, HasSubstr("\nospf6d=no\n"));
  EXPECT_THAT(text, HasSubstr("ospf6d_options=\"-A ::1\""));
  EXPECT_THAT(running_daemons({"8.4.4", ""}, {"ospfd"}), ElementsAre("ospfd", "staticd", "zebra"));
  EXPECT_THAT(running_daemons({"10.3", ""}, {"ospfd"}), ElementsAre("mgmtd", "ospfd", "staticd", "zebra"));
}

TEST(FrrFiles, AnotherRootsVtyshStandsInForTheMachines) {
  InitSpec own;
  add_frr(own, {"8.4.4", ""}, {"ospfd"});
  EXPECT_TRUE(own.frr_root.empty());
  InitSpec other;
  add_frr(other, {"10.3", "/root13"}, {"ospfd"});
  EXPECT_EQ(other.frr_root, "/root13");
  const auto vtysh = std::ranges::find(other.files, "/usr/bin/vtysh", &InitSpec::File::path);
  ASSERT_NE(vtysh, other.files.end());
  EXPECT_EQ(vtysh->content, "#!/bin/sh\nexec chroot /root13 /usr/bin/vtysh \"$@\"\n");
  EXPECT_EQ(std::ranges::find(own.files, "/usr/bin/vtysh", &InitSpec::File::path), own.files.end());
}

TEST(Wiring, ANodesEndOfItsLinks) {
  const auto node = full_state().plan.nodes[0];
  EXPECT_EQ(node_links(node),
            "address add 198.18.0.14/30 dev uplink\n"
            "address add 2001:db8:0:3::2/64 dev uplink nodad\n"
            "address add 203.0.113.7/32 dev uplink\n"
            "address add 2001:db8:1::7/128 dev uplink nodad\n"
            "link set uplink up\n"
            "route add default via 198.18.0.13 dev uplink\n"
            "route add default via 2001:db8:0:3::1 dev uplink\n"
            "link add name lan0 type veth peer name eth0 netns radial-try-berlin-lan0\n"
            "address add fd20::1/64 dev lan0 nodad\n"
            "link set lan0 up\n"
            "link add name lan1 type veth peer name eth0 netns radial-try-berlin-lan1\n"
            "address add 10.0.0.1/32 dev lan1\n"
            "link set lan1 up\n");
  EXPECT_EQ(lan_host_links(node.lans[0]),
            "address add fd20::2/64 dev eth0 nodad\nlink set eth0 up\nroute add default via fd20::1 dev eth0\n");
  EXPECT_EQ(lan_host_links(node.lans[1]), "link set eth0 up\n");
}

}  // namespace
}  // namespace radial::lab
