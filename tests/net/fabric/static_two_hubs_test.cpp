// A `trust: static` site of two hubs. Nothing tells it that a hub is dead, nor a
// hub that it is: the agents find out by themselves.
//
//   LAN 192.168.1.0/24 -- fra1 ---- wire ---- ams1 -- LAN 192.168.2.0/24
//                         | cost 10            | cost 100
//                         +---------+----------+
//                         |                    |
//                      berlin          rome (trust: static)
//                  192.168.20.0/24       192.168.70.0/24
#include "support/live_lab.h"

namespace radial::test {
namespace {

constexpr const char* two_hubs = R"(
fabric: acme
hubs:
  fra1: { endpoint: fra1.example.com:51820, lans: [192.168.1.0/24], tunnel: 10.255.0.0/24 }
  ams1: { endpoint: ams1.example.com:51820, lans: [192.168.2.0/24], tunnel: 10.255.1.0/24, cost: 100 }
sites:
  berlin: { lans: [192.168.20.0/24] }
  rome:   { lans: [192.168.70.0/24], trust: static }
)";

struct Engine {
  std::string routing;
  bool dedicated = false;  // both hubs have a wire for each site
};
void PrintTo(const Engine& engine, std::ostream* out) { *out << engine.routing; }

std::string fabric_of(const Engine& engine) {
  std::string text = two_hubs;
  for (const std::string tunnel : {"tunnel: 10.255.0.0/24", "tunnel: 10.255.1.0/24"})
    if (engine.dedicated) text.insert(text.find(tunnel), "wire: dedicated, ");
  return text + "routing: " + engine.routing + "\n";
}

class StaticSiteOfTwoHubs : public testing::TestWithParam<Engine> {
 protected:
  void SetUp() override {
    lab::LabOptions options;
    options.name = (GetParam().dedicated ? "dst2" : "stat2") + GetParam().routing;
    lab_ = std::make_unique<LiveLab>(fabric_of(GetParam()), std::move(options));
    ASSERT_TRUE(lab_->ready());
  }
  void TearDown() override { lab_.reset(); }
  LiveLab& lab() { return *lab_; }

  bool rome_goes_by(const char* wire) {
    return lab().sh("rome", "ip route get 192.168.20.2").find(std::string("dev ") + wire) != std::string::npos;
  }
  bool both_ways() { return lab().pings("rome.lan0", "192.168.20.2") && lab().pings("berlin.lan0", "192.168.70.2"); }
  void expect_over_ams1(const char* what) {
    const auto over = wait_until(60s, [&] { return rome_goes_by("wg1") && both_ways(); });
    EXPECT_TRUE(over) << what << "\n" << lab().sh("rome", "ip route") << lab().vtysh("fra1", "show ip route");
    if (over) std::printf("  %s: over ams1 after %lld ms\n", what, static_cast<long long>(over->count()));
  }
  void expect_back() {
    EXPECT_TRUE(wait_until(60s, [&] { return rome_goes_by("wg0") && both_ways(); })) << lab().sh("rome", "ip route");
    EXPECT_TRUE(lab().converge(120s));
  }
  bool finding(const std::string& node, const std::string& subject) {
    const auto status = lab().status(node);
    return status && std::any_of(status->findings.begin(), status->findings.end(), [&](const auto& one) {
             return one.subject == subject && one.what.find("does not answer pings") != std::string::npos;
           });
  }

  std::unique_ptr<LiveLab> lab_;
};

TEST_P(StaticSiteOfTwoHubs, GoesByTheOtherWhenOneIsDeadOrItsPathIs) {
  EXPECT_TRUE(rome_goes_by("wg0")) << "fra1 is the cheaper";
  ASSERT_TRUE(lab()->cut("fra1"));
  expect_over_ams1("fra1 is dead");
  EXPECT_TRUE(wait_until(20s, [&] { return finding("rome", "hub fra1"); }));
  ASSERT_TRUE(lab()->heal("fra1"));
  expect_back();

  // fra1 lives, and only its path to rome is cut: it must not attract what is rome's.
  lab().cut_path("fra1", "rome");
  expect_over_ams1("the path between fra1 and rome is cut");
  EXPECT_TRUE(wait_until(20s, [&] { return finding("fra1", "site rome"); }));
  EXPECT_TRUE(lab().pings("fra1.lan0", "192.168.70.2"));
  lab().heal_path();
  expect_back();

  // With no hub at all its routes stay as they are.
  const auto before = lab().sh("rome", "ip route show proto static");
  ASSERT_TRUE(lab()->cut("rome"));
  EXPECT_TRUE(wait_until(20s, [&] { return finding("rome", "hub fra1") && finding("rome", "hub ams1"); }));
  EXPECT_TRUE(wait_until(20s, [&] { return lab().sh("rome", "ip route show proto static") == before; }));
  ASSERT_TRUE(lab()->heal("rome"));
  expect_back();
}

const auto title = [](const auto& one) { return one.param.routing; };
INSTANTIATE_TEST_SUITE_P(Engines, StaticSiteOfTwoHubs, testing::Values(Engine{"ospf"}, Engine{"bgp"}), title);
INSTANTIATE_TEST_SUITE_P(Dedicated, StaticSiteOfTwoHubs, testing::Values(Engine{"ospf", true}, Engine{"bgp", true}), title);

}  // namespace
}  // namespace radial::test
