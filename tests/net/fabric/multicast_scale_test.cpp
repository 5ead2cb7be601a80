// A hub on FRR 8.4 with 40 sites, on radial-wire and on wireguard-go: what a
// restart of the hub's ospfd costs over multicast and over NBMA.
//
//   fra1 (hub) -- internet -- s01 ... s40, a LAN each
#include <cstdlib>

#include <fmt/format.h>

#include "support/live_lab.h"

namespace radial::test {
namespace {

constexpr int sites = 40;
constexpr int restarts = 5;

std::string forty_sites() {
  std::string yaml = "fabric: forty\nhubs:\n  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }\nsites:\n";
  for (int i = 1; i <= sites; ++i) yaml += fmt::format("  s{:02}: {{ lans: [10.{}.0.0/24] }}\n", i, i);
  return yaml;
}

class FortySites : public testing::TestWithParam<const char*> {};

TEST_P(FortySites, EveryRouteIsBackAfterTheHubsOspfdIsKilled) {
  ::setenv("RADIAL_WIREGUARD", GetParam(), 1);
  lab::LabOptions options;
  options.name = "forty";
  options.frr = "8.4";
  LiveLab lab(forty_sites(), std::move(options), 300s);
  ::unsetenv("RADIAL_WIREGUARD");
  ASSERT_TRUE(lab.ready());
  // What matters, cheaply: the hub knows every site, and the last site all others.
  const auto count = [&](const std::string& node) {
    const auto routes = lab->run(node, {"sh", "-c", "ip -4 route show proto ospf | grep -c '^10[.].*[.]0/24 '"});
    return routes ? std::atoi(routes->out.c_str()) : 0;
  };
  for (int round = 1; round <= restarts; ++round) {
    const auto before = lab.pids("fra1", "ospfd");
    lab.sh("fra1", "kill -9 $(pidof ospfd)");
    const auto back = wait_until(120s, [&] {
      const auto now = lab.pids("fra1", "ospfd");
      return !now.empty() && now != before && count("fra1") == sites && count("s40") == sites - 1 && count("s01") == sites - 1;
    });
    ASSERT_TRUE(back) << "restart " << round << " on " << GetParam() << ": " << count("fra1") << " routes at the hub, "
                      << count("s40") << " at the last site";
    std::printf("  %s, restart %d: every route back after %lld ms\n", GetParam(), round, static_cast<long long>(back->count()));
  }
  EXPECT_TRUE(wait_until(60s, [&] { return lab.pings(); }));
}

INSTANTIATE_TEST_SUITE_P(On, FortySites, testing::Values("radial-wire", "wireguard-go"),
                         [](const auto& wire) { return std::string(wire.param) == "radial-wire" ? "Multicast" : "Nbma"; });

}  // namespace
}  // namespace radial::test
