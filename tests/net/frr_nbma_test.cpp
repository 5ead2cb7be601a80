// The restart of an NBMA hub's ospfd, and its cure.
//
//                 hub 10.255.0.1, DR, LAN 192.168.1.0/24
//                  |  wg0
//     ----- bridge in the hub's namespace, NBMA 10.255.0.0/24 -----
//       |  wg0                        |  wg0
//      s1 10.255.0.11                s2 10.255.0.12
//      LAN 192.168.20.0/24           LAN 192.168.30.0/24
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/nbma_keeper.h"
#include "frr_node.h"
#include "support/frr_release.h"
#include "support/paths.h"

namespace radial::host {
namespace {

using namespace std::chrono_literals;
using test::FrrNode;
using Clock = std::chrono::steady_clock;

const std::vector<std::string> daemons = {"zebra", "ospfd"};
const auto hub_address = IpAddress::from_v4(0x0aff0001);

std::string ospf_config(const char* id, const std::vector<std::string>& neighbors, int priority) {
  std::string text =
      std::string("interface lan0\n ip ospf passive\n ip ospf area 0\nexit\n!\nrouter ospf\n ospf router-id ") + id +
      "\n timers throttle spf 10 50 1000\n timers throttle lsa all 0\n timers lsa min-arrival 0\n";
  for (const auto& neighbor : neighbors) text += " neighbor " + neighbor + " poll-interval 1\n";
  return text +
         "exit\n!\ninterface wg0\n ip ospf network non-broadcast\n ip ospf hello-interval 1\n ip ospf dead-interval "
         "4\n ip ospf retransmit-interval 1\n ip ospf priority " +
         std::to_string(priority) + "\n ip ospf area 0\nexit\n!\n";
}

class NbmaRestart : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto missing = test::frr_missing({"8.4"}); !missing.empty()) GTEST_SKIP() << missing;
    hub_ = std::make_unique<FrrNode>("", daemons);
    hub_->in(R"(ip link add br0 type bridge; ip link set br0 up
                ip link add wg0 type veth peer name port0; ip link set port0 master br0 up; ip addr add 10.255.0.1/24 dev wg0; ip link set wg0 up
                ip link add lan0 type bridge; ip addr add 192.168.1.1/24 dev lan0; ip link set lan0 up)");
    hub_->write_config("frr.conf", ospf_config("10.255.0.1", {"10.255.0.11", "10.255.0.12"}, 255));
    for (int i = 1; i <= 2; ++i) {
      auto site = std::make_unique<FrrNode>("", daemons);
      const auto port = "port" + std::to_string(i);
      FrrNode::wire(*hub_, port, *site, "wg0");
      hub_->in("ip link set " + port + " master br0");
      const auto number = std::to_string(i);
      site->in("ip addr add 10.255.0.1" + number + "/24 dev wg0; ip link add lan0 type bridge; ip addr add 192.168." +
               std::to_string(10 + 10 * i) + ".1/24 dev lan0; ip link set lan0 up");
      site->write_config("frr.conf", ospf_config(("10.255.0.1" + number).c_str(), {"10.255.0.1"}, 0));
      sites_.push_back(std::move(site));
    }
    hub_->start();
    for (const auto& site : sites_) site->start();
  }

  // Every LAN is in the kernel's table of every other node, by OSPF.
  [[nodiscard]] bool every_route_is_there() const {
    const std::vector<std::string> lans = {"192.168.1.0/24", "192.168.20.0/24", "192.168.30.0/24"};
    for (std::size_t at = 0; at < lans.size(); ++at) {
      const auto table = (at == 0 ? *hub_ : *sites_[at - 1]).in("ip -4 route show proto ospf");
      for (std::size_t lan = 0; lan < lans.size(); ++lan)
        if (lan != at && table.find(lans[lan]) == std::string::npos) return false;
    }
    return true;
  }

  [[nodiscard]] std::string what_all_see() const {
    std::string text;
    for (const auto* node : {hub_.get(), sites_[0].get(), sites_[1].get()})
      for (const auto* command : {"show ip ospf neighbor", "show ip ospf database network", "show ip ospf database", "show ip ospf route"})
        text += node->frr().command("ospfd", command).value_or("no answer\n");
    return text;
  }

  // A node's agent, as far as OSPF on this wire is its affair.
  class Agent {
   public:
    Agent(std::string name, Frr frr, OspfMode mode) : name_(std::move(name)), frr_(std::move(frr)) {
      Wire wire;
      wire.interface = "wg0";
      wire.ospf = mode;
      if (mode == OspfMode::nbma_hub) wire.addresses = {{hub_address, 24}};
      else wire.peers.emplace_back().addresses = {hub_address};
      config_.wires.push_back(std::move(wire));
    }
    // What it did, with its name before it; or nothing.
    std::string step() {
      const auto done = keeper_.step(Clock::now(), config_);
      return done ? name_ + ": " + *done : std::string();
    }
    bool has_network_lsa() { return frr_.has_network_lsa(hub_address).value_or(false); }

   private:
    std::string name_;
    Frr frr_;
    agent::NbmaKeeper keeper_{frr_};
    NodeConfig config_;
  };

  void employ_agents() {
    agents_.push_back(std::make_unique<Agent>("hub", hub_->frr(), OspfMode::nbma_hub));
    for (std::size_t i = 0; i < sites_.size(); ++i)
      agents_.push_back(std::make_unique<Agent>(fmt::format("s{}", i + 1), sites_[i]->frr(), OspfMode::nbma_site));
  }
  // The agents at work, until all routes are there. What they did is added to `done`.
  [[nodiscard]] bool repaired_within(std::chrono::seconds limit, std::vector<std::string>& done) {
    return test::eventually(
        [&] {
          for (const auto& agent : agents_)
            if (auto did = agent->step(); !did.empty()) done.push_back(std::move(did));
          return every_route_is_there() && agents_.front()->has_network_lsa();
        },
        limit);
  }

  std::vector<std::unique_ptr<Agent>> agents_;
  std::unique_ptr<FrrNode> hub_;
  std::vector<std::unique_ptr<FrrNode>> sites_;
};

TEST_F(NbmaRestart, EveryRouteIsBackAfterEachOfTenKills) {
  ASSERT_TRUE(test::eventually([&] { return every_route_is_there(); }, 40s));
  employ_agents();
  std::vector<std::string> done;
  std::string times;
  for (int round = 1; round <= 10; ++round) {
    hub_->kill("ospfd");
    hub_->start("ospfd");
    hub_->load("ospfd");
    const auto began = Clock::now();
    // Without a cure it is never repaired; with an unlucky one not before the sites let go of the old LSA after 60 s.
    ASSERT_TRUE(repaired_within(90s, done)) << "restart " << round << "\n" << testing::PrintToString(done) << what_all_see();
    times +=
        fmt::format("{}{:.1f}", times.empty() ? "" : " ", std::chrono::duration<double>(Clock::now() - began).count());
  }
  RecordProperty("seconds_to_all_routes", times);
  std::cout << "seconds from each restart to all routes: " << times << " (" << done.size() << " bounces)\n";
  EXPECT_THAT(done, testing::Not(testing::Contains(testing::HasSubstr("cleared its process")))) << "one adjacency is enough";
}

// The hub has its network-LSA, acknowledged; the sites have thrown it away. Here because
// somebody told them, in the hub's name, that it is withdrawn.
TEST_F(NbmaRestart, ASiteThatLostTheHubsNetworkLsaAsksForItAgain) {
  ASSERT_TRUE(test::eventually([&] { return every_route_is_there(); }, 40s));
  employ_agents();
  for (const auto& agent : agents_) EXPECT_EQ(agent->step(), "");
  const auto text = hub_->frr().command("ospfd", "show ip ospf database network").value();
  const auto at = text.find("LS Seq Number: ");
  ASSERT_NE(at, std::string::npos) << text;
  const auto newer = std::stoul(text.substr(at + 15, 8), nullptr, 16) + 1;
  for (const auto* site : {"10.255.0.11", "10.255.0.12"})
    hub_->in(fmt::format("{}/tests/forger wg0 10.255.0.1 {} 10.255.0.1 network 10.255.0.1 10.255.0.1 {:x} 1 mask:255.255.255.0 withdrawn",
                         test::binary_dir(), site, newer));
  ASSERT_TRUE(test::eventually([&] { return !agents_[1]->has_network_lsa() && !agents_[2]->has_network_lsa() && !every_route_is_there(); }, 10s))
      << what_all_see();
  EXPECT_TRUE(agents_[0]->has_network_lsa());
  std::vector<std::string> done;
  EXPECT_TRUE(repaired_within(60s, done)) << testing::PrintToString(done) << what_all_see();
  EXPECT_THAT(done, testing::Contains(testing::HasSubstr("the hub's network-LSA never came; cleared the neighbour 10.255.0.1")));
}

}  // namespace
}  // namespace radial::host
