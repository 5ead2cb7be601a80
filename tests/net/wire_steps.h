// What two WireGuards must go through together, each a step that asserts with
// GoogleTest. The native tests make a pair for each step; against the kernel,
// in an emulated machine where making a pair takes seconds, one pair walks
// through all of them in the order below.
#pragma once

#include <chrono>

#include "net/wire_lab.h"
#include "net/wire_relay.h"

namespace radial::test {

constexpr std::chrono::seconds patience(60);  // on a machine that does other things too; several retries of 5 s

bool reaches(const WireNode& from, const std::string& address);
// Takes the link down and up again, which ends what sessions radial-wire and
// the kernel have, and puts back what that takes from it.
void forget_sessions(const WireNode& node);

// Every size from nothing to the MTU, and beyond it in fragments. `window`: how many are under way at once.
void step_datagrams_of_every_size(const WirePair& pair, std::size_t window);
void step_tcp_byte_for_byte(const WirePair& pair, std::size_t bytes);
// Of one size, in order: what offloads make one large packet of, and cut again.
void step_trains_of_datagrams(const WirePair& pair);
// While there is no IPv4 outside: the same sizes, and TCP.
void step_ipv6_underlay(WirePair& pair, std::size_t bytes);
void step_keepalives(WirePair& pair);
void step_foreign_source_is_dropped(const WirePair& pair);
// `ours` is radial-wire.
void step_preshared_key(WireNode& ours, WireNode& theirs);
void step_restarts(WirePair& pair);
// On a pair without a session yet.
void step_each_handshake_message_is_lost(const WirePair& pair, Relay& relay);
void step_repeated_reordered_damaged(const WirePair& pair, Relay& relay);
void step_initiation_played_again(const WirePair& pair, Relay& relay);
// Node 2, which is radial-wire, is flooded; node 1 shakes hands all the same.
void step_flood_of_initiations(const WirePair& pair, Relay& relay);
// To another address, another port and another family. wireguard-go keeps a source address that is
// gone until its peer is given anew (`reminded`). Last: the pair is elsewhere afterwards.
void step_roaming(WireNode& mover, WireNode& other, bool reminded = false);

}  // namespace radial::test
