// What a hostile site forges, or floods, is found within seconds; the site is
// named and cut off, and the fabric is whole again. OSPF cannot prevent it:
// docs/security.md.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "net/attack/attack_lab.h"

namespace radial::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

// Generous: the machine may be busy. What it takes is printed.
constexpr auto found_within = 40s;
constexpr auto whole_within = 60s;

std::string with_a_wire_for_each_site() {
  std::string text = attack_fabric;
  const std::string lans = "lans: [192.168.1.0/24]";
  return text.replace(text.find(lans), lans.size(), lans + ", wire: dedicated");
}

class ForgeOn : public testing::TestWithParam<Ground> {
 protected:
  void SetUp() override {
    const auto& ground = GetParam();
    if (!ground.frr.empty() && std::getenv("RADIAL_TRIXIE_ROOT") == nullptr)
      GTEST_SKIP() << "no Debian 13 folder with FRR 10.3 (RADIAL_TRIXIE_ROOT)";
    if (!lab_ || title_ != ground.title) {
      lab_.reset();
      title_ = ground.title;
      lab::LabOptions options;
      options.name = "forge" + title_;
      options.frr = ground.frr;
      lab_ = std::make_unique<LiveLab>(ground.dedicated ? with_a_wire_for_each_site() : attack_fabric, std::move(options));
      ASSERT_TRUE(lab_->ready());
      lab_->sh("mallory", "pkill -9 -x radiald");
      lab_->sh("mallory", "vtysh -c 'configure terminal' -c 'no ip protocol ospf route-map radial-ospf'");
    }
    ASSERT_TRUE(lab_->ready());
  }
  static void TearDownTestSuite() { lab_.reset(); }
  LiveLab& lab() { return *lab_; }

  static std::string address_of(const std::string& node) {
    const auto text = lab_->sh(node, "ip -4 -o address show dev wg0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'");
    return text.substr(0, text.find('\n'));
  }
  // The forger runs until it is cut off, or for half a minute.
  void forge(const std::string& type, const std::string& id, const std::string& originator, const std::string& words) {
    const auto me = address_of("mallory");
    lab().sh("mallory", fmt::format("{}/tests/forger wg0 {} 10.255.0.1 {} {} {} {} 80000100 100 {} >/dev/null 2>&1 & echo $! > /tmp/attack-forger",
                                    RADIAL_BINARY_DIR, me, me, type, id, originator, words));
  }
  void stop_forging() { lab().sh("mallory", "kill $(cat /tmp/attack-forger) 2>/dev/null; rm -f /tmp/attack-forger; true"); }

  std::string finding() {
    const auto hub = lab().status("fra1");
    if (!hub) return {};
    for (const auto& one : hub->findings)
      if (one.subject == "site mallory" && one.what.find("is cut off") != std::string::npos) return one.what;
    return {};
  }
  bool honest_full() {
    const auto neighbors = Json::parse(lab().vtysh("fra1", "show ip ospf neighbor json"), nullptr, false);
    if (!neighbors.is_object() || !neighbors.contains("neighbors")) return false;
    int full = 0;
    for (const auto& [id, list] : neighbors["neighbors"].items())
      if (id != address_of("mallory"))
        for (const auto& one : list) full += one.value("nbrState", "").starts_with("Full") ? 1 : 0;
    return full == 2;
  }
  bool honest_pings() {
    return lab().pings("berlin.lan0", "192.168.30.2") && lab().pings("paris.lan0", "192.168.1.2") && lab().pings("fra1.lan0", "192.168.20.2");
  }
  // Every honest node has the routes to every honest LAN from OSPF itself.
  bool honest_routes() {
    return lab().vtysh("paris", "show ip route 192.168.20.0/24").find("\"ospf\"") != std::string::npos &&
           lab().vtysh("berlin", "show ip route 192.168.30.0/24").find("\"ospf\"") != std::string::npos &&
           lab().vtysh("fra1", "show ip route 192.168.20.0/24").find("\"ospf\"") != std::string::npos;
  }

  void expect_cut_off(const std::string& what) {
    const auto began = std::chrono::steady_clock::now();
    std::string found;
    const auto took = wait_until(found_within, [&] { found = finding(); return !found.empty(); });
    ASSERT_TRUE(took) << "not found\n" << cli::status_text(lab().status("fra1").value()) << lab().vtysh("fra1", "show ip ospf database");
    EXPECT_THAT(found, HasSubstr(what));
    EXPECT_THAT(lab().sh("fra1", "nft list table inet radial"), HasSubstr("mallory is cut off"));
    EXPECT_THAT(lab().vtysh("fra1", "show running-config"), Not(HasSubstr("neighbor " + address_of("mallory"))));
    const auto whole = wait_until(whole_within, [&] { return honest_full() && honest_routes() && honest_pings(); });
    const auto all = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
    EXPECT_TRUE(whole) << lab().vtysh("fra1", "show ip ospf database") << lab().vtysh("paris", "show ip route");
    std::printf("  %s: found and cut off after %lld ms, whole after %lld ms\n", what.c_str(), static_cast<long long>(took->count()),
                static_cast<long long>(all.count()));
  }
  void readmit() {
    ASSERT_TRUE(lab().post("fra1", "/v1/readmit", Json{{"site", "mallory"}}.dump()));
    EXPECT_THAT(lab().sh("fra1", "nft list table inet radial"), Not(HasSubstr("mallory is cut off")));
    EXPECT_TRUE(wait_until(60s, [&] { return lab().pings("berlin.lan0", "192.168.66.2"); })) << "mallory did not come back";
  }

  static inline std::unique_ptr<LiveLab> lab_;
  static inline std::string title_;
};

TEST_P(ForgeOn, AnothersRouterLsa) {
  const auto berlin = address_of("berlin");
  forge("router", berlin, berlin, "stub:192.168.99.0:255.255.255.0");
  expect_cut_off("forges the router LSA");
  stop_forging();
  // It stays so when radiald starts again.
  lab().sh("fra1", "pkill -9 -x radiald");
  ASSERT_TRUE(lab().start_radiald("fra1"));
  ASSERT_TRUE(wait_until(30s, [&] { return !finding().empty(); }));
  EXPECT_THAT(lab().sh("fra1", "nft list table inet radial"), HasSubstr("mallory is cut off"));
  readmit();
}

TEST_P(ForgeOn, ASummaryLsa) {
  forge("summary", "192.168.20.0", address_of("mallory"), "mask:255.255.255.0");
  expect_cut_off("originates the summary LSA 192.168.20.0/24");
  stop_forging();
  readmit();
}

TEST_P(ForgeOn, AnExternalLsaOfTheHub) {
  forge("external", "10.0.0.0", "10.255.0.1", "mask:255.0.0.0");
  expect_cut_off("forges the external LSA 10.0.0.0");
  stop_forging();
  readmit();
}

TEST_P(ForgeOn, AFalseLink) {
  const auto me = address_of("mallory");
  forge("router", me, me, fmt::format("link:10.255.0.1:{0} link:{1}:{0} stub:192.168.66.0:255.255.255.0", me, address_of("berlin")));
  expect_cut_off("claims a link to berlin");
  stop_forging();
  readmit();
}

TEST_P(ForgeOn, AFloodOfTenThousandPrefixes) {
  lab().sh("mallory", "awk 'BEGIN { for (i = 0; i < 10000; i++) printf \"route add blackhole 100.%d.%d.%d/32 proto 99\\n\", 64 + i / 65536, (i / 256) % 256, i % 256 }' > /tmp/attack-flood; "
                      "ip -batch /tmp/attack-flood; rm /tmp/attack-flood");
  HonestPings pings(*lab(), 15s);
  lab().sh("mallory", "vtysh -c 'configure terminal' -c 'router ospf' -c 'redistribute kernel'");
  expect_cut_off("floods the fabric");
  std::printf("  honest pings lost while flooded: %d\n", pings.lost());
  lab().sh("mallory", "vtysh -c 'configure terminal' -c 'router ospf' -c 'no redistribute kernel'; ip route flush proto 99");
}

INSTANTIATE_TEST_SUITE_P(Native, ForgeOn, testing::Values(Ground{"Frr84", ""}), title_of);
INSTANTIATE_TEST_SUITE_P(Frr103, ForgeOn, testing::Values(Ground{"Frr103", "10.3"}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated, ForgeOn, testing::Values(Ground{"Ded84", "", false, true}), title_of);
INSTANTIATE_TEST_SUITE_P(Dedicated103, ForgeOn, testing::Values(Ground{"Ded103", "10.3", false, true}), title_of);

}  // namespace
}  // namespace radial::test
