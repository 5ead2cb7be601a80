#include "host/frr_nbma_repair.h"

#include <gtest/gtest.h>

namespace radial::host {
namespace {

using namespace std::chrono_literals;
constexpr NbmaRepair::Time start{};
constexpr NbmaObservation healthy{true, 3, 0};
constexpr NbmaObservation failing{false, 3, 0};
constexpr NbmaObservation alone{false, 0, 3};

TEST(NbmaRepair, ActsOnceTheLsaIsMissingForTheWholePatience) {
  NbmaRepair repair(2s, 20s);
  EXPECT_EQ(repair.step(start, failing), NbmaAction::none);
  EXPECT_EQ(repair.step(start + 1999ms, failing), NbmaAction::none);
  EXPECT_EQ(repair.step(start + 2s, failing), NbmaAction::clear_neighbor);
}

TEST(NbmaRepair, LeavesTheHealthyAndTheLonelyAlone) {
  NbmaRepair repair(2s, 20s);
  for (auto at = 0s; at < 60s; at += 1s)
    EXPECT_EQ(repair.step(start + at, at < 30s ? healthy : alone), NbmaAction::none);
}

TEST(NbmaRepair, AMomentWithoutTheLsaIsNoFailure) {
  NbmaRepair repair(2s, 20s);
  for (auto at = 0s; at < 60s; at += 3s) {
    EXPECT_EQ(repair.step(start + at, failing), NbmaAction::none);
    EXPECT_EQ(repair.step(start + at + 1s, failing), NbmaAction::none);
    EXPECT_EQ(repair.step(start + at + 2s, healthy), NbmaAction::none);
  }
}

TEST(NbmaRepair, ASiteThatIsOfflineDoesNotHoldTheCureBack) {
  NbmaRepair repair(2s, 20s);
  const NbmaObservation one_offline{false, 2, 1};
  EXPECT_EQ(repair.step(start, one_offline), NbmaAction::none);
  EXPECT_EQ(repair.step(start + 2s, one_offline), NbmaAction::clear_neighbor);
}

TEST(NbmaRepair, GivesACureTimeAndThenTriesAgain) {
  NbmaRepair repair(2s, 20s);
  repair.step(start, failing);
  ASSERT_EQ(repair.step(start + 2s, failing), NbmaAction::clear_neighbor);
  for (auto at = 3s; at < 22s; at += 1s) EXPECT_EQ(repair.step(start + at, failing), NbmaAction::none) << at.count();
  EXPECT_EQ(repair.step(start + 22s, failing), NbmaAction::clear_neighbor);
}

TEST(NbmaRepair, TheLastResortIsTheWholeProcess) {
  NbmaRepair repair(0s, 1s);
  int neighbors = 0;
  auto at = start;
  for (; repair.step(at, failing) == NbmaAction::clear_neighbor; at += 1s) ++neighbors;
  EXPECT_EQ(repair.step(at + 1s, failing), NbmaAction::clear_neighbor) << "and from the beginning again";
  EXPECT_EQ(neighbors, 9);
  // Health in between begins the count anew.
  repair.step(at + 2s, healthy);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(repair.step(at + 3s + i * 1s, failing), NbmaAction::clear_neighbor);
  EXPECT_EQ(repair.step(at + 12s, failing), NbmaAction::clear_process);
}

TEST(NbmaRepair, AFailureAfterACureThatWorkedWaitsItsPatienceAgain) {
  NbmaRepair repair(2s, 5s);
  repair.step(start, failing);
  ASSERT_EQ(repair.step(start + 2s, failing), NbmaAction::clear_neighbor);
  EXPECT_EQ(repair.step(start + 10s, healthy), NbmaAction::none);
  EXPECT_EQ(repair.step(start + 11s, failing), NbmaAction::none);
  EXPECT_EQ(repair.step(start + 13s, failing), NbmaAction::clear_neighbor);
}

}  // namespace
}  // namespace radial::host
