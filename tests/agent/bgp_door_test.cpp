// Who reaches bgpd.
#include "agent/bgp_door.h"

#include <gmock/gmock.h>

namespace radial::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

NodeConfig hub() {
  NodeConfig config;
  config.tunnels = {Prefix::parse("10.255.0.0/24").value()};
  config.wires.emplace_back();
  config.wires.back().interface = "wg0";
  config.frr.push_back({"bgpd", "router bgp 65000", {"neighbor 10.255.0.2 remote-as 65000"}});
  return config;
}

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

TEST(BgpDoor, IsOpenToWiresAloneWhereNobodyElseIsConfigured) {
  const auto config = hub();
  host::FrrRunning running;
  running.daemons["bgpd"]["router bgp 65000"] = {"bgp router-id 10.255.0.1", "neighbor SITES peer-group", "neighbor 10.255.0.2 peer-group SITES",
                                                 "neighbor fe80::2 interface wg0", "neighbor wg0 interface remote-as internal"};
  const auto callers = bgp_callers(running, config);
  EXPECT_EQ(callers, BgpCallers{});
  EXPECT_EQ(with_bgp_door("table inet radial {\n}\n", config, callers),
            "table inet radial {\n\n\tchain bgp {\n\t\ttype filter hook input priority filter; policy accept;\n\t\tiifname \"lo\" tcp dport 179 accept\n"
            "\t\tiifname \"wg0\" tcp dport 179 accept\n\t\ttcp dport 179 drop\n\t}\n}\n");
}

TEST(BgpDoor, TheOperatorsOwnNeighborsKeepTheirSessions) {
  const auto config = hub();
  host::FrrRunning running;
  running.daemons["bgpd"]["router bgp 65000"] = {"neighbor 203.0.113.9 remote-as 64999", "neighbor 203.0.113.9 description transit",
                                                 "neighbor 2001:db8::9 remote-as 64999", "neighbor eth1 interface remote-as external",
                                                 "bgp listen range 172.16.0.0/12 peer-group RACK", "bgp listen range ::/0 peer-group RACK"};
  running.daemons["bgpd"]["router bgp 65100 vrf blue"] = {"neighbor 198.51.100.4 remote-as 64998"};
  running.daemons["bgpd"][""] = {"neighbor 192.0.2.1 is no neighbor here"};
  running.daemons["ospfd"]["router bgp 1"] = {"neighbor 192.0.2.2 remote-as 1"};
  const auto callers = bgp_callers(running, config);
  EXPECT_THAT(callers.from, ElementsAre(prefix("172.16.0.0/12"), prefix("198.51.100.4/32"), prefix("203.0.113.9/32"), prefix("::/0"), prefix("2001:db8::9/128")));
  EXPECT_THAT(callers.interfaces, ElementsAre("eth1"));
  const auto table = with_bgp_door("table inet radial {\n}\n", config, callers);
  for (const auto* rule : {"ip saddr 203.0.113.9 tcp dport 179 accept\n", "ip6 saddr 2001:db8::9 tcp dport 179 accept\n", "iifname \"eth1\" tcp dport 179 accept\n",
                           "ip saddr 172.16.0.0/12 tcp dport 179 accept\n", "meta nfproto ipv6 tcp dport 179 accept\n", "ip saddr 198.51.100.4 tcp dport 179 accept\n"})
    EXPECT_THAT(table, HasSubstr(rule));
  EXPECT_THAT(table, Not(HasSubstr("192.0.2.")));
}

TEST(BgpDoor, WithoutBgpThereIsNone) {
  auto config = hub();
  config.frr.clear();
  EXPECT_EQ(with_bgp_door("table inet radial {\n}\n", config, {}), "table inet radial {\n}\n");
}

}  // namespace
}  // namespace radial::agent
