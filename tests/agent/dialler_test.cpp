// Which address is dialled when a hub falls silent.
#include "agent/dialler.h"

#include <gtest/gtest.h>

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

const PublicKey peer(std::array<std::uint8_t, key_size>{1});
const auto one = Endpoint::parse("198.51.100.1:51820").value();
const auto two = Endpoint::parse("[2001:db8::2]:51820").value();
const auto other = Endpoint::parse("203.0.113.7:51820").value();

class DiallerTest : public testing::Test {
 protected:
  Dialler::Advice second(std::uint64_t received_more, std::uint64_t sent_more = 100, std::optional<Endpoint> at = {}) {
    now_ += 1s;
    return dialler_.seen(peer, {received_ += received_more, sent_ += sent_more, at}, 4s, now_);
  }
  Dialler dialler_;
  DialTime now_{};
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
};

TEST_F(DiallerTest, StaysWhileThePeerAnswers) {
  EXPECT_EQ(dialler_.choose(peer, {one, two}), one);
  for (int i = 0; i < 100; ++i) {
    const auto advice = second(100);
    EXPECT_FALSE(advice.look_up || advice.redial);
  }
  EXPECT_EQ(dialler_.choose(peer, {two, one}), one);  // a name server that rotates
}

TEST_F(DiallerTest, AsksForTheNamesAgainThenTriesTheNext) {
  EXPECT_EQ(dialler_.choose(peer, {one, two}), one);
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(second(100).look_up);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(second(0).look_up);
  EXPECT_TRUE(second(0).look_up);
  EXPECT_TRUE(second(0).redial);
  EXPECT_EQ(dialler_.choose(peer, {one, two}), two);
  // It has its turn, then the first again.
  bool redialled = false;
  for (int i = 0; i < 8 && !redialled; ++i) redialled = second(0).redial;
  EXPECT_TRUE(redialled);
  EXPECT_EQ(dialler_.choose(peer, {one, two}), one);
}

// A packet that was under way by the old path takes WireGuard back to it.
TEST_F(DiallerTest, InsistsOnAnotherChoiceForAWhile) {
  EXPECT_EQ(dialler_.choose(peer, {one}), one);
  EXPECT_FALSE(second(100, 100, other).insist) << "a hub that answers from elsewhere, as it was found";
  EXPECT_EQ(dialler_.choose(peer, {two}), two);
  EXPECT_FALSE(second(100, 100, two).insist);
  int insisted = 0;
  for (int i = 0; i < 100; ++i) insisted += second(100, 100, one).insist ? 1 : 0;
  EXPECT_EQ(insisted, 2) << "then where it answers from is where it is";
  EXPECT_EQ(dialler_.choose(peer, {two}), two);
  EXPECT_FALSE(second(100, 100, one).insist);
}

TEST_F(DiallerTest, FollowsANameThatMoved) {
  EXPECT_EQ(dialler_.choose(peer, {one}), one);
  second(100);
  bool asked = false;
  for (int i = 0; i < 6 && !asked; ++i) asked = second(0).look_up;
  EXPECT_TRUE(asked);
  EXPECT_EQ(dialler_.choose(peer, {other}), other);
  // With one address there is nothing else to dial, and it asks again.
  asked = false;
  for (int i = 0; i < 10; ++i) {
    const auto advice = second(0);
    EXPECT_FALSE(advice.redial);
    asked |= advice.look_up;
  }
  EXPECT_TRUE(asked);
}

TEST_F(DiallerTest, BeginsWithTheOneThatAnsweredBefore) {
  EXPECT_EQ(dialler_.choose(peer, {one, two}, two), two);
  EXPECT_EQ(dialler_.choose(peer, {one, two}, one), two) << "only at the start";
  Dialler moved;
  EXPECT_EQ(moved.choose(peer, {one, two}, other), one) << "it is no endpoint of this peer any more";
}

TEST_F(DiallerTest, APlanChoosesNothing) {
  EXPECT_EQ(dialler_.would_choose(peer, {one, two}, two), two);
  EXPECT_EQ(dialler_.choose(peer, {one, two}), one);
  EXPECT_EQ(dialler_.would_choose(peer, {other}), other);
  EXPECT_EQ(dialler_.would_choose(peer, {other, one}), one);
  EXPECT_EQ(dialler_.would_choose(peer, {}), std::nullopt);
  EXPECT_EQ(dialler_.choose(peer, {one, two}), one);
}

TEST_F(DiallerTest, SilenceWithoutAQuestionIsNoSilence) {
  (void)dialler_.choose(peer, {one, two});
  for (int i = 0; i < 60; ++i) {
    const auto advice = second(0, 0);
    EXPECT_FALSE(advice.look_up || advice.redial);
  }
}

}  // namespace
}  // namespace radial::agent
