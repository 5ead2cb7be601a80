// Where peers are dialled, and when a hub takes a site's next key for its key.
#include "agent/key_arrivals.h"
#include "agent/peer_endpoints.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

const PublicKey hub(std::array<std::uint8_t, key_size>{1});
const PublicKey before(std::array<std::uint8_t, key_size>{2});
const PublicKey next(std::array<std::uint8_t, key_size>{3});
const auto first = Endpoint::parse("198.51.100.1:51820").value();
const auto second = Endpoint::parse("198.51.100.2:51820").value();
const auto elsewhere = Endpoint::parse("203.0.113.9:4500").value();
const auto named = Endpoint::parse("localhost:51820").value();  // nothing is resolved while the loop does not run

// What is observed is what the test says.
class SaidWireGuard final : public host::WireGuard {
 public:
  [[nodiscard]] std::string implementation() const override { return "said"; }
  Status create(const std::string& /*interface*/) override { return {}; }
  Status remove(const std::string& /*interface*/) override { return {}; }
  Result<host::ObservedWire> observe(const std::string& interface) override {
    ++observed;
    if (interface != wire.interface) return fail(Errc::not_found, "{} is not there", interface);
    return wire;
  }
  Status apply(const host::WireChange& /*change*/) override { return {}; }
  Result<bool> can_remove_one_prefix(const std::string& /*interface*/) override { return true; }

  host::ObservedWire wire{"wg0", {}, 0, 0, {}, {}};
  int observed = 0;
};

NodeConfig of_a_site(std::vector<Endpoint> endpoints) {
  NodeConfig config;
  config.dead = 4;
  Wire wire;
  wire.interface = "wg0";
  WirePeer peer;
  peer.node = "fra1";
  peer.public_key = hub;
  peer.endpoints = std::move(endpoints);
  wire.peers.push_back(peer);
  config.wires.push_back(wire);
  return config;
}

class Endpoints : public testing::Test {
 protected:
  // A second passes, in which something was sent to the hub and nothing came.
  PeerEndpoints::Watch silent_second(const NodeConfig& config) {
    now_ += 1s;
    wireguard_.wire.peers.front().tx_bytes += 100;
    return endpoints_.watch(config, wireguard_, now_);
  }
  void SetUp() override {
    host::ObservedPeer peer;
    peer.public_key = hub;
    peer.endpoint = first;
    wireguard_.wire.peers = {peer};
  }

  test::TemporaryFolder folder_;
  boost::asio::io_context loop_;
  PeerEndpoints endpoints_{loop_, folder_.path() / "places.json", [] {}};
  SaidWireGuard wireguard_;
  DialTime now_{};
};

TEST_F(Endpoints, ASilentHubIsDialledAtItsNextEndpoint) {
  const auto config = of_a_site({first, second});
  EXPECT_EQ(endpoints_.choose(hub, {first, second}), first);
  bool redial = false;
  for (int i = 0; i < 20 && !redial; ++i) redial = silent_second(config).redial;
  EXPECT_TRUE(redial);
  EXPECT_EQ(endpoints_.would_choose(hub, {first, second}), second);
}

TEST_F(Endpoints, APeerThatWentBackIsToBeDialledAgain) {
  EXPECT_EQ(endpoints_.choose(hub, {first}), first);
  EXPECT_EQ(endpoints_.choose(hub, {second}), second);
  const auto config = of_a_site({second});
  const auto watch = silent_second(config);
  ASSERT_EQ(watch.insist.size(), 1U);
  EXPECT_EQ(watch.insist[0].peer.node, "fra1");
  EXPECT_EQ(watch.insist[0].at, first);
}

TEST_F(Endpoints, ANameWithoutAnAddressIsWhereThePeerWasLast) {
  EXPECT_EQ(endpoints_.choose(hub, {named}), std::nullopt);
  endpoints_.remember(hub, first);
  EXPECT_EQ(endpoints_.would_choose(hub, {named}), first);
  EXPECT_EQ(endpoints_.would_choose(hub, {second, named}), first) << "it answered there";
  EXPECT_EQ(endpoints_.would_choose(hub, {second}), second) << "which is no endpoint of it any more";
  EXPECT_EQ(endpoints_.would_choose(hub, {}), first) << "one that dials in";
}

TEST_F(Endpoints, AHubThatAnswersFromAnEndpointThatItHasNotIsComplainedOf) {
  observe::Snapshot snapshot;
  observe::PeerHealth peer;
  peer.node = "fra1";
  peer.endpoint = elsewhere;
  observe::WireHealth wire;
  wire.interface = "wg0";
  wire.peers = {peer};
  snapshot.wires = {wire};
  const auto complaints = endpoints_.complaints(of_a_site({first, second}), snapshot);
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_EQ(complaints.at("endpoint of fra1"), "fra1 answers from 203.0.113.9:4500, which is none of its endpoints in the fabric");
  EXPECT_TRUE(endpoints_.complaints(of_a_site({first, elsewhere}), snapshot).empty());
}

class Arrivals : public testing::Test {
 protected:
  Arrivals() {
    Wire wire;
    wire.interface = "wg0";
    wire.shape = WireShape::multipoint;
    WirePeer peer;
    peer.node = "berlin";
    peer.public_key = before;
    peer.next_key = next;
    wire.peers = {peer};
    config_.wires = {wire};
    host::ObservedPeer old, young;
    old.public_key = before;
    old.last_handshake = std::chrono::system_clock::now();
    young.public_key = next;
    wireguard_.wire.peers = {old, young};
  }
  void next_key_shakes_hands() { wireguard_.wire.peers[1].last_handshake = std::chrono::system_clock::now(); }

  boost::asio::io_context loop_;
  SaidWireGuard wireguard_;
  NodeConfig config_;
  bool arrived_ = false;
  KeyArrivals arrivals_{loop_, wireguard_, [this] { arrived_ |= arrivals_.look(); }};
};

TEST_F(Arrivals, TheNextKeyIsTheKeyOnceItHasShakenHands) {
  arrivals_.follow(config_);
  EXPECT_FALSE(arrivals_.look());
  EXPECT_EQ(arrivals_.with_arrived(config_), config_);
  next_key_shakes_hands();
  EXPECT_TRUE(arrivals_.look());
  const auto now = arrivals_.with_arrived(config_);
  EXPECT_EQ(now.wires[0].peers[0].public_key, next);
  EXPECT_EQ(now.wires[0].peers[0].next_key, before);
}

// A wire that was made anew has shaken hands with nobody.
TEST_F(Arrivals, WhatArrivedStaysSo) {
  arrivals_.follow(config_);
  next_key_shakes_hands();
  EXPECT_TRUE(arrivals_.look());
  wireguard_.wire.peers[1].last_handshake.reset();
  arrivals_.follow(config_);
  EXPECT_FALSE(arrivals_.look());
  EXPECT_EQ(arrivals_.with_arrived(config_).wires[0].peers[0].public_key, next);
}

TEST_F(Arrivals, NobodyIsAskedWhenNoKeyIsToCome) {
  config_.wires[0].peers[0].next_key.reset();
  arrivals_.follow(config_);
  arrivals_.watch();
  loop_.run();
  EXPECT_FALSE(arrivals_.look());
  EXPECT_EQ(wireguard_.observed, 0);
}

TEST_F(Arrivals, AWatchEndsWithTheLastKeyThatArrives) {
  arrivals_.follow(config_);
  arrivals_.watch();
  next_key_shakes_hands();
  loop_.run_for(5s);
  EXPECT_TRUE(arrived_);
  EXPECT_TRUE(loop_.stopped()) << "it still watches";
}

}  // namespace
}  // namespace radial::agent
