// Programs in nodes and LAN hosts.
#include "net/lab/lab_fixture.h"

namespace radial::lab {
namespace {

TEST(Lab, RunTellsHowAProgramEnded) {
  const auto name = unique("run");
  const Guard guard(name);
  const auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  EXPECT_EQ(lab->run("berlin", {"sh", "-c", "exit 7"})->exit_code, 7);
  EXPECT_EQ(lab->run("berlin", {"sh", "-c", "kill -9 $$"})->exit_code, 137);
  EXPECT_EQ(lab->run("berlin", {"no-such-program"})->exit_code, 127);
  EXPECT_EQ(lab->run("berlin.lan0", {"cat"}, 5s, "text in")->out, "text in");
  EXPECT_THAT(lab->run("rome", {"true"}).error().message, HasSubstr("there is no 'rome'"));
  EXPECT_EQ(lab->exec("internet", {"true"}).value(), 0);
  EXPECT_EQ(lab->exec("paris", {"sh", "-c", "exit 3"}).value(), 3);
}

TEST(Lab, ADeadlineKillsTheProgramInside) {
  const auto name = unique("late");
  const Guard guard(name);
  const auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  const auto late = lab->run("berlin", {"sleep", "1000"}, 200ms);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (!lab->run("berlin", {"pidof", "sleep"})->out.empty() && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(lab->run("berlin", {"pidof", "sleep"})->out, "");
}

TEST(Lab, ADaemonBelongsToTheNode) {
  const auto name = unique("daemon");
  const Guard guard(name);
  const auto lab = bring_up(without_frr(name));
  ASSERT_TRUE(lab) << lab.error().message;
  const auto log = lab->folder() / "berlin" / "daemon.log";
  ASSERT_TRUE(lab->start("berlin", {"sh", "-c", "echo began; hostname; exec sleep 1000"}, log));
  const auto end = std::chrono::steady_clock::now() + 5s;
  while (out(*lab, "berlin", "pidof sleep").empty() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(read_file(log).value(), "began\nberlin\n");
  EXPECT_EQ(out(*lab, "berlin", "awk '/PPid/ {print $2}' /proc/$(pidof sleep)/status"), "1\n");
  EXPECT_FALSE(lab->start("berlin", {"no-such-program"}, log));
}

}  // namespace
}  // namespace radial::lab
