// What a hub with two sites, mallory and berlin, hears over BGP; times are given, nothing is sent.
#include "observe/bgp_refusals.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/bgp_bytes.h"

namespace radial::observe {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using test::bgp_update;

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }
Prefix prefix(const std::string& text) { return Prefix::parse(text).value(); }

const IpAddress berlin = address("10.255.0.11");
const IpAddress mallory = address("10.255.0.66");

class Refusals : public testing::Test {
 protected:
  Refusals() {
    config_.role = NodeRole::hub;
    config_.node = "fra1";
    config_.routing = RoutingEngine::bgp;
    config_.bgp.ipv4 = true;
    Wire wire;
    wire.interface = "wg0";
    wire.shape = WireShape::multipoint;
    wire.peers = {peer("berlin", berlin, "192.168.20.0/24"), peer("mallory", mallory, "192.168.66.0/24")};
    config_.wires = {wire};
    book_.configure(config_);
    sessions_ = {up(berlin, 0ms), up(mallory, 0ms)};
  }
  static WirePeer peer(const char* name, const IpAddress& at, const char* grant) {
    WirePeer peer;
    peer.node = name;
    peer.public_key = PublicKey{};
    peer.addresses = {at};
    peer.grant.prefixes = {prefix(grant)};
    return peer;
  }
  static host::BgpSession up(const IpAddress& at, std::chrono::milliseconds age) { return {at, "Established", age, 1}; }

  void pass(std::chrono::milliseconds time) {
    now_ += time;
    for (auto& session : sessions_) session.up += time;
    book_.tick(now_, &sessions_);
    for (const auto& neighbor : book_.to_ask(now_)) asked_.push_back(neighbor.to_string());
  }
  void dial(std::uint16_t port = 40000) {
    next_[port] = 1001;
    book_.hear(now_, {{"wg0", mallory, port, 179, {1000, true}}});
  }
  void say(const test::Bytes& message, std::uint16_t port = 40000) {
    if (!next_.contains(port)) next_[port] = 77;
    book_.hear(now_, {{"wg0", mallory, port, 179, {next_[port], false, false, message}}});
    next_[port] += static_cast<std::uint32_t>(message.size());
  }
  void announce(const std::vector<std::string>& prefixes) { say(bgp_update(prefixes, {})); }
  void withdraw(const std::vector<std::string>& prefixes) { say(bgp_update({}, prefixes)); }
  std::vector<std::string> refused() {
    std::vector<std::string> texts;
    for (const auto& [site, what] : book_.refused())
      for (const auto& one : what.prefixes) texts.push_back(site + " " + one.to_string());
    return texts;
  }

  NodeConfig config_;
  BgpRefusals book_;
  BgpRefusals::Time now_ = BgpRefusals::Time{} + 1h;
  std::vector<host::BgpSession> sessions_;
  std::map<std::uint16_t, std::uint32_t> next_;
  std::vector<std::string> asked_;
};

TEST_F(Refusals, NameTheSiteAndThePrefixUntilItIsWithdrawn) {
  dial();
  announce({"192.168.66.0/24", "192.168.66.128/25", "192.168.20.0/24", "0.0.0.0/0"});
  EXPECT_THAT(refused(), ElementsAre("mallory 0.0.0.0/0", "mallory 192.168.20.0/24"));
  withdraw({"0.0.0.0/0"});
  EXPECT_THAT(refused(), ElementsAre("mallory 192.168.20.0/24"));
  withdraw({"192.168.20.0/24", "192.168.66.128/25"});
  EXPECT_THAT(book_.refused(), IsEmpty());
}

TEST_F(Refusals, AreOfWhoeverTheWireSaysItIs) {
  book_.hear(now_, {{"eth0", mallory, 40000, 179, {1, false, false, bgp_update({"10.99.0.0/16"}, {})}}});
  book_.hear(now_, {{"wg0", address("10.255.0.99"), 40000, 179, {1, false, false, bgp_update({"10.99.0.0/16"}, {})}}});
  EXPECT_THAT(book_.refused(), IsEmpty());
}

TEST_F(Refusals, ASessionThatWasUpBeforeWeListenedIsAskedOnce) {
  sessions_ = {up(berlin, 1h), up(mallory, 1h)};
  pass(1s);
  EXPECT_THAT(asked_, ElementsAre(berlin.to_string(), mallory.to_string()));
  announce({"10.99.0.0/16"});
  pass(60s);
  EXPECT_THAT(asked_, SizeIs(2));
  EXPECT_THAT(refused(), ElementsAre("mallory 10.99.0.0/16"));
}

TEST_F(Refusals, ASessionHeardFromItsBeginningIsNotAsked) {
  dial();
  announce({"10.99.0.0/16"});
  pass(1s);
  EXPECT_THAT(asked_, ElementsAre(berlin.to_string()));
}

TEST_F(Refusals, GoWithTheSession) {
  dial();
  announce({"10.99.0.0/16"});
  book_.hear(now_, {{"wg0", mallory, 40000, 179, {next_[40000], false, true}}});
  EXPECT_THAT(book_.refused(), IsEmpty()) << "closed";
  dial(40001);
  say(bgp_update({"10.98.0.0/16"}, {}), 40001);
  pass(60s);
  EXPECT_THAT(refused(), ElementsAre("mallory 10.98.0.0/16"));
  sessions_.pop_back();  // bgpd has it no more: the path was cut
  pass(20s);
  EXPECT_THAT(book_.refused(), IsEmpty());
}

// Cut off, and back by a connection of its own: what the old one said counts no more.
TEST_F(Refusals, AreThoseOfTheSessionThatIsUp) {
  dial();
  announce({"10.99.0.0/16"});
  pass(60s);
  dial(40001);
  say(bgp_update({"10.98.0.0/16"}, {}), 40001);
  EXPECT_THAT(refused(), SizeIs(2));
  sessions_.back().up = 0ms;
  pass(2s);
  EXPECT_THAT(refused(), ElementsAre("mallory 10.98.0.0/16"));
}

// A site dials once more beside its session, to be forgotten: the session stands.
TEST_F(Refusals, AnotherConnectionBesideTheSessionHidesNothing) {
  dial();
  announce({"10.99.0.0/16"});
  pass(60s);
  for (std::uint16_t port = 50000; port < 50009; ++port) dial(port);
  pass(1s);
  EXPECT_THAT(refused(), ElementsAre("mallory 10.99.0.0/16"));
}

TEST_F(Refusals, AreHeldAgainstANewGrant) {
  dial();
  announce({"10.99.0.0/16", "10.98.0.0/16"});
  config_.wires[0].peers[1].grant.prefixes.push_back(prefix("10.98.0.0/16"));
  book_.configure(config_);
  EXPECT_THAT(refused(), ElementsAre("mallory 10.99.0.0/16"));
  config_.wires[0].peers[1].trust = Trust::fixed;
  book_.configure(config_);
  EXPECT_THAT(book_.refused(), IsEmpty());
}

TEST_F(Refusals, WhatWasMissedIsAskedForAndWhatIsNotSaidAgainWasWithdrawn) {
  dial();
  announce({"10.99.0.0/16", "10.98.0.0/16"});
  pass(1s);
  asked_.clear();
  next_[40000] += 100;  // a withdrawal of 10.98.0.0/16 that the listener missed
  announce({"10.97.0.0/16"});
  pass(2s);
  EXPECT_THAT(asked_, IsEmpty());
  pass(2s);
  EXPECT_THAT(asked_, ElementsAre(mallory.to_string()));
  pass(1s);
  announce({"10.99.0.0/16", "10.97.0.0/16"});
  pass(11s);
  EXPECT_THAT(refused(), ElementsAre("mallory 10.97.0.0/16", "mallory 10.99.0.0/16"));
  EXPECT_THAT(asked_, SizeIs(1));
}

TEST_F(Refusals, AreAskedForNowAndThenAsLongAsThereAreAny) {
  dial();
  announce({"10.99.0.0/16"});
  pass(1s);
  asked_.clear();
  for (int i = 0; i < 40; ++i) pass(10s);
  EXPECT_THAT(asked_, ElementsAre(mallory.to_string()));
  EXPECT_THAT(book_.refused(), IsEmpty()) << "it did not say it again";
}

TEST_F(Refusals, AFloodIsNamedInPartAndCountedToThatPart) {
  dial();
  for (int i = 0; i < 10'000; ++i) announce({fmt::format("100.{}.{}.{}/32", 64 + i / 65536, i / 256 % 256, i % 256)});
  auto flood = book_.refused().at("mallory");
  EXPECT_THAT(flood.prefixes, SizeIs(most_named_of_a_site));
  EXPECT_TRUE(flood.more);
  pass(1s);
  asked_.clear();
  // All that was named goes; the rest may still be there.
  for (const auto& one : flood.prefixes) withdraw({one.to_string()});
  pass(1s);
  EXPECT_THAT(asked_, ElementsAre(mallory.to_string()));
  EXPECT_THAT(book_.refused(), IsEmpty());
}

TEST_F(Refusals, NoHubOfOspfAndNoSiteHasAny) {
  config_.bgp.ipv4 = false;
  book_.configure(config_);
  EXPECT_FALSE(book_.at_work());
  config_.bgp.ipv4 = true;
  config_.role = NodeRole::site;
  book_.configure(config_);
  EXPECT_FALSE(book_.at_work());
}

}  // namespace
}  // namespace radial::observe
