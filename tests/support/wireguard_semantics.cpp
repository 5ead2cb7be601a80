#include "support/wireguard_semantics.h"

#include <atomic>
#include <random>
#include <sstream>

#include <arpa/inet.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <net/if.h>
#include <sys/socket.h>

#include "../host/wire_model.h"

namespace radial::test {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(WireGuardSemantics);

namespace {

using host::DesiredPeer;
using host::DesiredWire;
using host::ObservedWire;
using host::PeerChange;
using host::WireChange;
using host::WireGuard;
using host::test_prefix;
using testing::UnorderedElementsAreArray;

PublicKey any_key() { return PrivateKey::generate().public_key(); }

ObservedWire observe(WireGuard& wireguard, const std::string& interface = "wg0") {
  auto wire = wireguard.observe(interface);
  if (!wire) throw std::runtime_error(wire.error().message);
  return *wire;
}

void apply(WireGuard& wireguard, const WireChange& change) {
  const auto status = wireguard.apply(change);
  if (!status) throw std::runtime_error(status.error().message);
}

void bring_about(WireGuard& wireguard, const DesiredWire& desired) {
  apply(wireguard, diff_wire(desired, observe(wireguard, desired.interface)));
  const auto again = diff_wire(desired, observe(wireguard, desired.interface));
  EXPECT_TRUE(again.empty()) << "left to do: " << again.describe().front();
}

std::map<Prefix, PublicKey> owners(const ObservedWire& wire) {
  std::map<Prefix, PublicKey> result;
  for (const auto& peer : wire.peers)
    for (const auto& prefix : peer.allowed_ips) result[prefix] = peer.public_key;
  return result;
}

DesiredWire wire_of(const PrivateKey& key, std::size_t peers, unsigned prefixes) {
  DesiredWire wire{"wg0", &key, 0, 0, {}};
  for (unsigned number = 0; number < peers; ++number) {
    auto& peer = wire.peers.emplace_back();
    peer.public_key = any_key();
    for (unsigned i = 0; i < prefixes; ++i)
      peer.allowed_ips.push_back(Prefix::of(IpAddress::from_v4(0x0a000000 + ((number * prefixes + i) << 8U)), 24));
  }
  return wire;
}

TEST_P(WireGuardSemantics, AWireComesAndGoes) {
  EXPECT_EQ(wireguard->observe("wg0").error().code, Errc::not_found);
  create("wg0");
  const auto wire = observe(*wireguard);
  EXPECT_EQ(wire.interface, "wg0");
  EXPECT_FALSE(wire.public_key);
  EXPECT_TRUE(wire.peers.empty());
  EXPECT_NE(::if_nametoindex("wg0"), 0U);

  const auto second = wireguard->create("wg0");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::already_exists) << second.error().message;

  ASSERT_TRUE(wireguard->remove("wg0"));
  EXPECT_EQ(::if_nametoindex("wg0"), 0U);
  EXPECT_EQ(wireguard->observe("wg0").error().code, Errc::not_found);
  EXPECT_EQ(wireguard->remove("wg0").error().code, Errc::not_found);
  create("wg0");  // and again
}

TEST_P(WireGuardSemantics, WhatIsNotWireGuardIsLeftAlone) {
  space.sh("ip link add br0 type bridge");
  EXPECT_EQ(wireguard->observe("br0").error().code, Errc::not_found);
  EXPECT_EQ(wireguard->remove("br0").error().code, Errc::not_found);
  EXPECT_EQ(wireguard->create("br0").error().code, Errc::already_exists);
  EXPECT_NE(::if_nametoindex("br0"), 0U);
}

TEST_P(WireGuardSemantics, WgShowsWhatWasAsked) {
  create("wg0");
  const auto key = PrivateKey::generate();
  const auto preshared = PresharedKey::random();
  DesiredWire desired{"wg0", &key, 51820, 0x2a, {}};
  const auto add = [&](const PresharedKey* psk, const char* endpoint, std::uint16_t keepalive,
                       std::vector<std::string_view> prefixes) {
    auto& peer = desired.peers.emplace_back();
    peer.public_key = any_key();
    peer.preshared_key = psk;
    if (endpoint != nullptr) peer.endpoint = Endpoint::parse(endpoint).value();
    peer.keepalive = keepalive;
    for (const auto text : prefixes) peer.allowed_ips.push_back(test_prefix(text));
  };
  add(&preshared, "198.51.100.7:51820", 25, {"10.255.0.11/32", "192.168.20.0/24"});
  add(nullptr, "[2001:db8::7]:4000", 0, {"10.255.0.12/32", "fd00:12::/64", "fe80::12/128"});
  add(nullptr, nullptr, 0, {});
  bring_about(*wireguard, desired);

  std::vector<std::string> expected{fmt::format("{}\t{}\t51820\t0x2a", key.reveal_base64(), key.public_key())};
  for (const auto& peer : desired.peers) {
    std::vector<std::string> prefixes;
    for (const auto& prefix : peer.allowed_ips) prefixes.push_back(prefix.to_string());
    std::sort(prefixes.begin(), prefixes.end());
    expected.push_back(fmt::format("{}\t{}\t{}\t{}\t0\t0\t0\t{}", peer.public_key,
                                   peer.preshared_key ? peer.preshared_key->reveal_base64() : "(none)",
                                   peer.endpoint ? peer.endpoint->to_string() : "(none)",
                                   prefixes.empty() ? "(none)" : fmt::format("{}", fmt::join(prefixes, ",")),
                                   peer.keepalive == 0 ? "off" : fmt::format("{}", peer.keepalive)));
  }
  // wg prints allowed IPs in an order of its own.
  std::vector<std::string> shown;
  std::istringstream dump(space.sh("wg show wg0 dump"));
  for (std::string line; std::getline(dump, line);) {
    std::vector<std::string> fields;
    std::istringstream split(line);
    for (std::string field; std::getline(split, field, '\t');) fields.push_back(field);
    if (fields.size() == 8) {
      std::vector<std::string> prefixes;
      std::istringstream list(fields[3]);
      for (std::string prefix; std::getline(list, prefix, ',');) prefixes.push_back(prefix);
      std::sort(prefixes.begin(), prefixes.end());
      fields[3] = fmt::format("{}", fmt::join(prefixes, ","));
    }
    shown.push_back(fmt::format("{}", fmt::join(fields, "\t")));
  }
  EXPECT_THAT(shown, UnorderedElementsAreArray(expected));
}

TEST_P(WireGuardSemantics, AnyWireBecomesAnyOther) {
  create("wg0");
  std::mt19937 random(11);
  host::RandomWire source;
  host::Endpoints endpoints;
  for (int round = 0; round < 40; ++round) {
    auto desired = source.draw(random);
    const auto before = observe(*wireguard);
    apply(*wireguard, diff_wire(desired, before, endpoints));
    for (const auto& peer : desired.peers)
      if (peer.endpoint) endpoints[peer.public_key] = *peer.endpoint;
    const auto after = observe(*wireguard);
    std::erase_if(endpoints, [&](const auto& entry) {
      return std::none_of(after.peers.begin(), after.peers.end(),
                          [&](const auto& peer) { return peer.public_key == entry.first; });
    });
    const auto again = diff_wire(desired, after, endpoints);
    ASSERT_TRUE(again.empty()) << fmt::format("round {}: {}", round, fmt::join(again.describe(), "; "));
    ASSERT_EQ(after.peers.size(), desired.peers.size());
    std::map<Prefix, PublicKey> wanted;
    for (const auto& peer : desired.peers)
      for (const auto& prefix : peer.allowed_ips) wanted[prefix] = peer.public_key;
    ASSERT_EQ(owners(after), wanted);
  }
}

TEST_P(WireGuardSemantics, APrefixMovesAndIsRemovedAlone) {
  create("wg0");
  const auto key = PrivateKey::generate();
  auto desired = wire_of(key, 3, 3);
  bring_about(*wireguard, desired);
  auto expected = owners(observe(*wireguard));
  ASSERT_EQ(expected.size(), 9U);

  const auto moving = desired.peers[0].allowed_ips[1];
  PeerChange to;
  to.public_key = desired.peers[2].public_key;
  to.add_allowed_ips = {moving};
  apply(*wireguard, {"wg0", nullptr, {}, {}, {}, {to}});
  expected[moving] = to.public_key;
  EXPECT_EQ(owners(observe(*wireguard)), expected);

  PeerChange without;
  without.public_key = desired.peers[1].public_key;
  without.remove_allowed_ips = {desired.peers[1].allowed_ips[0], desired.peers[1].allowed_ips[2]};
  apply(*wireguard, {"wg0", nullptr, {}, {}, {}, {without}});
  for (const auto& prefix : without.remove_allowed_ips) expected.erase(prefix);
  EXPECT_EQ(owners(observe(*wireguard)), expected);
  EXPECT_EQ(observe(*wireguard).peers.size(), 3U) << "a passing peer stayed";

  const auto can_remove_one = wireguard->can_remove_one_prefix("wg0");
  ASSERT_TRUE(can_remove_one) << can_remove_one.error().message;
  EXPECT_EQ(owners(observe(*wireguard)), expected) << "asking must change nothing";
  EXPECT_EQ(observe(*wireguard).peers.size(), 3U);
  RecordProperty("can_remove_one_prefix", *can_remove_one ? "yes" : "no");
}

TEST_P(WireGuardSemantics, ALateUpdateDoesNotBringAPeerBack) {
  create("wg0");
  PeerChange late;
  late.public_key = any_key();
  late.keepalive = 5;
  late.add_allowed_ips = {test_prefix("10.0.0.0/8")};
  apply(*wireguard, {"wg0", nullptr, {}, {}, {}, {late}});
  EXPECT_TRUE(observe(*wireguard).peers.empty());
}

TEST_P(WireGuardSemantics, TwoThousandPeers) {
  create("wg0");
  const auto key = PrivateKey::generate();
  auto desired = wire_of(key, 2000, 5);
  bring_about(*wireguard, desired);
  EXPECT_EQ(owners(observe(*wireguard)).size(), 10000U);

  // Every peer gives its first prefix to the next and loses its last; one has more than a
  // message holds.
  const auto count = desired.peers.size();
  std::vector<Prefix> firsts;
  for (auto& peer : desired.peers) firsts.push_back(peer.allowed_ips.front());
  for (std::size_t i = 0; i < count; ++i) desired.peers[(i + 1) % count].allowed_ips[0] = firsts[i];
  for (auto& peer : desired.peers) peer.allowed_ips.pop_back();
  for (unsigned i = 0; i < 3000; ++i)
    desired.peers[7].allowed_ips.push_back(Prefix::of(IpAddress::from_v4(0xac100000 + (i << 4U)), 28));
  bring_about(*wireguard, desired);

  desired.peers.resize(10);
  bring_about(*wireguard, desired);
  EXPECT_EQ(observe(*wireguard).peers.size(), 10U);
}

// A prefix that goes to and fro between the first and the last peer is in a
// snapshot exactly once, or the snapshot is of no moment at all.
TEST_P(WireGuardSemantics, ASnapshotIsOfOneMoment) {
  create("wg0");
  const auto key = PrivateKey::generate();
  const auto desired = wire_of(key, 600, 5);
  bring_about(*wireguard, desired);
  const auto restless = test_prefix("172.16.0.0/12");
  const auto move_to = [&](WireGuard& by, const PublicKey& peer) {
    PeerChange change;
    change.public_key = peer;
    change.add_allowed_ips = {restless};
    apply(by, {"wg0", nullptr, {}, {}, {}, {change}});
  };
  const auto low_and_high =
      std::minmax_element(desired.peers.begin(), desired.peers.end(),
                          [](const auto& a, const auto& b) { return a.public_key < b.public_key; });
  move_to(*wireguard, low_and_high.first->public_key);

  std::atomic<bool> enough = false;
  std::thread other([&] {
    auto mover = GetParam().open().value();
    std::mt19937 random(3);
    for (unsigned turn = 0; !enough; ++turn) {
      move_to(*mover, turn % 2 == 0 ? low_and_high.second->public_key : low_and_high.first->public_key);
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
    }
  });
  int whole = 0;
  for (int i = 0; i < 60; ++i) {
    const auto wire = wireguard->observe("wg0");
    if (!wire) {
      EXPECT_EQ(wire.error().code, Errc::unavailable) << wire.error().message;
      continue;
    }
    std::size_t seen = 0;
    std::size_t all = 0;
    for (const auto& peer : wire->peers) {
      seen += static_cast<std::size_t>(std::count(peer.allowed_ips.begin(), peer.allowed_ips.end(), restless));
      all += peer.allowed_ips.size();
    }
    EXPECT_EQ(seen, 1U);
    EXPECT_EQ(all, 3001U);
    ++whole;
  }
  enough = true;
  other.join();
  EXPECT_GT(whole, 30);
}

TEST_P(WireGuardSemantics, AHandshakeIsSeen) {
  create("wg0");
  create("wg1");
  const std::array keys{PrivateKey::generate(), PrivateKey::generate()};
  const auto preshared = PresharedKey::random();
  for (const unsigned side : {1U, 0U}) {  // the one that calls comes last
    DesiredWire desired{side == 0 ? "wg0" : "wg1", &keys[side], static_cast<std::uint16_t>(51820 + side), 0, {}};
    auto& peer = desired.peers.emplace_back();
    peer.public_key = keys[1 - side].public_key();
    peer.preshared_key = &preshared;
    peer.endpoint = Endpoint::of(IpAddress::from_v4(INADDR_LOOPBACK), static_cast<std::uint16_t>(51821 - side));
    peer.keepalive = side == 0 ? 1 : 0;
    bring_about(*wireguard, desired);
    space.sh("ip link set " + desired.interface + " up");
  }
  const auto now = std::chrono::system_clock::now();
  ASSERT_TRUE(eventually([&] { return observe(*wireguard).peers[0].last_handshake.has_value(); },
                         std::chrono::seconds(20)));
  const auto peer = observe(*wireguard).peers[0];
  EXPECT_LT(std::chrono::abs(*peer.last_handshake - now), std::chrono::seconds(60));
  EXPECT_GT(peer.rx_bytes, 0U);
  EXPECT_GT(peer.tx_bytes, 0U);
}

TEST_P(WireGuardSemantics, APortThatIsTakenIsSaidToBe) {
  create("wg0");
  space.sh("ip link set wg0 up");
  const Fd holder(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(51833);
  ASSERT_EQ(::bind(holder.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  WireChange change;
  change.interface = "wg0";
  change.listen_port = 51833;
  const auto status = wireguard->apply(change);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().sys_errno, EADDRINUSE) << status.error().message;
  EXPECT_THAT(status.error().message, testing::HasSubstr("wg0"));
}

}  // namespace
}  // namespace radial::test
