// A change on its way to three nodes, with a clock that the test turns.
#include "control/rollout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace radial::control {
namespace {

using testing::HasSubstr;

constexpr std::int64_t change = 7;

NodeReport staged() { return {change, 0, 0, false, "", {"wg set wg0 listen-port 51999"}, {}}; }
NodeReport on_trial(bool healthy) { return {0, change, 0, healthy, healthy ? "" : "adjacency berlin no OSPF hello", {}, {}}; }
NodeReport gone_back() { return {0, 0, change, false, "no word from the controller in time", {}, {}}; }

class RolloutTest : public testing::Test {
 protected:
  Rollout make(RolloutOptions options = {}, bool paris_away = false, bool paris_stranded = false) {
    return {change, options, {{"fra1", false, false}, {"berlin", false, false}, {"paris", paris_away, paris_stranded}}, now_};
  }
  void all(Rollout& rollout, const NodeReport& report) {
    for (const auto* node : {"fra1", "berlin", "paris"}) rollout.hear(node, report, now_);
    rollout.step(now_);
  }
  void pass(Rollout& rollout, Millis ms) {
    now_ += ms;
    rollout.step(now_);
  }
  // Everybody has staged, and the moment has come.
  void activate(Rollout& rollout) {
    all(rollout, staged());
    pass(rollout, 2500);
    ASSERT_EQ(rollout.phase(), Phase::trial);
  }
  Millis now_ = 1'000'000;
};

// Each is sent its configuration in turn, and there is much of it where there are many.
TEST_F(RolloutTest, ALargeFabricIsGivenLongerToStage) {
  std::vector<RolloutNode> nodes;
  for (int i = 0; i < 1000; ++i) nodes.push_back({fmt::format("site{}", i), false, false});
  Rollout few = make(), many(change, {}, nodes, now_);
  few.hear("fra1", staged(), now_);
  many.hear("site1", staged(), now_);
  pass(few, 13'000);
  many.step(now_);
  EXPECT_NE(few.phase(), Phase::staging);
  EXPECT_EQ(many.phase(), Phase::staging);
  pass(many, 30'000);
  EXPECT_NE(many.phase(), Phase::staging);
}

TEST_F(RolloutTest, AllStageThenAllActivateAtOneMomentThenAllKeep) {
  auto rollout = make();
  const auto first = rollout.instruct("berlin", {}, now_);
  EXPECT_EQ(first.step, Step::stage);
  EXPECT_TRUE(first.send_config);
  EXPECT_FALSE(rollout.instruct("berlin", staged(), now_).send_config);
  rollout.hear("fra1", staged(), now_);
  rollout.hear("berlin", staged(), now_);
  rollout.step(now_);
  EXPECT_EQ(rollout.phase(), Phase::staging);
  rollout.hear("paris", staged(), now_);
  rollout.step(now_);
  ASSERT_EQ(rollout.phase(), Phase::counting_down);
  // Two nodes that ask at different moments activate at one.
  const auto early = rollout.instruct("berlin", staged(), now_ + 100);
  const auto late = rollout.instruct("paris", staged(), now_ + 1900);
  EXPECT_EQ(early.step, Step::activate);
  EXPECT_EQ(early.in_ms + 100, late.in_ms + 1900);
  pass(rollout, 2500);
  all(rollout, on_trial(false));
  EXPECT_EQ(rollout.phase(), Phase::trial);
  all(rollout, on_trial(true));
  EXPECT_EQ(rollout.phase(), Phase::confirmed);
  EXPECT_EQ(rollout.instruct("paris", on_trial(true), now_).step, Step::keep);
}

TEST_F(RolloutTest, OneNodeThatIsNotWellTakesItBackEverywhere) {
  auto rollout = make();
  activate(rollout);
  for (int second = 0; second < 70 && !rollout.over(); ++second) {
    rollout.hear("fra1", on_trial(false), now_);
    rollout.hear("berlin", on_trial(true), now_);
    rollout.hear("paris", on_trial(true), now_);
    pass(rollout, 1000);
    EXPECT_TRUE(rollout.over() || second < 60) << second;
  }
  EXPECT_EQ(rollout.phase(), Phase::reverted);
  EXPECT_THAT(rollout.reason(), HasSubstr("fra1: adjacency berlin"));
  EXPECT_EQ(rollout.instruct("paris", on_trial(true), now_).step, Step::go_back);
}

TEST_F(RolloutTest, OneThatIsNotHeardIsNamed) {
  auto rollout = make();
  activate(rollout);
  for (int second = 0; second < 70 && !rollout.over(); ++second) {
    rollout.hear("fra1", on_trial(true), now_);
    rollout.hear("berlin", on_trial(true), now_);
    pass(rollout, 1000);
  }
  EXPECT_THAT(rollout.reason(), HasSubstr("paris: not heard since the change"));
}

TEST_F(RolloutTest, ANodeThatWentBackAloneTakesAllBackAtOnce) {
  auto rollout = make();
  activate(rollout);
  rollout.hear("berlin", gone_back(), now_);
  EXPECT_EQ(rollout.phase(), Phase::reverted);
  EXPECT_THAT(rollout.reason(), HasSubstr("berlin went back: no word"));
}

TEST_F(RolloutTest, ANodeWaitsAloneLongerThanTheControllerDecides) {
  auto rollout = make({30, 0, false, false});
  all(rollout, staged());
  EXPECT_EQ(rollout.instruct("berlin", staged(), now_).seconds, 30 + lonely_seconds);
  pass(rollout, 2500 + 10'000);
  EXPECT_EQ(rollout.instruct("berlin", staged(), now_).seconds, 20 + lonely_seconds);  // late, yet the same end
}

TEST_F(RolloutTest, TheOperatorConfirmsOrItIsTakenBack) {
  auto rollout = make({20, 100, false, false});
  activate(rollout);
  all(rollout, on_trial(true));
  EXPECT_EQ(rollout.phase(), Phase::waiting);
  pass(rollout, 90'000);
  EXPECT_EQ(rollout.phase(), Phase::waiting);
  EXPECT_EQ(rollout.instruct("berlin", on_trial(true), now_).seconds, 10 + lonely_seconds);
  auto kept = rollout;
  kept.confirm();
  kept.step(now_);
  EXPECT_EQ(kept.phase(), Phase::confirmed);
  pass(rollout, 11'000);
  EXPECT_EQ(rollout.phase(), Phase::reverted);
  EXPECT_THAT(rollout.reason(), HasSubstr("nobody confirmed"));
}

TEST_F(RolloutTest, WhoIsAwayIsLeftOutUnlessItWouldBeStranded) {
  auto rollout = make({}, true);
  rollout.hear("fra1", staged(), now_);
  rollout.hear("berlin", staged(), now_);
  rollout.step(now_);
  EXPECT_EQ(rollout.phase(), Phase::counting_down);
  EXPECT_EQ(rollout.instruct("paris", {}, now_).step, Step::none);

  auto refused = make({}, true, true);
  refused.hear("fra1", staged(), now_);
  refused.hear("berlin", staged(), now_);
  refused.step(now_);
  EXPECT_EQ(refused.phase(), Phase::reverted);
  EXPECT_THAT(refused.reason(), HasSubstr("paris cannot be reached now"));

  auto forced = make({60, 0, true, false}, true, true);
  forced.hear("fra1", staged(), now_);
  forced.hear("berlin", staged(), now_);
  forced.step(now_);
  EXPECT_EQ(forced.phase(), Phase::counting_down);
}

TEST_F(RolloutTest, SilenceWhileStagingIsBounded) {
  auto rollout = make();
  rollout.hear("fra1", staged(), now_);
  rollout.hear("berlin", staged(), now_);
  pass(rollout, 11'000);
  EXPECT_EQ(rollout.phase(), Phase::staging);
  pass(rollout, 1'200);
  EXPECT_EQ(rollout.phase(), Phase::counting_down);
  EXPECT_TRUE(rollout.nodes().at("paris").away);
}

TEST_F(RolloutTest, ANodeThatCannotStageStopsItBeforeAnythingHappened) {
  auto rollout = make();
  rollout.hear("berlin", {0, 0, change, false, "cannot write staged.json: No space left on device", {}, {}}, now_);
  EXPECT_EQ(rollout.phase(), Phase::reverted);
  EXPECT_THAT(rollout.reason(), HasSubstr("No space left"));
}

TEST_F(RolloutTest, APlanEndsWithTheAnswers) {
  auto rollout = make({60, 0, false, true});
  all(rollout, staged());
  EXPECT_EQ(rollout.phase(), Phase::planned);
  EXPECT_EQ(rollout.nodes().at("berlin").last.changes, std::vector<std::string>{"wg set wg0 listen-port 51999"});
  EXPECT_EQ(rollout.instruct("berlin", staged(), now_).step, Step::go_back);  // and forgets it
}

TEST(RolloutMessages, SurviveTheWire) {
  NodeReport report{-5, 7, 6, true, "why", {"a", "b"}, {"c"}};
  EXPECT_EQ(node_report_from_json(to_json(report)).value(), report);
  Instruction instruction{Step::go_back, -5, 1234, 66, true, "{}"};
  const auto back = instruction_from_json(to_json(instruction)).value();
  EXPECT_EQ(back.step, Step::go_back);
  EXPECT_EQ(back.change, -5);
  EXPECT_EQ(back.in_ms, 1234);
  EXPECT_EQ(back.seconds, 66);
  EXPECT_EQ(back.config, "{}");
  EXPECT_FALSE(node_report_from_json(R"({"version": 1, "staged": "x"})"));
  EXPECT_FALSE(node_report_from_json("[]"));
  EXPECT_FALSE(instruction_from_json(R"({"version": 1, "step": "jump"})"));
}

TEST(RolloutMessages, AReportFitsIntoARequest) {
  NodeReport report;
  report.changes.assign(5000, std::string(150, 'x'));
  const auto text = to_json(report);
  EXPECT_LT(text.size(), 60U << 10U);
  EXPECT_THAT(node_report_from_json(text).value().changes.back(), HasSubstr("more"));
}

TEST(RolloutMessages, ATrialFillsWholePackets) {
  NodeReport report;
  report.trial = 7;
  EXPECT_GT(to_json(report).size(), 4096U);
  EXPECT_GT(to_json(Instruction{Step::trial, 7, 0, 0, false, {}}).size(), 4096U);
}

}  // namespace
}  // namespace radial::control
