// What counts as the change's doing.
#include "agent/complaints.h"

#include <gtest/gtest.h>

namespace radial::agent {
namespace {

TEST(Complaints, WhatWasNotWellBeforeIsNotTheChangesDoing) {
  const Complaints before{{"adjacency paris", "adjacency paris no OSPF hello"}};
  EXPECT_EQ(worse_than(before, before), "");
  EXPECT_EQ(worse_than(before, {}), "");
  EXPECT_EQ(worse_than({}, before), "adjacency paris no OSPF hello");
}

TEST(Complaints, ANeighbourThatIsAwayIsNoticedInSeveralWays) {
  // First by routing, by its handshake three minutes later; and the other way round.
  EXPECT_EQ(worse_than({{"adjacency paris", "x"}}, {{"wg0 peer paris", "last handshake 181 s ago"}}), "");
  EXPECT_EQ(worse_than({{"wg0 peer paris", "x"}}, {{"OSPFv3 adjacency paris", "y"}, {"BGP session paris", "z"}}), "");
  // But two protocols with one neighbour stand for themselves.
  EXPECT_EQ(worse_than({{"OSPFv3 adjacency paris", "x"}}, {{"adjacency paris", "y"}}), "y");
  EXPECT_EQ(worse_than({{"wg0 peer paris", "x"}}, {{"wg0 peer berlin", "y"}}), "y");
}

TEST(Complaints, ALanThatIsNowhereCountsAndOtherWarningsDoNot) {
  observe::Snapshot snapshot;
  using observe::Severity;
  snapshot.findings = {{Severity::warning, "LAN 192.168.21.0/24", "is declared, but no interface of this node is in it", "", ""},
                       {Severity::warning, "prefix 10.0.0.0/8", "is in the FIB of this hub", "", ""},
                       {Severity::warning, "adjacency berlin", "is Loading (not yet Full)", "", ""},
                       {Severity::broken, "reconcile", "nftables: no", "", ""}};
  const auto complaints = complaints_of(snapshot);
  EXPECT_EQ(complaints.size(), 3U);
  EXPECT_TRUE(complaints.contains("LAN 192.168.21.0/24"));
  EXPECT_TRUE(complaints.contains("adjacency berlin"));
  EXPECT_TRUE(complaints.contains("reconcile nftables: no"));
}

}  // namespace
}  // namespace radial::agent
