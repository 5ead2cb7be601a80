// radial-wire against wireguard-go, the kernel (where it has WireGuard: in the
// virtual machine) and itself, both ways: what one end sends,
// the other must understand, through every change that happens to a peer.
#include <gtest/gtest.h>

#include "net/wire_steps.h"

namespace radial::test {
namespace {

using Programs = std::pair<Program, Program>;

std::vector<Programs> native_pairs() {
  std::vector<Programs> out{{radial_wire(), radial_wire()},
                            {radial_wire("RADIAL_WIRE_QUEUES=4"), radial_wire("RADIAL_WIRE_NO_OFFLOAD=1")},
                            {radial_wire(), wireguard_go_12()},
                            {wireguard_go_12(), radial_wire()}};
  for (const auto& program : wireguard_go_13()) {
    out.push_back({radial_wire(), program});
    out.push_back({program, radial_wire()});
  }
  return out;
}

// The hostile network wants one packet a frame, to see each.
Program ours_without_offload() { return radial_wire("RADIAL_WIRE_NO_OFFLOAD=1"); }

std::vector<Programs> hostile_pairs() {
  std::vector<Programs> out{{ours_without_offload(), ours_without_offload()}};
  auto others = wireguard_go_13();
  others.push_back(wireguard_go_12());
  for (const auto& other : others) {
    out.push_back({ours_without_offload(), other});
    out.push_back({other, ours_without_offload()});
  }
  return out;
}

std::vector<Programs> kernel_pairs() {
  if (!kernel_has_wireguard()) return {};
  return {{ours_without_offload(), kernel_wireguard()}, {kernel_wireguard(), radial_wire()}};
}

class WireInterop : public testing::TestWithParam<Programs> {
 protected:
  // Where one end has to do what only ours does right (wireguard-go keeps a
  // source address that is gone, and its sessions when its link goes down).
  WireNode& ours() { return GetParam().first.name.starts_with("radial") ? pair_.a : pair_.b; }
  WireNode& theirs() { return &ours() == &pair_.a ? pair_.b : pair_.a; }

  WirePair pair_{GetParam().first, GetParam().second};
};

TEST_P(WireInterop, DatagramsOfEverySizeComeBackAsTheyWent) { step_datagrams_of_every_size(pair_, 1); }
TEST_P(WireInterop, TcpArrivesByteForByteBothWays) { step_tcp_byte_for_byte(pair_, 40'000'000); }
TEST_P(WireInterop, TrainsOfDatagramsArriveWholeAndInOrder) { step_trains_of_datagrams(pair_); }
TEST_P(WireInterop, AnIpv6UnderlayCarriesTheSame) { step_ipv6_underlay(pair_, 4'000'000); }
TEST_P(WireInterop, APeerThatMovesIsFollowed) { step_roaming(ours(), theirs()); }
TEST_P(WireInterop, ThePeerOfOneThatMovesFollowsIt) { step_roaming(theirs(), ours(), true); }
TEST_P(WireInterop, APresharedKeyMustBeThatOfBoth) { step_preshared_key(ours(), theirs()); }
TEST_P(WireInterop, KeepalivesFlowWithoutTraffic) { step_keepalives(pair_); }
TEST_P(WireInterop, EitherEndMayBeStartedAgain) { step_restarts(pair_); }
TEST_P(WireInterop, ASourceThatIsNotThePeersIsDropped) { step_foreign_source_is_dropped(pair_); }

class WireHostile : public testing::TestWithParam<Programs> {
 protected:
  WirePair pair_{GetParam().first, GetParam().second};
  Relay relay_{pair_};
};

TEST_P(WireHostile, EachHandshakeMessageMayBeLost) { step_each_handshake_message_is_lost(pair_, relay_); }
TEST_P(WireHostile, WhatIsRepeatedReorderedOrDamagedArrivesOnce) { step_repeated_reordered_damaged(pair_, relay_); }
TEST_P(WireHostile, AnInitiationPlayedAgainIsNotAnswered) { step_initiation_played_again(pair_, relay_); }

TEST_P(WireHostile, AFloodOfInitiationsDoesNotKeepAPeerOut) {
  if (!GetParam().second.name.starts_with("radial")) GTEST_SKIP() << "node 2 is not ours";
  step_flood_of_initiations(pair_, relay_);
}

class WireKernel : public WireInterop {};

TEST_P(WireKernel, OnePairWalksThroughEverything) {
  // How long each step takes shows in the log of a slow run.
  auto began = std::chrono::steady_clock::now();
  const auto step = [&](const char* what, const std::function<void()>& work) {
    SCOPED_TRACE(what);
    work();
    const auto now = std::chrono::steady_clock::now();
    std::printf("  %-40s %5lld ms\n", what,
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(now - began).count()));
    began = now;
  };
  step("datagrams of every size", [&] { step_datagrams_of_every_size(pair_, 16); });
  step("TCP byte for byte", [&] { step_tcp_byte_for_byte(pair_, 4'000'000); });
  step("trains of datagrams", [&] { step_trains_of_datagrams(pair_); });
  step("an IPv6 underlay", [&] { step_ipv6_underlay(pair_, 1'000'000); });
  step("keepalives", [&] { step_keepalives(pair_); });
  step("a foreign source", [&] { step_foreign_source_is_dropped(pair_); });
  step("a preshared key", [&] { step_preshared_key(ours(), theirs()); });
  step("restarts of either end", [&] { step_restarts(pair_); });
  Relay relay(pair_);
  forget_sessions(pair_.a);
  forget_sessions(pair_.b);
  step("each handshake message lost", [&] { step_each_handshake_message_is_lost(pair_, relay); });
  step("repeated, reordered, damaged", [&] { step_repeated_reordered_damaged(pair_, relay); });
  forget_sessions(pair_.a);
  forget_sessions(pair_.b);
  step("an initiation played again", [&] { step_initiation_played_again(pair_, relay); });
  step("roaming", [&] { step_roaming(pair_.a, pair_.b); });  // of one pair ours, of the other the kernel's
}

constexpr auto named = [](const auto& pair) { return pair.param.first.name + "_" + pair.param.second.name; };

INSTANTIATE_TEST_SUITE_P(Pairs, WireInterop, testing::ValuesIn(native_pairs()), named);
INSTANTIATE_TEST_SUITE_P(Pairs, WireHostile, testing::ValuesIn(hostile_pairs()), named);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WireKernel);
INSTANTIATE_TEST_SUITE_P(Pairs, WireKernel, testing::ValuesIn(kernel_pairs()), named);

}  // namespace
}  // namespace radial::test
