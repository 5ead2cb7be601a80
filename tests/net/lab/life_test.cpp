// A lab comes up, goes down, and outlives the death of whoever makes it.
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <spawn.h>
#include <sys/wait.h>

#include "base/key.h"
#include "fabric/facts.h"
#include "net/lab/lab_fixture.h"

extern char** environ;

namespace radial::lab {
namespace {

TEST(Lab, ComesUpWithFrrAndLeavesNothingBehind) {
  const auto name = unique("whole");
  const auto before = root_network();
  std::set<std::string> namespaces;
  {
    const Guard guard(name);
    LabOptions options;
    options.name = name;
    const auto lab = bring_up(options);
    ASSERT_TRUE(lab) << lab.error().message;
    EXPECT_EQ(lab->condition(), LabCondition::up);
    namespaces = pid_namespaces(*lab);
    EXPECT_EQ(namespaces.size(), 4U);
    for (const auto& node : lab->status()) {
      EXPECT_TRUE(node.alive) << node.node;
      EXPECT_EQ(node.daemons.size(), node.frr.starts_with("8") ? 5U : 6U);
      for (const auto& [daemon, runs] : node.daemons) EXPECT_TRUE(runs) << node.node << " " << daemon;
      EXPECT_FALSE(node.radiald);
      EXPECT_TRUE(node.faults.healthy());
    }
    EXPECT_THAT(out(*lab, "berlin", "vtysh -c 'show version'"), HasSubstr("(berlin)"));
    EXPECT_EQ(netns_names(name).size(), 8U);
    EXPECT_EQ(root_network(), before);
  }
  EXPECT_THAT(processes_with(namespaces), IsEmpty());
  expect_gone(name);
  EXPECT_EQ(root_network(), before);
}

TEST(Lab, ANodeHasTheLayoutThatRadialdReads) {
  const auto name = unique("layout");
  const Guard guard(name);
  const auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_EQ(out(*lab, "berlin", "cat /etc/radial/fabric.yaml"), three_sites);
  EXPECT_EQ(out(*lab, "berlin", "cat /etc/radial/node"), "berlin\n");
  EXPECT_EQ(out(*lab, "berlin", "stat -c '%a %U' /etc/radial/private.key /etc/radial /var/lib/radial /run/radial"),
            "600 root\n700 root\n700 root\n700 root\n");
  const auto facts = FabricFacts::from_json(out(*lab, "berlin", "cat /etc/radial/facts.json"));
  ASSERT_TRUE(facts) << facts.error().message;
  auto text = out(*lab, "berlin", "cat /etc/radial/private.key");
  text.pop_back();
  const auto key = PrivateKey::parse(text);
  ASSERT_TRUE(key);
  EXPECT_EQ(facts->nodes.at("berlin").public_key, key->public_key());
  EXPECT_NE(facts->nodes.at("paris").public_key, key->public_key());
  EXPECT_TRUE(facts->addresses.contains({"fra1", "berlin"}));
  // Other nodes' secrets, and the machine's own /run, are out of sight.
  EXPECT_EQ(out(*lab, "berlin", "ls /run/radial-lab 2>/dev/null; ls /run/netns"), "");
  // And visible from outside where the API says so.
  const auto path = lab->path_in("berlin", "/etc/radial/node");
  ASSERT_TRUE(path);
  EXPECT_EQ(read_file(*path).value(), "berlin\n");
}

TEST(Lab, ANodeBootsAsADebianMachineWould) {
  const auto name = unique("boot");
  const Guard guard(name);
  const auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_EQ(out(*lab, "paris", "hostname; cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv6/conf/all/forwarding"), "paris\n0\n0\n");
  EXPECT_EQ(out(*lab, "paris", "cat /proc/1/comm"), "radial-lab-init\n");
  EXPECT_EQ(out(*lab, "paris", "ls /sys/class/net | sort | tr '\\n' ' '"), "lan0 lo uplink ");
  EXPECT_EQ(out(*lab, "paris.lan0", "hostname; ls /sys/class/net | tr '\\n' ' '"), "paris.lan0\neth0 lo ");
  EXPECT_THAT(out(*lab, "paris", "getent ahosts vpn.example.com"), HasSubstr("198.18.0.2 "));
  EXPECT_THAT(out(*lab, "paris.lan0", "getent hosts berlin.lan0"), HasSubstr("192.168.20.2 "));
  // A name that is nowhere fails at once: nothing leaves the lab to ask.
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(lab->run("paris", {"getent", "hosts", "nowhere.example.net"})->ok());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
}

TEST(Lab, ALanHostReachesItsNodeAndNothingBeyondBeforeRadialRuns) {
  const auto name = unique("lans");
  const Guard guard(name);
  const auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_TRUE(reaches(*lab, "berlin.lan0", "192.168.20.1"));
  EXPECT_TRUE(reaches(*lab, "berlin.lan1", "fd20:1::1"));
  const auto matrix = lab->ping_matrix({.timeout = 300ms});
  ASSERT_TRUE(matrix) << matrix.error().message;
  EXPECT_EQ(matrix->results.size(), 6U);  // three IPv4 hosts; the IPv6 one is alone
  EXPECT_FALSE(matrix->ok());
  EXPECT_EQ(matrix->failures().size(), 6U);
}

TEST(Lab, APingMatrixFindsTheWayOnceThereIsOne) {
  const auto name = unique("matrix");
  const Guard guard(name);
  const auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  // Static routes over the internet stand in for the wires.
  const std::map<std::string, std::string> lans{{"fra1", "192.168.1.0/24"}, {"berlin", "192.168.20.0/24"}, {"paris", "192.168.30.0/24"}};
  for (const auto& [node, lan] : lans) {
    EXPECT_EQ(out(*lab, node, "echo 1 >/proc/sys/net/ipv4/ip_forward"), "");
    EXPECT_EQ(out(*lab, "internet", "ip route add " + lan + " via " + uplink_v4(*lab, node)), "");
  }
  const auto matrix = lab->ping_matrix({.count = 3, .interval = 20ms});
  ASSERT_TRUE(matrix) << matrix.error().message;
  EXPECT_TRUE(matrix->ok());
  for (const auto& result : matrix->results) {
    EXPECT_EQ(result.received, 3) << result.from << " " << result.to;
    EXPECT_GT(result.shortest.count(), 0);
    EXPECT_LE(result.shortest, result.average);
  }
}

TEST(Lab, ASecondUpOfALiveLabIsRefusedUnlessItReplaces) {
  const auto name = unique("again");
  const Guard guard(name);
  const auto first = bring_up(without_frr(name));
  ASSERT_TRUE(first) << first.error().message;
  const auto refused = bring_up(without_frr(name));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_THAT(refused.error().message, HasSubstr("is up already"));
  EXPECT_EQ(first->condition(), LabCondition::up);
  auto options = without_frr(name);
  options.replace = true;
  const auto second = bring_up(options);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE(second->pid("berlin").value(), first->plan().find("berlin")->pid);
  EXPECT_FALSE(first->pid("berlin"));
}

TEST(Lab, TwoLabsOfOneFabricLiveSideBySide) {
  const auto one = unique("one");
  const auto two = unique("one-two");  // a name that begins as the other
  const Guard guard_one(one);
  Result<Lab> first = bring_up(without_frr(one));
  {
    const Guard guard_two(two);
    auto second = bring_up(without_frr(two));
    ASSERT_TRUE(first && second);
    ASSERT_TRUE(second->cut("fra1"));
    EXPECT_TRUE(reaches(*first, "berlin", uplink_v4(*first, "fra1")));
    EXPECT_FALSE(reaches(*second, "berlin", uplink_v4(*second, "fra1")));
    std::set<std::string> listed;
    const auto labs = Lab::list();
    ASSERT_TRUE(labs);
    for (const auto& lab : *labs)
      if (lab.condition == LabCondition::up && lab.alive == 3) listed.insert(lab.name);
    EXPECT_THAT(listed, Contains(one));
    EXPECT_THAT(listed, Contains(two));
  }
  expect_gone(two);
  EXPECT_TRUE(reaches(*first, "berlin", uplink_v4(*first, "fra1")));
}

TEST(Lab, AnUnknownLabIsNotFound) {
  const auto lab = Lab::open("no-such-lab");
  ASSERT_FALSE(lab);
  EXPECT_EQ(lab.error().code, Errc::not_found);
  EXPECT_FALSE(Lab::open("../etc"));
  EXPECT_FALSE(Lab::down("no-such-lab").value());
  expect_gone("no-such-lab");
}

TEST(Lab, AFailureHalfWayTakesEverythingDown) {
  const auto name = unique("fails");
  auto options = without_frr(name);
  options.prepare = [](const Lab&, const std::string& node) -> Status {
    if (node == "paris") return fail(Errc::io, "paris is not ready");
    return {};
  };
  const auto lab = bring_up(options);
  ASSERT_FALSE(lab);
  EXPECT_THAT(lab.error().message, HasSubstr("paris is not ready"));
  expect_gone(name);
}

TEST(Lab, WhatATestBringsIsThereBeforeFrrStarts) {
  const auto name = unique("brings");
  const Guard guard(name);
  LabOptions options;
  options.name = name;
  options.prepare = [](const Lab& lab, const std::string& node) -> Status {
    if (node != "berlin") return {};
    RADIAL_ASSIGN(const auto path, lab.path_in(node, "/etc/frr/frr.conf"));
    std::ofstream(path) << "ip route 10.99.0.0/16 192.168.20.77\n";
    RADIAL_ASSIGN(const auto done, lab.run(node, {"nft", "add table inet mine"}));
    return done.ok() ? Status{} : fail(Errc::io, "{}", done.err);
  };
  const auto lab = bring_up(options);
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_THAT(out(*lab, "berlin", "vtysh -c 'show running-config'"), HasSubstr("ip route 10.99.0.0/16 192.168.20.77"));
  EXPECT_THAT(out(*lab, "berlin", "nft list tables"), HasSubstr("table inet mine"));
  EXPECT_EQ(out(*lab, "paris", "nft list tables"), "");
}

// --- a creator that dies ---

// The program that is killed: this one, run again for this "test" alone.
TEST(LabChild, DISABLED_Up) {
  LabOptions options;
  options.name = std::getenv("RADIAL_LAB_TEST_NAME");
  const auto lab = bring_up(options);
  ASSERT_TRUE(lab) << lab.error().message;
}

TEST(Lab, ACreatorKilledAtAnyMomentLeavesNothingThatANewUpCannotClear) {
  const auto name = unique("killed");
  const Guard guard(name);
  ::setenv("RADIAL_LAB_TEST_NAME", name.c_str(), 1);
  const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  for (const auto moment : {5ms, 30ms, 60ms, 100ms, 150ms, 220ms, 300ms, 420ms, 600ms}) {
    const char* argv[] = {self.c_str(), "--gtest_filter=LabChild.DISABLED_Up", "--gtest_also_run_disabled_tests", "--gtest_brief=1",
                          nullptr};
    pid_t child = -1;
    ASSERT_EQ(::posix_spawn(&child, self.c_str(), nullptr, nullptr, const_cast<char**>(argv), environ), 0);
    std::this_thread::sleep_for(moment);  // the moment is what is varied; nothing is waited for
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    if (moment == 300ms) {  // down() must clear it as well
      ASSERT_TRUE(Lab::down(name));
      expect_gone(name);
    }
  }
  auto options = without_frr(name);
  options.replace = true;  // the last child may have come to its end
  const auto lab = bring_up(options);
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_EQ(lab->condition(), LabCondition::up);
  EXPECT_EQ(netns_names(name).size(), 8U);
  const auto inits = shell("grep -lsz '^" + name + "$' /proc/[0-9]*/cmdline | wc -l");
  EXPECT_EQ(inits, "4\n");  // three nodes and the internet, none of an earlier one
}

TEST(Lab, ADeadNodeIsSeenAndAnUpRebuildsIt) {
  const auto name = unique("dead");
  const Guard guard(name);
  const auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  ASSERT_TRUE(lab->start("paris", {"sleep", "1000"}, "/dev/null"));
  const auto namespaces = pid_namespaces(*lab);
  ASSERT_EQ(::kill(lab->pid("paris").value(), SIGKILL), 0);
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (lab->condition() != LabCondition::broken && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(5ms);
  EXPECT_EQ(lab->condition(), LabCondition::broken);
  EXPECT_EQ(lab->run("paris", {"true"}).error().code, Errc::unavailable);
  const auto again = bring_up(without_frr(name));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->condition(), LabCondition::up);
  EXPECT_TRUE(reaches(*again, "berlin", uplink_v4(*again, "paris")));
  EXPECT_THAT(processes_with(namespaces), IsEmpty());
}

}  // namespace
}  // namespace radial::lab
