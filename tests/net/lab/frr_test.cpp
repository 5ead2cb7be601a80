// FRR in the nodes: restarts, and two releases in one lab.
#include "fabric/facts.h"
#include "net/lab/lab_fixture.h"
#include "support/paths.h"

namespace radial::lab {
namespace {

TEST(LabFrr, ADaemonThatIsKilledComesBackByWatchfrr) {
  const auto name = unique("watch");
  const Guard guard(name);
  LabOptions options;
  options.name = name;
  const auto lab = bring_up(options);
  ASSERT_TRUE(lab) << lab.error().message;
  const auto before = out(*lab, "berlin", "pidof ospfd");
  ASSERT_FALSE(before.empty());
  EXPECT_EQ(out(*lab, "berlin", "kill -9 " + before), "");
  std::string after;
  const auto end = std::chrono::steady_clock::now() + 20s;
  do {
    std::this_thread::sleep_for(50ms);
    after = out(*lab, "berlin", "pidof ospfd");
  } while ((after.empty() || after == before) && std::chrono::steady_clock::now() < end);
  EXPECT_FALSE(after.empty());
  EXPECT_NE(after, before);
}

TEST(LabFrr, NodesOfOneLabRunDifferentReleases) {
  if (const auto made = run_process({test::source_dir() + "/tools/debian13-root"}, 10min); !made || !made->ok())
    GTEST_SKIP() << "FRR 10.3 CANNOT BE HAD HERE: " << (made ? made->err : made.error().message);
  const auto name = unique("mixed");
  const Guard guard(name);
  LabOptions options;
  options.name = name;
  options.frr_of["fra1"] = "10.3";
  options.daemons = {"ospfd", "ospf6d", "bgpd", "bfdd"};
  const auto lab = bring_up(options);
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_THAT(out(*lab, "fra1", "vtysh -c 'show version'"), HasSubstr("FRRouting 10.3"));
  EXPECT_THAT(out(*lab, "fra1", "/usr/bin/vtysh -c 'show version'"), HasSubstr("FRRouting 10.3"));
  const auto own = shell("/usr/lib/frr/zebra --version | awk '{print $3; exit}'");
  EXPECT_THAT(out(*lab, "berlin", "vtysh -c 'show version'"), HasSubstr("FRRouting " + own.substr(0, own.size() - 1)));
  for (const auto& node : lab->status())
    for (const auto& [daemon, runs] : node.daemons) EXPECT_TRUE(runs) << node.node << " " << daemon;
  // What is written stays with the node, and FRR reads it when it starts again.
  EXPECT_THAT(out(*lab, "fra1", "vtysh -c 'conf t' -c 'ip route 10.98.0.0/16 192.168.1.9' -c end -c 'write memory'"),
              HasSubstr("onfiguration saved to /etc/frr/frr.conf"));
  EXPECT_THAT(out(*lab, "fra1", "cat /etc/frr/frr.conf"), HasSubstr("ip route 10.98.0.0/16"));
  EXPECT_EQ(lab->run("fra1", {"lab-frr", "restart"})->exit_code, 0);
  EXPECT_THAT(out(*lab, "fra1", "vtysh -c 'show running-config'"), HasSubstr("ip route 10.98.0.0/16"));
  EXPECT_FALSE(std::filesystem::exists("/var/cache/radial/debian13/etc/frr/frr.conf.sav"));
  const auto facts = FabricFacts::from_json(out(*lab, "berlin", "cat /etc/radial/facts.json"));
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->nodes.at("fra1").frr->has_p2mp_non_broadcast());
}

TEST(LabFrr, AReleaseThatIsNotThereIsNamed) {
  LabOptions options;
  options.name = unique("old");
  options.frr_of["berlin"] = "7.5";
  const auto lab = bring_up(options);
  ASSERT_FALSE(lab);
  EXPECT_THAT(lab.error().message, HasSubstr("no FRR 7.5 here"));
  options.frr_of = {{"rome", "10.3"}};
  EXPECT_THAT(bring_up(options).error().message, HasSubstr("rome"));
  expect_gone(options.name);
}

}  // namespace
}  // namespace radial::lab
