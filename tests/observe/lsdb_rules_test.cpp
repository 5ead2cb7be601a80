// The rules on a hub with three sites; times are given, nothing is heard.
#include "observe/lsdb_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace radial::observe {
namespace {

using namespace std::chrono_literals;
using host::LsaType;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

IpAddress address(const std::string& text) { return IpAddress::parse(text).value(); }
Prefix prefix(const std::string& text) { return Prefix::parse(text).value(); }

const IpAddress hub = address("10.255.0.1");
const IpAddress ams1 = address("10.255.1.1");
const IpAddress berlin = address("10.255.0.11");
const IpAddress mallory = address("10.255.0.66");

class Rules : public testing::Test {
 protected:
  Rules() {
    config_.role = NodeRole::hub;
    config_.node = "fra1";
    config_.router_id = hub;
    config_.tunnels = {prefix("10.255.0.0/24")};
    Wire wire;
    wire.interface = "wg0";
    wire.shape = WireShape::multipoint;
    wire.ospf = OspfMode::p2mp_non_broadcast;
    wire.peers = {peer("berlin", berlin, "192.168.20.0/24"), peer("mallory", mallory, "192.168.66.0/24")};
    Wire other;
    other.interface = "wgh1";
    other.hub = "ams1";
    other.ospf = OspfMode::point_to_point;
    config_.wires = {wire, other};
    config_.routers = {{"fra1", hub, true, false}, {"ams1", ams1, true, false}, {"berlin", berlin, false, false}, {"mallory", mallory, false, false}};
    judge_.configure(config_);
    pass(20s);
  }
  static WirePeer peer(const char* name, const IpAddress& at, const char* grant) {
    WirePeer peer;
    peer.node = name;
    peer.addresses = {at};
    peer.grant.prefixes = {prefix(grant)};
    return peer;
  }
  static host::OspfLsa lsa(LsaType type, const IpAddress& originator, std::uint32_t sequence,
                           const std::vector<std::string>& prefixes = {}, const std::string& id = "") {
    host::OspfLsa one;
    one.type = type;
    if (type == LsaType::router) one.border = false;
    one.originator = originator;
    one.id = id.empty() ? originator : address(id);
    one.sequence = 0x80000000U + sequence;
    one.checksum = static_cast<std::uint16_t>(sequence * 7 + prefixes.size());
    one.content = prefixes.size();
    for (const auto& text : prefixes) one.prefixes.push_back({prefix(text), 10});
    return one;
  }
  std::vector<Offence> from(const IpAddress& sender, const host::OspfLsa& one, const char* wire = "wg0") {
    return judge_.hear(now_, {{wire, sender, {.router_id = sender, .lsas = {one}}}});
  }
  void exchange_with(const IpAddress& sender) {
    (void)judge_.hear(now_, {{"wg0", sender, {.router_id = sender, .starts_exchange = true}}});
    now_ += 4s;
  }
  // Whoever is up says hello each second.
  void pass(std::chrono::seconds time) {
    for (; time > 0s; time -= 1s) {
      now_ += 1s;
      for (const auto& router : up_) hello(router, {hub});
    }
  }
  void hello(const IpAddress& router, std::vector<IpAddress> hears) {
    host::OspfPacket packet{.router_id = router};
    packet.hello = {1s, std::move(hears)};
    (void)judge_.hear(now_, {{wires_.at(router), router, packet}});
  }
  std::vector<Offence> later(std::chrono::seconds time = 5s) {
    pass(time);
    if (judge_.wonders_what_we_said()) judge_.we_said(now_, own_);
    return judge_.tick(now_);
  }

  NodeConfig config_;
  LsaJudge judge_;
  OspfTime now_{1000s};
  std::set<IpAddress> up_{ams1, berlin, mallory};
  std::map<IpAddress, const char*> wires_{{ams1, "wgh1"}, {berlin, "wg0"}, {mallory, "wg0"}};
  host::OspfDatabase own_;
};

TEST_F(Rules, ThreeInstancesThatTheirOriginatorNeverSaidAreForged) {
  from(berlin, lsa(LsaType::router, berlin, 5));
  for (const std::uint32_t sequence : {20U, 40U, 60U}) {
    EXPECT_THAT(judge_.tick(now_), IsEmpty());
    from(mallory, lsa(LsaType::router, berlin, sequence, {"192.168.99.0/24"}));
    pass(1s);
    from(berlin, lsa(LsaType::router, berlin, sequence + 1));  // it answers: RFC 2328, 13.4
  }
  const auto offences = later();
  ASSERT_EQ(offences.size(), 1U);
  EXPECT_EQ(offences[0].site, "mallory");
  EXPECT_THAT(offences[0].what, HasSubstr("forges the router LSA 10.255.0.11 of berlin (10.255.0.11)"));
}

TEST_F(Rules, ANetworkLsaThatIsHandedBackSomeTimesIsNotForgedAndOneThatGoesOnIs) {
  for (std::uint32_t sequence = 1; sequence <= 10; ++sequence) {
    from(mallory, lsa(LsaType::network, hub, sequence));
    EXPECT_THAT(later(3s), IsEmpty()) << sequence;
  }
  for (std::uint32_t sequence = 11; sequence <= 30; ++sequence) from(mallory, lsa(LsaType::network, hub, sequence));
  EXPECT_THAT(later(), testing::SizeIs(1));
}

TEST_F(Rules, OnDedicatedWiresTheInterfaceSaysWhoSpeaks) {
  Wire to_berlin;
  to_berlin.interface = "wgs11";
  to_berlin.hub = "fra1";
  to_berlin.ospf = OspfMode::point_to_point;
  to_berlin.peers = {config_.wires[0].peers[0]};
  auto to_mallory = to_berlin;
  to_mallory.interface = "wgs66";
  to_mallory.peers = {config_.wires[0].peers[1]};
  config_.wires = {to_berlin, to_mallory, config_.wires[1]};
  judge_.configure(config_);
  wires_ = {{ams1, "wgh1"}, {berlin, "wgs11"}, {mallory, "wgs66"}};
  pass(20s);
  from(berlin, lsa(LsaType::router, berlin, 5), "wgs11");
  EXPECT_THAT(from(mallory, lsa(LsaType::router, mallory, 5), "wgs11"), IsEmpty()) << "a source that is not that wire's";
  for (const std::uint32_t sequence : {20U, 40U, 60U}) from(mallory, lsa(LsaType::router, berlin, sequence), "wgs66");
  const auto offences = later();
  ASSERT_EQ(offences.size(), 1U);
  EXPECT_EQ(offences[0].site, "mallory");
}

TEST_F(Rules, WhatItsOriginatorOrAnotherHubSaysTooIsPassedOn) {
  for (std::uint32_t sequence = 1; sequence < 30; ++sequence) {
    // Before or after its originator's own, within the time.
    if (sequence % 2 == 0) from(mallory, lsa(LsaType::router, berlin, sequence));
    if (sequence % 3 == 0) from(ams1, lsa(LsaType::router, berlin, sequence), "wgh1");
    else from(berlin, lsa(LsaType::router, berlin, sequence));
    from(mallory, lsa(LsaType::router, berlin, sequence));
    EXPECT_THAT(later(3s), IsEmpty());
  }
}

// Of two hubs: it gets what is forged in its name from the other one.
TEST_F(Rules, WhatItsOriginatorPassesOnAndOutdoesAtOnceIsForged) {
  for (const std::uint32_t sequence : {20U, 40U, 60U}) {
    from(mallory, lsa(LsaType::router, berlin, sequence, {"192.168.99.0/24"}));
    from(berlin, lsa(LsaType::router, berlin, sequence, {"192.168.99.0/24"}));
    from(berlin, lsa(LsaType::router, berlin, sequence + 1));
    pass(1s);
  }
  const auto offences = later();
  ASSERT_EQ(offences.size(), 1U);
  EXPECT_EQ(offences[0].site, "mallory");
}

// Each answers the forger with the content that is its own, and the next before long.
TEST_F(Rules, AnswersThatAnHonestSiteBringsUsFirstAreNotForged) {
  for (const std::uint32_t sequence : {20U, 40U, 60U, 80U}) {
    from(mallory, lsa(LsaType::router, ams1, sequence + 1));
    from(ams1, lsa(LsaType::router, ams1, sequence + 1), "wgh1");
  }
  EXPECT_THAT(later(), IsEmpty());
}

// An external LSA that it never made: it withdraws it.
TEST_F(Rules, WhatItsOriginatorPassesOnAndWithdrawsAtOnceIsForged) {
  for (const std::uint32_t sequence : {20U, 40U, 60U}) {
    auto forged = lsa(LsaType::external, berlin, sequence, {"10.0.0.0/8"});
    from(mallory, forged);
    from(berlin, forged);
    forged.age = host::lsa_max_age;
    from(berlin, forged);
    pass(1s);
  }
  EXPECT_THAT(later(), testing::SizeIs(1));
}

TEST_F(Rules, WhoPassesOnWhatAnotherSiteBroughtUsFirstIsNotHeldToAccount) {
  const auto vienna = address("10.255.1.60");  // of the other hub alone
  config_.routers.push_back({"vienna", vienna, false, false});
  judge_.configure(config_);
  pass(20s);
  for (const std::uint32_t sequence : {20U, 40U, 60U}) {
    from(mallory, lsa(LsaType::router, vienna, sequence, {"192.168.99.0/24"}));
    from(berlin, lsa(LsaType::router, vienna, sequence, {"192.168.99.0/24"}));
    from(ams1, lsa(LsaType::router, vienna, sequence + 1), "wgh1");
    pass(1s);
  }
  const auto offences = later();
  ASSERT_EQ(offences.size(), 1U);
  EXPECT_EQ(offences[0].site, "mallory");
}

// A hub passes it on that has it from somebody else: what was forged there is that hub's to find, also when it
// comes to us through an honest site first.
TEST_F(Rules, WhatWasForgedAtAnotherHubIsHeldAgainstNobodyHere) {
  for (const std::uint32_t sequence : {20U, 40U, 60U}) {
    from(mallory, lsa(LsaType::router, berlin, sequence, {"192.168.99.0/24"}));
    from(berlin, lsa(LsaType::router, berlin, sequence, {"192.168.99.0/24"}));
    from(berlin, lsa(LsaType::router, berlin, sequence + 1));
    from(ams1, lsa(LsaType::router, berlin, sequence, {"192.168.99.0/24"}), "wgh1");
    EXPECT_THAT(later(3s), IsEmpty());
  }
}

// berlin has a wire to ams1 too, which answers what it is asked.
class RulesOfTwoHubs : public Rules {
 protected:
  RulesOfTwoHubs() {
    config_.routers[2].several_hubs = true;
    judge_.configure(config_);
    pass(20s);
  }
  static host::OspfLsa aged(host::OspfLsa one, int age) {
    one.age = age;
    return one;
  }
  // What it says after a second, when ams1 has heard all that it is asked for at that age (-1: never).
  std::vector<Offence> with_answers(int age, std::chrono::seconds time = 1s) {
    auto offences = later(time);
    for (const auto& [to, asked] : judge_.questions(now_)) {
      EXPECT_EQ(to, ams1);
      for (auto one : asked) {
        one.age = age;
        for (auto& offence : judge_.answered(ams1, one)) offences.push_back(offence);
      }
    }
    return offences;
  }
  std::vector<Offence> forging(int age_here, int age_there) {
    std::vector<Offence> all;
    for (int i = 0; i < 10; ++i) {
      from(berlin, aged(lsa(LsaType::router, ams1, sequence_ += 2, {"192.168.99.0/24"}), age_here));
      from(ams1, lsa(LsaType::router, ams1, sequence_ + 1), "wgh1");
      for (auto& one : with_answers(age_there)) all.push_back(one);
    }
    return all;
  }
  std::uint32_t sequence_ = 20;
};

TEST_F(RulesOfTwoHubs, WhatItPassesOnWasYoungerAtTheOtherHub) { EXPECT_THAT(forging(3, 1), IsEmpty()); }
TEST_F(RulesOfTwoHubs, WhatTheOtherHubNeverHeardIsItsOwnForgery) {
  const auto offences = forging(3, -1);
  ASSERT_FALSE(offences.empty());
  EXPECT_THAT(offences[0].what, HasSubstr("forges the router LSA 10.255.1.1 of ams1"));
}
TEST_F(RulesOfTwoHubs, WhatCameToTheOtherHubOlderIsItsOwnForgery) { EXPECT_THAT(forging(3, 5), testing::Not(IsEmpty())); }
TEST_F(RulesOfTwoHubs, BroughtToBothAtOnceItIsHeldAgainstItAtBoth) { EXPECT_THAT(forging(1, 1), testing::Not(IsEmpty())); }

TEST_F(RulesOfTwoHubs, WhileTheOtherHubDoesNotAnswerItIsNotJudged) {
  for (int i = 0; i < 60; ++i) {
    from(berlin, lsa(LsaType::router, mallory, sequence_ += 2, {"192.168.99.0/24"}));
    EXPECT_THAT(later(1s), IsEmpty());
    EXPECT_LE(judge_.questions(now_)[ams1].size(), most_questions);
  }
  // A site of this hub alone is, as ever.
  for (int i = 0; i < 5; ++i) from(mallory, lsa(LsaType::router, berlin, sequence_ += 2, {"192.168.99.0/24"}));
  EXPECT_THAT(later(), testing::SizeIs(1));
}

TEST_F(RulesOfTwoHubs, WhatIsWrongInItsOwnNameIsAskedForToo) {
  from(berlin, lsa(LsaType::router, berlin, 1));
  const auto summary = [&](int age) { return aged(lsa(LsaType::summary, berlin, ++sequence_, {"192.168.99.0/24"}, "192.168.99.0"), age); };
  EXPECT_THAT(from(berlin, summary(3)), IsEmpty());
  EXPECT_THAT(with_answers(1, 4s), IsEmpty()) << "forged at ams1";
  EXPECT_THAT(from(berlin, summary(1)), IsEmpty());
  EXPECT_THAT(with_answers(3, 4s), ElementsAre(testing::Field(&Offence::what, HasSubstr("originates the summary LSA"))));
}

TEST_F(RulesOfTwoHubs, SaysHowOldItWasWhenItCameFirst) {
  const auto one = lsa(LsaType::router, mallory, 7, {"192.168.99.0/24"});
  const HeardLsa question{one.type, one.id, one.originator, one.sequence, one.checksum, false, 0};
  EXPECT_EQ(judge_.answer(question).age, -1);
  from(ams1, aged(one, 4), "wgh1");
  from(berlin, aged(one, 1));  // to excuse what it does at ams1
  EXPECT_EQ(judge_.answer(question).age, 4);
  later(100s);
  from(mallory, lsa(LsaType::router, mallory, 8));
  EXPECT_EQ(judge_.answer(question).age, -1);
  from(berlin, aged(one, 1));  // older than what mallory said: nobody looks at it
  EXPECT_EQ(judge_.answer(question).age, -1);
  auto elsewhere = lsa(LsaType::router, mallory, 9, {"192.168.99.0/24"});
  (void)judge_.hear(now_, {{"wg0", berlin, {.router_id = berlin, .lsas = {elsewhere}, .instance = 1}}});
  EXPECT_EQ(judge_.answer({elsewhere.type, elsewhere.id, elsewhere.originator, elsewhere.sequence, elsewhere.checksum, false, 0}).age, -1);
}

TEST_F(RulesOfTwoHubs, AFloodThatStandsIsItsOwn) {
  std::vector<std::string> many;
  for (int i = 0; i < 200; ++i) many.push_back(fmt::format("100.64.{}.0/24", i));
  const auto router_with = [&](const std::vector<std::string>& prefixes) { from(berlin, lsa(LsaType::router, berlin, ++sequence_, prefixes)); };
  for (int i = 0; i < 20; ++i) {
    router_with(many);
    router_with({});
    EXPECT_THAT(later(1s), IsEmpty()) << "forged at ams1 and answered";
  }
  router_with(many);
  EXPECT_THAT(later(6s), testing::SizeIs(1));
}

TEST_F(Rules, OurOwnThatComesBackByAnotherWayIsOurs) {
  for (std::uint32_t sequence = 1; sequence <= 20; ++sequence) {
    own_.lsas = {lsa(LsaType::router, hub, sequence)};
    from(mallory, lsa(LsaType::router, hub, sequence));
    EXPECT_TRUE(judge_.wonders_what_we_said());
    EXPECT_THAT(later(6s), IsEmpty()) << sequence;
    EXPECT_FALSE(judge_.wonders_what_we_said());
  }
}

TEST_F(Rules, WhatAHubSaysWhileItsWireToUsIsCutIsHeardThroughSitesOnly) {
  up_.erase(ams1);
  pass(10s);
  for (std::uint32_t sequence = 1; sequence <= 10; ++sequence) {
    from(mallory, lsa(LsaType::router, ams1, sequence));
    from(mallory, lsa(LsaType::router, address("10.255.1.9"), sequence));  // behind its LAN
    EXPECT_THAT(later(6s), IsEmpty()) << sequence;
  }
  // It comes back, and says only what is true now.
  up_.insert(ams1);
  pass(3s);
  from(mallory, lsa(LsaType::router, ams1, 11));
  from(mallory, lsa(LsaType::router, ams1, 12));
  from(ams1, lsa(LsaType::router, ams1, 13), "wgh1");
  EXPECT_THAT(later(60s), IsEmpty());
  for (const std::uint32_t sequence : {20U, 40U, 60U}) from(mallory, lsa(LsaType::router, ams1, sequence));
  EXPECT_THAT(later(), testing::SizeIs(1)) << "it would have said so";
}

TEST_F(Rules, WhoHearsUsNoMoreIsNotHeardInFull) {
  for (std::uint32_t sequence = 1; sequence <= 10; ++sequence) {
    hello(ams1, {});
    up_.erase(ams1);
    from(mallory, lsa(LsaType::router, ams1, sequence));
    EXPECT_THAT(later(6s), IsEmpty()) << sequence;
  }
}

TEST_F(Rules, OfTwoRoutersOfAnOfficeOneMaySpeakForTheOther) {
  config_.routers.back().others_behind = true;
  judge_.configure(config_);
  pass(20s);
  up_.erase(berlin);  // its wire is down; mallory is beside it
  pass(5s);
  for (std::uint32_t sequence = 1; sequence <= 10; ++sequence) {
    from(mallory, lsa(LsaType::router, berlin, sequence));
    EXPECT_THAT(later(6s), IsEmpty()) << sequence;
  }
  up_.insert(berlin);
  pass(20s);
  for (const std::uint32_t sequence : {20U, 40U, 60U}) from(mallory, lsa(LsaType::router, berlin, sequence));
  EXPECT_THAT(later(), testing::SizeIs(1));
}

TEST_F(Rules, OldInstancesOfADatabaseExchangeAreForgiven) {
  // The hub's ospfd and berlin's were restarted ten times; mallory's was not.
  for (std::uint32_t round = 0; round < 10; ++round) {
    exchange_with(mallory);
    from(mallory, lsa(LsaType::router, hub, 10 + round * 5));
    from(mallory, lsa(LsaType::router, berlin, 10 + round * 5));
    EXPECT_THAT(later(), IsEmpty()) << round;
  }
}

TEST_F(Rules, WhatIsHandedBackToOurOwnOspfdAfterARestartIsForgiven) {
  // Killed every two seconds: every site hands back what it said in its lives before.
  std::uint32_t sequence = 10;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 3; ++i) from(mallory, lsa(LsaType::router, hub, ++sequence));
    judge_.we_restarted(now_);
    (void)judge_.hear(now_, {{"wg0", mallory, {.router_id = mallory, .starts_exchange = true}}});
    for (int i = 0; i < 3; ++i) from(mallory, lsa(LsaType::router, hub, ++sequence));
    EXPECT_THAT(later(2s), IsEmpty()) << round;
  }
  EXPECT_THAT(later(20s), IsEmpty());
  // Of others' and later it is no excuse.
  judge_.forget("mallory");
  for (int i = 0; i < 3; ++i) from(mallory, lsa(LsaType::router, hub, ++sequence));
  EXPECT_THAT(later(), testing::SizeIs(1));
  judge_.forget("mallory");
  judge_.we_restarted(now_);
  for (int i = 0; i < 3; ++i) from(mallory, lsa(LsaType::router, berlin, ++sequence));
  EXPECT_THAT(later(), testing::SizeIs(1));
}

TEST_F(Rules, OneInstanceFarBeyondAnyRoutersLifeIsEnough) {
  from(mallory, lsa(LsaType::router, hub, 0x70000000U));
  EXPECT_EQ(later().size(), 1U);
}

TEST_F(Rules, TheHubsOwnIdentity) {
  for (const std::uint32_t sequence : {20U, 40U, 60U}) from(mallory, lsa(LsaType::external, hub, sequence, {"10.0.0.0/8"}, "10.0.0.0"));
  EXPECT_THAT(later(), ElementsAre(testing::Field(&Offence::what, HasSubstr("forges the external LSA 10.0.0.0 of fra1"))));
  const auto speaks = judge_.hear(now_, {{"wg0", mallory, {.router_id = berlin}}});
  EXPECT_THAT(speaks, ElementsAre(Offence{"mallory", "speaks OSPF as berlin (10.255.0.11)"}));
}

TEST_F(Rules, ASummaryOfARouterThatIsNoBorder) {
  from(mallory, lsa(LsaType::router, mallory, 1, {"192.168.66.0/24"}));
  EXPECT_EQ(from(mallory, lsa(LsaType::summary, mallory, 1, {"192.168.20.0/24"}, "192.168.20.0")).size(), 1U);
  EXPECT_THAT(from(mallory, lsa(LsaType::summary, mallory, 1, {"192.168.66.64/26"}, "192.168.66.64")), IsEmpty());
  auto border = lsa(LsaType::router, mallory, 2);
  border.border = true;
  from(mallory, border);
  EXPECT_THAT(from(mallory, lsa(LsaType::summary, mallory, 2, {"172.16.0.0/16"}, "172.16.0.0")), IsEmpty())
      << "an operator's second area: refused by the filters, not punished";
}

TEST_F(Rules, ASummaryOfARouterThatWeHaveNotHeardSayWhatItIs) {
  const auto summary = lsa(LsaType::summary, mallory, 1, {"192.168.20.0/24"}, "192.168.20.0");
  EXPECT_THAT(from(mallory, summary), IsEmpty()) << "radiald has just started";
  host::OspfDatabase database;
  database.lsas = {lsa(LsaType::router, mallory, 1)};
  (void)judge_.audit(database);
  EXPECT_THAT(from(mallory, summary), testing::SizeIs(1));
}

TEST_F(Rules, RedistributingIsAllowedAndAFloodIsNot) {
  std::vector<Offence> offences;
  for (int i = 0; i < 64; ++i)
    EXPECT_THAT(from(mallory, lsa(LsaType::external, mallory, 1, {fmt::format("192.168.66.{}/30", i * 4)}, fmt::format("192.168.66.{}", i * 4))),
                IsEmpty());
  int heard = 0;
  for (; heard < 2000 && offences.empty(); ++heard) {
    const auto text = fmt::format("100.64.{}.{}", heard / 256, heard % 256);
    offences = from(mallory, lsa(LsaType::external, mallory, 1, {text + "/32"}, text));
  }
  ASSERT_EQ(offences.size(), 1U);
  EXPECT_THAT(offences[0].what, HasSubstr("floods"));
  EXPECT_EQ(heard, 101);
}

TEST_F(Rules, AFalseLinkMustBeClaimedByTwoAudits) {
  host::OspfDatabase database;
  const auto add = [&](const IpAddress& originator, const std::vector<IpAddress>& neighbors, const std::vector<std::string>& stubs) {
    auto one = lsa(LsaType::router, originator, 1, stubs);
    one.neighbors = neighbors;
    database.lsas.push_back(one);
  };
  add(hub, {berlin}, {});
  add(berlin, {hub}, {"192.168.20.0/24", "10.255.0.11/32"});
  add(mallory, {hub, berlin}, {"192.168.66.0/24", "172.16.0.0/16"});  // off, or not: a link to a hub may stand alone
  EXPECT_THAT(judge_.audit(database), IsEmpty());
  EXPECT_THAT(judge_.audit(database), ElementsAre(Offence{"mallory", "claims a link to berlin (10.255.0.11), which knows of none"}));
  database.lsas.back().neighbors = {hub};
  judge_.forget("mallory");
  EXPECT_THAT(judge_.audit(database), IsEmpty());
  for (const bool found : {false, true}) {  // heard, and gone again before the audit
    auto one = lsa(LsaType::router, mallory, 9);
    one.neighbors = {hub, berlin};
    from(mallory, one);
    EXPECT_EQ(judge_.audit(database).empty(), !found);
  }
  EXPECT_THAT(judge_.audit(database), IsEmpty());
  EXPECT_THAT(judge_.refused(), ElementsAre(Refused{"mallory", prefix("172.16.0.0/16"), LsaType::router}));
}

// OSPFv3 of the same hub: the rules are the same, over link-local addresses.
class Rules6 : public Rules {
 protected:
  Rules6() {
    config_.frr = {{"ospf6d", "router ospf6", {}}};
    config_.tunnels.push_back(prefix("fd00:255::/64"));
    auto& peers = config_.wires[0].peers;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      peers[i].addresses.push_back(address(fmt::format("fe80::{}", i + 1)));
      peers[i].grant.prefixes.push_back(prefix(fmt::format("fd00:{}::/64", i + 1)));
    }
    judge_ = LsaJudge(host::OspfVersion::v3);
    judge_.configure(config_);
    pass(20s);
  }
  std::vector<Offence> from6(const IpAddress& site, const host::OspfLsa& one, int instance = 0) {
    return judge_.hear(now_, {{"wg0", address(site == berlin ? "fe80::1" : "fe80::2"), {.router_id = site, .lsas = {one}, .instance = instance}}});
  }
  static host::OspfLsa prefixes_of(const IpAddress& originator, std::uint32_t sequence, const IpAddress& on,
                                   const std::vector<std::string>& prefixes) {
    auto one = lsa(LsaType::intra_prefix, originator, sequence, prefixes, "0.0.0.0");
    one.attached_to = on;
    return one;
  }
};

TEST_F(Rules6, AnothersPrefixesForged) {
  for (const std::uint32_t sequence : {20U, 40U, 60U})
    EXPECT_THAT(from6(mallory, prefixes_of(berlin, sequence, berlin, {"fd00:99::/64"})), IsEmpty());
  EXPECT_THAT(later(), ElementsAre(testing::Field(&Offence::what, HasSubstr("forges the OSPFv3 intra-area-prefix LSA 0.0.0.0 of berlin"))));
  EXPECT_THAT(judge_.hear(now_, {{"wg0", address("fe80::2"), {.router_id = berlin}}}),
              ElementsAre(Offence{"mallory", "speaks OSPFv3 as berlin (10.255.0.11)"}));
}

TEST_F(Rules6, PrefixesHungOnAnothersRouterLsa) {
  EXPECT_THAT(from6(mallory, prefixes_of(mallory, 1, mallory, {"fd00:2::/64", "fd00:255::66/128"})), IsEmpty());
  EXPECT_THAT(from6(mallory, prefixes_of(mallory, 2, berlin, {"fd00:1::/64"})),
              ElementsAre(Offence{"mallory", "hangs prefixes of its own on OSPFv3 LSAs of berlin (10.255.0.11)"}));
}

TEST_F(Rules6, ALinkLsaIsJudgedForTheRoutersOfItsWireAlone) {
  for (const std::uint32_t sequence : {20U, 40U, 60U}) from6(mallory, lsa(LsaType::link, ams1, sequence, {}, "0.0.0.5"));
  EXPECT_THAT(later(), IsEmpty()) << "what ams1 says on its own wires is not heard here";
  for (const std::uint32_t sequence : {20U, 40U, 60U}) from6(mallory, lsa(LsaType::link, berlin, sequence, {}, "0.0.0.5"));
  EXPECT_THAT(later(), testing::SizeIs(1));
}

TEST_F(Rules6, AnInterAreaPrefixAnEmptyFloodAndAnotherInstance) {
  from6(mallory, lsa(LsaType::router, mallory, 1));
  EXPECT_THAT(from6(mallory, lsa(LsaType::summary, mallory, 1, {"fd00:1::/64"}, "0.0.0.1"), 7), IsEmpty()) << "not for our routers";
  EXPECT_THAT(from6(mallory, lsa(LsaType::summary, mallory, 1, {"fd00:1::/64"}, "0.0.0.1")), testing::SizeIs(1));
  std::vector<Offence> offences;
  int sent = 0;
  for (; sent < 2000 && offences.empty(); ++sent)
    offences = from6(mallory, lsa(LsaType::other, mallory, 1, {}, fmt::format("0.0.{}.{}", sent / 256, sent % 256)));
  ASSERT_EQ(offences.size(), 1U);
  EXPECT_THAT(offences[0].what, HasSubstr("floods the fabric over OSPFv3"));
}

TEST_F(Rules6, WhereOspf6dDoesNotRunNobodyIsJudged) {
  config_.frr.clear();
  judge_.configure(config_);
  EXPECT_FALSE(judge_.at_work());
}

}  // namespace
}  // namespace radial::observe
