#include "host/wireguard.h"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire_model.h"

namespace radial::host {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const auto own_key = PrivateKey::generate();

DesiredPeer desired_peer(unsigned number, std::vector<std::string_view> prefixes = {}) {
  DesiredPeer peer;
  peer.public_key = test_key(number);
  for (const auto text : prefixes) peer.allowed_ips.push_back(test_prefix(text));
  return peer;
}

ObservedPeer observed_peer(unsigned number, std::vector<std::string_view> prefixes = {}) {
  ObservedPeer peer;
  peer.public_key = test_key(number);
  for (const auto text : prefixes) peer.allowed_ips.push_back(test_prefix(text));
  return peer;
}

DesiredWire desired_wire(std::vector<DesiredPeer> peers) { return {"wg0", &own_key, 51820, 0, std::move(peers), {}}; }
ObservedWire observed_wire(std::vector<ObservedPeer> peers) {
  return {"wg0", own_key.public_key(), 51820, 0, std::move(peers), {}};
}

std::string peer_line(unsigned number, std::string_view rest) {
  return fmt::format("peer {} {}", test_key(number), rest);
}

TEST(DiffWire, NothingToDoIsEmpty) {
  const auto change = diff_wire(desired_wire({desired_peer(1, {"10.1.0.0/16"})}),
                                observed_wire({observed_peer(1, {"10.1.0.0/16"})}));
  EXPECT_TRUE(change.empty());
  EXPECT_THAT(change.describe(), IsEmpty());
}

TEST(DiffWire, DescribesAFreshWireAsWgWouldBeToldAndHidesKeys) {
  const auto preshared = PresharedKey::random();
  auto peer = desired_peer(1, {"10.1.0.0/16", "fd00:1::/64"});
  peer.preshared_key = &preshared;
  peer.endpoint = Endpoint::of(IpAddress::parse("2001:db8::1").value(), 51820);
  peer.keepalive = 25;
  auto desired = desired_wire({peer});
  desired.fwmark = 0x10;
  const auto change = diff_wire(desired, ObservedWire{"wg0", {}, 0, 0, {}, {}});
  EXPECT_THAT(change.describe(),
              ElementsAre("private-key (hidden)", "listen-port 51820", "fwmark 0x10", peer_line(1, "add"),
                          peer_line(1, "preshared-key (hidden)"), peer_line(1, "endpoint [2001:db8::1]:51820"),
                          peer_line(1, "persistent-keepalive 25"), peer_line(1, "allowed-ips +10.1.0.0/16"),
                          peer_line(1, "allowed-ips +fd00:1::/64")));
}

TEST(DiffWire, APrefixThatMovesIsAddedAndNotRemoved) {
  const auto change =
      diff_wire(desired_wire({desired_peer(1, {"10.1.0.0/16"}), desired_peer(2, {"10.9.0.0/16"})}),
                observed_wire({observed_peer(1, {"10.1.0.0/16", "10.9.0.0/16"}), observed_peer(2)}));
  EXPECT_THAT(change.describe(), ElementsAre(peer_line(2, "allowed-ips +10.9.0.0/16")));
}

TEST(DiffWire, APrefixThatNobodyShouldHaveIsRemovedAlone) {
  const auto change = diff_wire(desired_wire({desired_peer(1, {"10.1.0.0/16"})}),
                                observed_wire({observed_peer(1, {"10.1.0.0/16", "10.9.0.0/16"})}));
  EXPECT_THAT(change.describe(), ElementsAre(peer_line(1, "allowed-ips -10.9.0.0/16")));
}

TEST(DiffWire, APeerThatIsNotDesiredGoesLast) {
  const auto change = diff_wire(desired_wire({desired_peer(3, {"10.1.0.0/16"})}),
                                observed_wire({observed_peer(1, {"10.1.0.0/16"})}));
  EXPECT_THAT(change.describe(), ElementsAre(peer_line(3, "add"), peer_line(3, "allowed-ips +10.1.0.0/16"),
                                             peer_line(1, "remove")));
}

TEST(DiffWire, KeepaliveIsSwitchedOff) {
  auto observed = observed_peer(1);
  observed.keepalive = 25;
  EXPECT_THAT(diff_wire(desired_wire({desired_peer(1)}), observed_wire({observed})).describe(),
              ElementsAre(peer_line(1, "persistent-keepalive off")));
}

TEST(DiffWire, RoamingIsLeftAloneUnlessTheDesiredEndpointChanged) {
  const auto first = Endpoint::parse("198.51.100.1:51820").value();
  const auto second = Endpoint::parse("198.51.100.2:51820").value();
  const auto roamed = Endpoint::parse("203.0.113.9:40000").value();
  auto peer = desired_peer(1);
  auto seen = observed_peer(1);

  peer.endpoint = first;
  EXPECT_THAT(diff_wire(desired_wire({peer}), observed_wire({seen})).describe(),
              ElementsAre(peer_line(1, "endpoint 198.51.100.1:51820")));
  seen.endpoint = roamed;
  EXPECT_TRUE(diff_wire(desired_wire({peer}), observed_wire({seen})).empty());
  EXPECT_TRUE(diff_wire(desired_wire({peer}), observed_wire({seen}), {{peer.public_key, first}}).empty());

  peer.endpoint = second;
  EXPECT_THAT(diff_wire(desired_wire({peer}), observed_wire({seen}), {{peer.public_key, first}}).describe(),
              ElementsAre(peer_line(1, "endpoint 198.51.100.2:51820")));
  peer.endpoint.reset();
  EXPECT_TRUE(diff_wire(desired_wire({peer}), observed_wire({seen}), {{peer.public_key, first}}).empty());
}

TEST(DiffWire, APresharedKeyIsSetReplacedAndCleared) {
  const auto one = PresharedKey::random();
  const auto other = PresharedKey::random();
  auto peer = desired_peer(1);
  auto seen = observed_peer(1);
  peer.preshared_key = &one;
  ASSERT_EQ(diff_wire(desired_wire({peer}), observed_wire({seen})).peers.size(), 1U);
  EXPECT_EQ(diff_wire(desired_wire({peer}), observed_wire({seen})).peers[0].preshared_key, &one);

  seen.has_preshared_key = true;
  seen.preshared_digest = digest_of(one);
  EXPECT_TRUE(diff_wire(desired_wire({peer}), observed_wire({seen})).empty());
  peer.preshared_key = &other;
  EXPECT_EQ(diff_wire(desired_wire({peer}), observed_wire({seen})).peers.at(0).preshared_key, &other);
  peer.preshared_key = nullptr;
  const auto cleared = diff_wire(desired_wire({peer}), observed_wire({seen}));
  ASSERT_EQ(cleared.peers.size(), 1U);
  EXPECT_TRUE(cleared.peers[0].preshared_key->is_zero());
  EXPECT_THAT(cleared.describe(), ElementsAre(peer_line(1, "preshared-key (none)")));
}

TEST(DiffWire, AnotherPrivateKeyAPortAndAMark) {
  auto observed = observed_wire({});
  observed.public_key = PrivateKey::generate().public_key();
  observed.listen_port = 1;
  observed.fwmark = 5;
  EXPECT_THAT(diff_wire(desired_wire({}), observed).describe(),
              ElementsAre("private-key (hidden)", "listen-port 51820", "fwmark off"));
  auto any_port = desired_wire({});
  any_port.listen_port = 0;
  observed.public_key = own_key.public_key();
  observed.fwmark = 0;
  EXPECT_TRUE(diff_wire(any_port, observed).empty());
}

void expect_holds(const WireModel& model, const DesiredWire& desired) {
  EXPECT_EQ(model.public_key, desired.private_key->public_key());
  EXPECT_EQ(model.listen_port, desired.listen_port != 0 ? desired.listen_port : model.listen_port);
  EXPECT_EQ(model.fwmark, desired.fwmark);
  std::map<Prefix, PublicKey> owners;
  ASSERT_EQ(model.peers.size(), desired.peers.size());
  for (const auto& peer : desired.peers) {
    ASSERT_TRUE(model.peers.contains(peer.public_key));
    const auto& held = model.peers.at(peer.public_key);
    EXPECT_EQ(held.keepalive, peer.keepalive);
    const bool has_key = held.preshared_key && !held.preshared_key->is_zero();
    ASSERT_EQ(has_key, peer.preshared_key != nullptr);
    EXPECT_TRUE(!has_key || held.preshared_key->equals(*peer.preshared_key));
    EXPECT_EQ(held.endpoint, peer.endpoint ? peer.endpoint : held.endpoint);
    for (const auto& prefix : peer.allowed_ips) owners[prefix] = peer.public_key;
  }
  EXPECT_EQ(model.owners, owners);
}

Endpoints endpoints_of(const DesiredWire& wire) {
  Endpoints endpoints;
  for (const auto& peer : wire.peers)
    if (peer.endpoint) endpoints[peer.public_key] = *peer.endpoint;
  return endpoints;
}

// From one random wire to the next, on WireGuard that can remove one prefix and on one
// that cannot: the wire becomes what was desired, a prefix that both have is
// never absent between, and there is nothing left to do.
class DiffWireProperty : public testing::TestWithParam<bool> {};

TEST_P(DiffWireProperty, LeadsToWhatIsDesiredWithoutAGap) {
  const bool can_remove_one = GetParam();
  const auto passing_peer = test_key(999);
  std::mt19937 random(20240601);
  RandomWire source;
  WireModel model;
  // An endpoint stays what it was when it is no longer desired: remember the last one that was.
  Endpoints endpoints;
  for (int round = 0; round < 3000; ++round) {
    const auto desired = source.draw(random);
    std::set<Prefix> lasting;
    for (const auto& peer : desired.peers)
      for (const auto& prefix : peer.allowed_ips)
        if (model.owners.contains(prefix)) lasting.insert(prefix);

    const auto change = diff_wire(desired, model.observe(), endpoints);
    EXPECT_EQ(change.empty(), change.describe().empty());
    model.apply_device(change);
    for (const auto& operation : operations_of(change, can_remove_one, passing_peer)) {
      ASSERT_TRUE(model.apply(operation, can_remove_one));
      for (const auto& prefix : lasting)
        ASSERT_TRUE(model.owners.contains(prefix)) << prefix.to_string() << " was absent";
    }
    expect_holds(model, desired);
    for (const auto& [key, endpoint] : endpoints_of(desired)) endpoints[key] = endpoint;
    std::erase_if(endpoints, [&](const auto& entry) { return !model.peers.contains(entry.first); });
    const auto again = diff_wire(desired, model.observe(), endpoints);
    ASSERT_TRUE(again.empty()) << fmt::format("round {}: {}", round, again.describe().front());
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(OldAndNewKernels, DiffWireProperty, testing::Bool());

TEST(DiffWire, MulticastIsAskedForWhereItCanBeHadAndNowhereElse) {
  auto desired = desired_wire({});
  auto observed = observed_wire({});
  desired.multicast = true;
  EXPECT_EQ(diff_wire(desired, observed).multicast, std::nullopt);  // it knows of no such thing
  observed.multicast = false;
  EXPECT_EQ(diff_wire(desired, observed).multicast, true);
  EXPECT_THAT(diff_wire(desired, observed).describe(), testing::ElementsAre("multicast to every peer"));
  observed.multicast = true;
  EXPECT_TRUE(diff_wire(desired, observed).empty());
  desired.multicast = false;
  EXPECT_EQ(diff_wire(desired, observed).multicast, false);
}

}  // namespace
}  // namespace radial::host
