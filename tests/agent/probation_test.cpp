// What a node does with a configuration under which its controller does not answer.
#include "agent/probation.h"

#include <gtest/gtest.h>

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

Assignment revision(std::int64_t number) {
  Assignment one;
  one.revision = number;
  one.config.node = "berlin";
  one.config.dead = static_cast<std::uint16_t>(number);
  return one;
}

class ProbationTest : public testing::Test {
 protected:
  // Seconds of silence; the revision that is to run after one of them, or 0.
  std::int64_t silence(int seconds) {
    for (int i = 0; i < seconds; ++i)
      if (const auto other = probation_.tick(now_ += 1s)) return other->revision;
    return 0;
  }
  bool answer() { return probation_.answered(now_); }

  Probation probation_;
  ProbationTime now_{};
};

TEST_F(ProbationTest, WhatTheControllerAnswersUnderIsKept) {
  probation_.begin(revision(6), revision(7), now_);
  EXPECT_TRUE(probation_.on_trial());
  EXPECT_FALSE(answer()) << "the way before may have carried it";
  silence(4);
  EXPECT_TRUE(answer());
  EXPECT_FALSE(probation_.on_trial());
  EXPECT_EQ(silence(1000), 0);
}

TEST_F(ProbationTest, ItGoesBackAndHoldsTheNewerOneBackWhileTheOneBeforeLeadsToTheController) {
  probation_.begin(revision(6), revision(7), now_);
  EXPECT_EQ(silence(29), 0);
  EXPECT_EQ(silence(2), 6);
  EXPECT_EQ(probation_.held_back(), nullptr) << "nobody knows yet which of the two is at fault";
  silence(4);
  EXPECT_FALSE(answer());
  ASSERT_NE(probation_.held_back(), nullptr);
  EXPECT_EQ(probation_.held_back()->revision, 7);
  EXPECT_TRUE(probation_.refuses(revision(7).config));
  EXPECT_FALSE(probation_.refuses(revision(8).config));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(silence(10), 0);
    answer();
  }
  // The hub has moved to where the newer one says, hours later.
  EXPECT_EQ(silence(31), 7);
  EXPECT_EQ(silence(1000), 0) << "it stays";
}

TEST_F(ProbationTest, WhereNeitherLeadsToTheControllerTheNewerOneStays) {
  probation_.begin(revision(6), revision(7), now_);
  EXPECT_EQ(silence(31), 6);
  EXPECT_EQ(silence(31), 7);
  EXPECT_EQ(silence(1000), 0);
  EXPECT_FALSE(probation_.refuses(revision(7).config));
}

TEST_F(ProbationTest, OfTwoThatComeAtOnceTheProvenOneIsTheOneBefore) {
  probation_.begin(revision(6), revision(7), now_);
  silence(1);
  probation_.begin(revision(7), revision(8), now_);
  EXPECT_EQ(silence(31), 6);
  // A third one comes to a node that went back.
  silence(4);
  answer();
  probation_.begin(revision(6), revision(9), now_);
  EXPECT_TRUE(probation_.on_trial());
  EXPECT_FALSE(probation_.refuses(revision(8).config));
  silence(4);
  EXPECT_TRUE(answer());
}

TEST_F(ProbationTest, AMachineThatSleptHasNotLostItsController) {
  probation_.begin(revision(6), revision(7), now_);
  now_ += 3600s;
  EXPECT_EQ(silence(1), 0);
}

}  // namespace
}  // namespace radial::agent
