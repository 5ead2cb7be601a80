// The controller without a network: enrolment's rules, one refusal at a time.
#include "control/controller.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/digest.h"
#include "control/fabric_edit.h"
#include "control/messages.h"
#include "control/token.h"
#include "support/hub_facts.h"
#include "support/temporary_folder.h"

namespace radial::control {
namespace {

constexpr std::int64_t now = 1'700'000'000;

InviteRequest wish(const std::string& site, std::vector<std::string> lans, std::int64_t seconds = 24 * 3600) {
  InviteRequest request;
  request.site = site;
  request.lans = std::move(lans);
  request.seconds = seconds;
  return request;
}

class ControllerTest : public testing::Test {
 protected:
  ControllerTest() {
    const auto yaml = first_fabric("acme", "fra1", {"vpn.example.com:51820"}, {"192.168.1.0/24"});
    const auto made = Controller::create(file_, yaml, "fra1", test::hub_facts(hub_.public_key()), {}, "root", now);
    if (!made) ADD_FAILURE() << made.error().message;
  }

  Controller open() {
    auto controller = Controller::open(file_, "fra1");
    if (!controller) ADD_FAILURE() << controller.error().message;
    return std::move(*controller);
  }

  struct Visitor {
    std::string text;
    Token token;
    PrivateKey key = PrivateKey::generate();

    [[nodiscard]] JoinRequest request() const {
      const auto digest = hex_of(digest_of_token(text));
      return {token.site, key.public_key(), FrrVersion{8, 4}, "wireguard-go", digest,
              mac_of(token.preshared, join_message(digest, key.public_key()))};
    }
  };
  static Visitor invite(Controller& controller, const std::string& site, const std::string& lan) { return invite(controller, wish(site, {lan})); }
  static Visitor invite(Controller& controller, const InviteRequest& request) {
    auto invited = controller.invite(request, "root", now);
    if (!invited) {
      ADD_FAILURE() << invited.error().message;
      return {};
    }
    Visitor visitor;
    visitor.text = invited->token;
    visitor.token = parse_token(invited->token).value();
    return visitor;
  }

  const PrivateKey hub_ = PrivateKey::generate();
  test::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "controller.db";
};

TEST_F(ControllerTest, InvitesAndEnrolsOverRestarts) {
  Visitor berlin;
  {
    auto controller = open();
    berlin = invite(controller, "berlin", "192.168.20.0/24");
    EXPECT_EQ(controller.revision(), 2);
    EXPECT_EQ(berlin.token.hub_key, hub_.public_key());
    EXPECT_EQ(berlin.token.controller.to_string(), "10.255.0.1");
    EXPECT_EQ(berlin.token.address.to_string(), "10.255.0.254");
  }
  auto controller = open();
  ASSERT_EQ(controller.guests()->size(), 1U);
  EXPECT_EQ(controller.guests()->at(0).public_key, berlin.token.ephemeral.public_key());
  auto bundle = controller.join(berlin.request(), berlin.token.address, now + 5);
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_EQ(bundle->config.node, "berlin");
  ASSERT_EQ(bundle->config.wires.size(), 1U);
  EXPECT_EQ(bundle->config.wires[0].peers[0].public_key, hub_.public_key());
  ASSERT_EQ(bundle->preshared.size(), 1U);
  // The hub has the same preshared key, by the site's key.
  const auto keys = controller.preshared_keys();
  EXPECT_TRUE(keys->at(berlin.key.public_key()).equals(bundle->preshared.at(hub_.public_key())));
  // The ephemeral peer stays beside the real one, until that has shaken hands.
  EXPECT_EQ(controller.guests()->size(), 1U);
  EXPECT_EQ(controller.config_for("fra1")->wires[0].peers[0].public_key, berlin.key.public_key());

  // Asked again with the same key, also after a restart: the same answer.
  {
    auto restarted = open();
    auto again = restarted.join(berlin.request(), berlin.token.address, now + 9);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_TRUE(again->node_secret.equals(bundle->node_secret));
    EXPECT_TRUE(again->preshared.at(hub_.public_key()).equals(bundle->preshared.at(hub_.public_key())));
    EXPECT_EQ(again->config, bundle->config);
  }
  EXPECT_TRUE(*controller.arrived(berlin.key.public_key(), now + 10));
  EXPECT_FALSE(*controller.arrived(berlin.key.public_key(), now + 11));
  EXPECT_TRUE(controller.guests()->empty());
  const auto replay = controller.join(berlin.request(), berlin.token.address, now + 12);
  ASSERT_FALSE(replay);
  EXPECT_EQ(replay.error().code, Errc::permission_denied);
  // Its secret signs its requests; from its own address only.
  const auto address = controller.facts().addresses.at({"fra1", "berlin"});
  EXPECT_EQ(*controller.authenticate(address, "hello", mac_of(bundle->node_secret, "hello")), "berlin");
  EXPECT_FALSE(controller.authenticate(address, "hello!", mac_of(bundle->node_secret, "hello")));
  EXPECT_FALSE(controller.authenticate(berlin.token.address, "hello", mac_of(bundle->node_secret, "hello")));
}

// While a fabric is upgraded node by node, the controller says more than a node reads of it.
TEST_F(ControllerTest, ANodeOfAnOlderVersionAnswersByTheTextThatItWasSent) {
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24");
  auto bundle = controller.join(berlin.request(), berlin.token.address, now);
  ASSERT_TRUE(bundle);
  const auto here = bundle_from_json(to_json(*bundle));
  ASSERT_TRUE(here);
  EXPECT_EQ(here->digest, digest_of_config(here->config));

  auto newer = nlohmann::json::parse(to_json(*bundle));
  const auto config = newer["config"].get<std::string>();
  newer["config"] = "{\"colour\": \"red\", " + config.substr(1);
  newer["colour"] = "red";
  const auto there = bundle_from_json(newer.dump());
  ASSERT_TRUE(there) << there.error().message;
  EXPECT_EQ(there->config, here->config);
  EXPECT_EQ(there->digest, hex_digest(newer["config"].get<std::string>()));
  EXPECT_NE(there->digest, here->digest);

  Report report;
  report.key = berlin.key.public_key();
  report.applied = here->digest;
  report.radial = "0.0.9";
  ASSERT_TRUE(controller.report("berlin", report, now + 1));
  const auto members = controller.members();
  ASSERT_TRUE(members);
  const auto one = std::find_if(members->begin(), members->end(), [](const auto& member) { return member.name == "berlin"; });
  ASSERT_NE(one, members->end());
  EXPECT_TRUE(one->current);
  EXPECT_EQ(one->radial, "0.0.9");
}

TEST_F(ControllerTest, OfTwoJoinsOneWins) {
  auto controller = open();
  auto first = invite(controller, "berlin", "192.168.20.0/24");
  Visitor second{first.text, parse_token(first.text).value(), PrivateKey::generate()};
  ASSERT_TRUE(controller.join(first.request(), first.token.address, now));
  const auto refused = controller.join(second.request(), second.token.address, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_EQ(controller.facts().nodes.at("berlin").public_key, first.key.public_key());
}

TEST_F(ControllerTest, TakesInARouterWithoutAnAgentByItsKey) {
  auto controller = open();
  const auto key = PrivateKey::generate().public_key();
  ASSERT_TRUE(controller.take_in(wish("oslo", {"192.168.50.0/24"}), key, "root", now));
  const auto config = controller.config_for("fra1").value();
  ASSERT_EQ(config.wires.front().peers.size(), 1U);
  EXPECT_EQ(config.wires.front().peers[0].public_key, key);
  EXPECT_NE(controller.fabric_text().find("oslo"), std::string::npos);
  EXPECT_TRUE(controller.invitations()->empty());
  // What the hub has with it is what is told to its router.
  EXPECT_TRUE(controller.preshared_keys()->at(key).equals(controller.preshared_keys_of("oslo")->at("fra1")));
  // One key, one node; and it has nobody who answers.
  EXPECT_EQ(controller.take_in(wish("rome", {"192.168.60.0/24"}), key, "root", now).error().code, Errc::conflict);
  EXPECT_EQ(controller.take_in(wish("rome", {"192.168.60.0/24"}), {}, "root", now).error().code, Errc::invalid_argument);
  EXPECT_EQ(controller.take_in(wish("oslo", {}), PrivateKey::generate().public_key(), "root", now).error().code, Errc::conflict);
  EXPECT_EQ(controller.rotate("oslo", "root", now).error().code, Errc::unsupported);
  EXPECT_TRUE(controller.joined_sites()->empty());
  ASSERT_TRUE(controller.revoke("oslo", "root", now));
  EXPECT_FALSE(controller.config_for("fra1")->wires.front().peers[0].public_key);
}

// A hub that was taken over: its sites are peers, by the keys that they have, before anybody joins.
TEST_F(ControllerTest, BeginsWithTheSitesOfAHubThatIsThere) {
  auto facts = test::hub_facts(hub_.public_key());
  const auto berlin = PrivateKey::generate().public_key(), paris = PrivateKey::generate().public_key();
  facts.nodes["berlin"].public_key = berlin;
  facts.nodes["paris"].public_key = paris;
  facts.nodes["elsewhere"].public_key = PrivateKey::generate().public_key();
  const auto shared = Secret::random();
  std::map<std::string, PresharedKey> preshared;
  preshared.emplace("berlin", shared.clone());
  const std::string yaml = "fabric: acme\nhubs:\n  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }\nsites:\n"
                           "  berlin: { address: 10.255.0.2, lans: [192.168.20.0/24] }\n  paris: { lans: [192.168.30.0/24] }\n";
  const auto file = folder_.path() / "taken-over.db";
  const auto made = Controller::create(file, yaml, "fra1", facts, preshared, "root", now);
  ASSERT_TRUE(made) << made.error().message;
  auto controller = Controller::open(file, "fra1").value();
  EXPECT_FALSE(controller.facts().nodes.contains("elsewhere"));
  const auto config = controller.config_for("fra1").value();
  ASSERT_EQ(config.wires.front().peers.size(), 2U);
  EXPECT_EQ(config.wires.front().peers[0].public_key, berlin);
  EXPECT_EQ(config.wires.front().peers[1].public_key, paris);
  const auto keys = controller.preshared_keys().value();
  ASSERT_EQ(keys.size(), 1U);
  EXPECT_TRUE(keys.at(berlin).equals(shared));
  // An edit gives paris none, which it would not know of.
  ASSERT_TRUE(controller.set_fabric(yaml + "keepalive: 9\n", "root", "apply", now));
  EXPECT_EQ(controller.preshared_keys()->size(), 1U);
  const std::string without_paris = yaml.substr(0, yaml.find("  paris:"));
  ASSERT_TRUE(controller.set_fabric(without_paris, "root", "apply", now));
  ASSERT_TRUE(controller.roll_back(std::nullopt, "root", now));
  EXPECT_EQ(controller.preshared_keys()->size(), 1U) << "nor does its way out of the file and back";
  // Nobody there can be asked for a key, or comes with a token in its place by surprise.
  EXPECT_EQ(controller.rotate("berlin", "root", now).error().code, Errc::unsupported);
  EXPECT_EQ(controller.invite(wish("berlin", {}), "root", now).error().code, Errc::conflict);
  EXPECT_TRUE(controller.invite(wish("rome", {"192.168.40.0/24"}), "root", now));
  ASSERT_TRUE(controller.revoke("paris", "root", now));
  EXPECT_TRUE(controller.invite(wish("paris", {}), "root", now));
}

TEST_F(ControllerTest, RefusesWhatIsNotItsTokenAndChangesNothing) {
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24");
  auto paris = invite(controller, "paris", "192.168.30.0/24");
  EXPECT_NE(berlin.token.address, paris.token.address);
  const auto facts = controller.facts();
  const auto address = berlin.token.address;

  auto other_site = berlin.request();
  other_site.site = "paris";
  auto no_proof = berlin.request();
  no_proof.proof = std::string(64, '0');
  auto other_key = berlin.request();
  other_key.public_key = PrivateKey::generate().public_key();  // the proof is over another
  Visitor ephemeral{berlin.text, parse_token(berlin.text).value(), {}};
  ephemeral.key = berlin.token.ephemeral.clone();
  EXPECT_FALSE(controller.join(other_site, address, now));
  EXPECT_FALSE(controller.join(no_proof, address, now));
  EXPECT_FALSE(controller.join(other_key, address, now));
  EXPECT_FALSE(controller.join(ephemeral.request(), address, now));
  EXPECT_FALSE(controller.join(berlin.request(), paris.token.address, now));
  EXPECT_FALSE(controller.join(berlin.request(), IpAddress::parse("10.255.0.77").value(), now));
  EXPECT_FALSE(controller.join(berlin.request(), address, berlin.token.expires));
  EXPECT_EQ(controller.facts(), facts);
  EXPECT_TRUE(controller.join(berlin.request(), address, now));
}

TEST_F(ControllerTest, InvitationsEnd) {
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24");
  EXPECT_EQ(controller.invite(wish("berlin", {}), "root", now).error().code, Errc::conflict);
  ASSERT_TRUE(controller.withdraw("berlin", "root", now));
  EXPECT_TRUE(controller.guests()->empty());
  EXPECT_FALSE(controller.withdraw("berlin", "root", now));
  EXPECT_FALSE(controller.join(berlin.request(), berlin.token.address, now));
  // In the file already, it is invited again without its LANs; then time passes.
  ASSERT_TRUE(controller.invite(wish("berlin", {}), "root", now));
  EXPECT_FALSE(*controller.expire(now + 3600));
  EXPECT_TRUE(*controller.expire(now + 24 * 3600));
  EXPECT_TRUE(controller.guests()->empty());
}

TEST_F(ControllerTest, MistakesChangeNothing) {
  auto controller = open();
  EXPECT_FALSE(controller.invite(wish("berlin", {"192.168.1.0/24"}), "root", now));  // the hub's LAN
  EXPECT_FALSE(controller.invite(wish("fra1", {}), "root", now));
  EXPECT_FALSE(controller.invite(wish("berlin", {"192.168.20.0/24"}, 1), "root", now));
  EXPECT_FALSE(controller.set_fabric("fabric: acme\nhubs:\n  muc1: { endpoint: \"a.example:51820\" }\n", "root", "apply", now));
  EXPECT_EQ(controller.revision(), 1);
  EXPECT_TRUE(controller.invitations()->empty());
}

TEST_F(ControllerTest, ItsHubKeepsItsMultipointWire) {
  auto text = first_fabric("acme", "fra1", {"vpn.example.com:51820"}, {"192.168.1.0/24"});
  text = text.replace(text.find("lans:"), 5, "wire: dedicated, lans:");
  const auto set = open().set_fabric(text, "root", "apply", now);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, Errc::unsupported);
  EXPECT_NE(set.error().message.find("hub fra1 has `wire: dedicated`"), std::string::npos) << set.error().message;
  const auto made = Controller::create(folder_.path() / "dedicated.db", text, "fra1", test::hub_facts(hub_.public_key()), {}, "root", now);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Errc::unsupported);
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "dedicated.db"));
}

TEST_F(ControllerTest, NobodyGetsAnAddressInQuarantine) {
  auto text = first_fabric("acme", "fra1", {"vpn.example.com:51820"}, {"192.168.1.0/24"});
  // Half of a /27 in quarantine, the other half for sites.
  text = text.replace(text.find("lans:"), 5, "tunnel: 10.9.0.0/27, lans:");
  const auto made = Controller::create(folder_.path() / "small.db", text, "fra1", test::hub_facts(hub_.public_key()), {}, "root", now);
  ASSERT_TRUE(made) << made.error().message;
  auto opened = Controller::open(folder_.path() / "small.db", "fra1");
  ASSERT_TRUE(opened) << opened.error().message;
  auto& controller = *opened;
  std::set<IpAddress> quarantined;
  for (int i = 0; i < 14; ++i) {
    auto invited = controller.invite(wish(fmt::format("s{}", i), {fmt::format("192.168.{}.0/24", 10 + i)}), "root", now);
    ASSERT_TRUE(invited) << i << invited.error().message;
    quarantined.insert(parse_token(invited->token)->address);
  }
  EXPECT_EQ(quarantined.size(), 14U);
  for (const auto& [wire, address] : controller.facts().addresses) EXPECT_FALSE(quarantined.contains(address)) << address.to_string();
  const auto full = controller.invite(wish("last", {"192.168.99.0/24"}), "root", now);
  if (full) {
    EXPECT_FALSE(controller.invite(wish("more", {"192.168.98.0/24"}), "root", now));
  }
}

TEST_F(ControllerTest, RevokesAndRollsBack) {
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24");
  auto bundle = controller.join(berlin.request(), berlin.token.address, now);
  ASSERT_TRUE(bundle);
  ASSERT_TRUE(controller.arrived(berlin.key.public_key(), now));
  EXPECT_FALSE(controller.invite(wish("berlin", {}), "root", now));
  ASSERT_TRUE(controller.revoke("berlin", "root", now));
  EXPECT_FALSE(controller.revoke("berlin", "root", now));
  EXPECT_FALSE(controller.revoke("fra1", "root", now));
  EXPECT_FALSE(controller.config_for("fra1")->wires[0].peers[0].public_key);
  const auto address = controller.facts().addresses.at({"fra1", "berlin"});
  EXPECT_FALSE(controller.authenticate(address, "hello", mac_of(bundle->node_secret, "hello")));
  EXPECT_TRUE(controller.invite(wish("berlin", {}), "root", now));

  const auto before = controller.fabric_text();
  ASSERT_TRUE(controller.invite(wish("paris", {"192.168.30.0/24"}), "root", now));
  EXPECT_EQ(*controller.roll_back(std::nullopt, "root", now), 4);
  EXPECT_EQ(controller.fabric_text(), before);
  EXPECT_FALSE(controller.roll_back(99, "root", now));
  EXPECT_GE(controller.log(100)->size(), 6U);
}

Report report_of(const PrivateKey& key, const NodeConfig& config) {
  Report report;
  report.key = key.public_key();
  report.applied = digest_of_config(config);
  report.frr = FrrVersion{8, 4};
  report.wireguard = "wireguard-go";
  return report;
}

TEST_F(ControllerTest, AKeyIsReplacedStepByStepOverRestarts) {
  const auto next = PrivateKey::generate();
  Visitor berlin;
  {
    auto controller = open();
    berlin = invite(controller, "berlin", "192.168.20.0/24");
    ASSERT_TRUE(controller.join(berlin.request(), berlin.token.address, now));
    EXPECT_EQ(controller.bundle_for("berlin")->rotation, RotationStep::none);
    EXPECT_FALSE(controller.offer_key("berlin", next.public_key(), now));  // nobody asked
    EXPECT_FALSE(controller.rotate("fra1", "root", now));
    EXPECT_FALSE(controller.rotate("nobody", "root", now));
    ASSERT_TRUE(controller.rotate("berlin", "root", now));
    EXPECT_TRUE(controller.rotate("berlin", "root", now));  // asked already
    EXPECT_EQ(controller.bundle_for("berlin")->rotation, RotationStep::make_key);
    EXPECT_FALSE(controller.offer_key("berlin", hub_.public_key(), now));
    EXPECT_FALSE(controller.offer_key("berlin", PublicKey(), now));
    ASSERT_TRUE(controller.offer_key("berlin", next.public_key(), now));
  }
  auto controller = open();
  // The hub has both peers in its configuration, but it has not said that it runs that.
  const auto peer = controller.config_for("fra1")->wires[0].peers[0];
  EXPECT_EQ(peer.public_key, berlin.key.public_key());
  EXPECT_EQ(peer.next_key, next.public_key());
  EXPECT_TRUE(controller.preshared_keys()->at(next.public_key()).equals(controller.preshared_keys()->at(berlin.key.public_key())));
  EXPECT_EQ(controller.bundle_for("berlin")->rotation, RotationStep::wait);
  EXPECT_EQ(controller.members()->at(1).awaited, std::vector<std::string>{"fra1"});
  ASSERT_TRUE(controller.applied_here(digest_of_config(*controller.config_for("fra1"))));
  EXPECT_EQ(controller.bundle_for("berlin")->rotation, RotationStep::switch_key);
  // With the old key it is not over; with the new one it is.
  EXPECT_FALSE(*controller.report("berlin", report_of(berlin.key, *controller.config_for("berlin")), now + 1));
  EXPECT_EQ(controller.bundle_for("berlin")->rotation, RotationStep::switch_key);
  EXPECT_TRUE(*controller.report("berlin", report_of(next, *controller.config_for("berlin")), now + 2));
  EXPECT_EQ(controller.bundle_for("berlin")->rotation, RotationStep::none);
  EXPECT_EQ(controller.facts().nodes.at("berlin").public_key, next.public_key());
  EXPECT_FALSE(controller.config_for("fra1")->wires[0].peers[0].next_key);
  EXPECT_EQ(controller.members()->at(1).key_since, now + 2);
}

TEST_F(ControllerTest, KeysThatAreOldAreReplaced) {
  constexpr std::int64_t day = 24 * 3600;
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24");
  ASSERT_TRUE(controller.join(berlin.request(), berlin.token.address, now));
  ASSERT_TRUE(controller.report("berlin", report_of(berlin.key, *controller.config_for("berlin")), now + 100 * day));
  EXPECT_FALSE(*controller.rotate_by_age(now + 90 * day - 1));
  EXPECT_TRUE(*controller.rotate_by_age(now + 90 * day));
  EXPECT_FALSE(*controller.rotate_by_age(now + 91 * day));  // under way
  EXPECT_EQ(controller.bundle_for("berlin")->rotation, RotationStep::make_key);
}

TEST_F(ControllerTest, ASiteThatIsAwayKeepsNoOldKeyAlive) {
  constexpr std::int64_t old = 91 * 24 * 3600;
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24"), paris = invite(controller, "paris", "192.168.30.0/24");
  for (const auto* one : {&berlin, &paris}) ASSERT_TRUE(controller.join(one->request(), one->token.address, now));
  const auto speaks = [&](const Visitor& site, std::int64_t at) {
    ASSERT_TRUE(controller.report(site.token.site, report_of(site.key, *controller.config_for(site.token.site)), at));
  };
  const auto step_of = [&](const char* site) { return controller.bundle_for(site)->rotation; };
  speaks(berlin, now + old - 3600);  // and then it was switched off
  EXPECT_FALSE(*controller.rotate_by_age(now + old)) << "nobody is there to be asked";
  ASSERT_TRUE(controller.rotate("berlin", "root", now + old));
  speaks(paris, now + old);
  EXPECT_TRUE(*controller.rotate_by_age(now + old)) << "berlin holds it up";
  EXPECT_EQ(step_of("paris"), RotationStep::make_key);
  speaks(berlin, now + old);
  EXPECT_EQ(step_of("berlin"), RotationStep::make_key) << "it is asked still";
}

TEST_F(ControllerTest, NoAgeIsTooOldWhereTheFileSaysSo) {
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24");
  ASSERT_TRUE(controller.join(berlin.request(), berlin.token.address, now));
  ASSERT_TRUE(controller.report("berlin", report_of(berlin.key, *controller.config_for("berlin")), now));
  ASSERT_TRUE(controller.set_fabric(controller.fabric_text() + "rotate_days: 0\n", "root", "apply", now));
  EXPECT_FALSE(*controller.rotate_by_age(now + 10'000'000'000));
}

TEST_F(ControllerTest, ASecondHubIsInvitedAndJoins) {
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24");
  ASSERT_TRUE(controller.join(berlin.request(), berlin.token.address, now));
  auto second = wish("fra2", {"192.168.2.0/24"});
  second.hub = true;
  EXPECT_FALSE(controller.invite(second, "root", now));  // where is it?
  second.endpoints = {"vpn2.example.com:51820"};
  auto fra2 = invite(controller, second);
  auto bundle = controller.join(fra2.request(), fra2.token.address, now);
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_EQ(bundle->config.role, NodeRole::hub);
  EXPECT_EQ(bundle->preshared.size(), 2U);  // the other hub, and the site that was there
  const auto site = controller.bundle_for("berlin");
  ASSERT_EQ(site->config.wires.size(), 2U);
  EXPECT_EQ(site->config.wires[1].peers[0].public_key, fra2.key.public_key());
  EXPECT_TRUE(site->preshared.at(fra2.key.public_key()).equals(bundle->preshared.at(berlin.key.public_key())));
  EXPECT_NE(controller.fabric().hubs[0].tunnel_v4, controller.fabric().hubs[1].tunnel_v4);
  // It asks from its own address.
  const auto own = controller.facts().addresses.at({"fra2", "fra2"});
  EXPECT_EQ(*controller.authenticate(own, "x", mac_of(bundle->node_secret, "x")), "fra2");

  // A revocation waits for it until it says that it runs the configuration without the site.
  ASSERT_TRUE(controller.revoke("berlin", "root", now + 1));
  ASSERT_EQ(controller.pending_revocations()->size(), 2U);
  ASSERT_TRUE(controller.applied_here(digest_of_config(*controller.config_for("fra1"))));
  EXPECT_FALSE(*controller.report("fra2", report_of(fra2.key, bundle->config), now + 2));  // an older one
  ASSERT_EQ(controller.pending_revocations()->size(), 1U);
  EXPECT_EQ(open().pending_revocations()->at(0).hub, "fra2");
  const auto with_both = controller.fabric_text();
  ASSERT_TRUE(controller.set_fabric(with_both.substr(0, with_both.find("  fra2:")) + with_both.substr(with_both.find("sites:")), "root", "apply", now + 1));
  EXPECT_TRUE(controller.pending_revocations()->empty()) << "a hub that left reports no more";
  ASSERT_TRUE(controller.set_fabric(with_both, "root", "apply", now + 1));
  ASSERT_EQ(controller.pending_revocations()->size(), 1U);
  ASSERT_TRUE(controller.report("fra2", report_of(fra2.key, *controller.config_for("fra2")), now + 3));
  EXPECT_TRUE(controller.pending_revocations()->empty());
}

// Also with a router that runs no agent, and where two that are members already get a wire to each other.
TEST_F(ControllerTest, EveryPairHasAPresharedKey) {
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24");
  ASSERT_TRUE(controller.join(berlin.request(), berlin.token.address, now));
  auto alone = controller.fabric_text();
  const std::string lans = "[192.168.20.0/24]";
  alone.replace(alone.find(lans), lans.size(), lans + ", hubs: [fra1]");
  ASSERT_TRUE(controller.set_fabric(alone, "root", "apply", now)) << alone;
  const auto oslo = PrivateKey::generate().public_key();
  ASSERT_TRUE(controller.take_in(wish("oslo", {"192.168.50.0/24"}), oslo, "root", now));

  auto second = wish("fra2", {"192.168.2.0/24"});
  second.hub = true;
  second.endpoints = {"vpn2.example.com:51820"};
  auto fra2 = invite(controller, second);
  const auto bundle = controller.join(fra2.request(), fra2.token.address, now);
  ASSERT_TRUE(bundle) << bundle.error().message;
  EXPECT_TRUE(bundle->preshared.at(oslo).equals(controller.preshared_keys_of("oslo")->at("fra2")));
  EXPECT_FALSE(bundle->preshared.contains(berlin.key.public_key())) << "they have no wire";
  EXPECT_FALSE(controller.preshared_keys_of("berlin")->contains("fra2"));
  ASSERT_TRUE(*controller.arrived(fra2.key.public_key(), now));
  EXPECT_EQ(controller.log(1)->front().what, "oslo runs no radiald and needs 'radial export' again, for fra2");

  auto both = controller.fabric_text();
  both.replace(both.find(", hubs: [fra1]"), std::strlen(", hubs: [fra1]"), "");
  // Tried first, as an operator's change is: it may be taken back, with no key left of it.
  const auto candidate = [&] { return std::move(*controller.candidate(both, "fabric.yaml")); };
  ASSERT_TRUE(controller.propose(candidate(), "root", "apply", now));
  ASSERT_TRUE(controller.drop("no", now));
  EXPECT_FALSE(controller.bundle_for("fra2")->preshared.contains(berlin.key.public_key()));
  ASSERT_TRUE(controller.propose(candidate(), "root", "apply", now));
  ASSERT_TRUE(controller.keep(now));
  const auto of_the_site = controller.bundle_for("berlin"), of_the_hub = controller.bundle_for("fra2");
  ASSERT_TRUE(of_the_hub->preshared.contains(berlin.key.public_key()));
  EXPECT_TRUE(of_the_site->preshared.at(fra2.key.public_key()).equals(of_the_hub->preshared.at(berlin.key.public_key())));
}

// A node that has its answer is told so and no more; whatever is another in it, it gets in full.
TEST_F(ControllerTest, ANodeIsSentWhatItDoesNotHave) {
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24"), paris = invite(controller, "paris", "192.168.30.0/24");
  ASSERT_TRUE(controller.join(berlin.request(), berlin.token.address, now));
  std::string has;
  const auto asks = [&] {  // and whether it got something
    const auto given = controller.answer_for("berlin", has.empty() ? has : hex_digest(has));
    if (!given) ADD_FAILURE() << given.error().message;
    const auto* answer = &given->text;
    const auto whole = to_json(*controller.bundle_for("berlin"));
    const bool unchanged = says_unchanged(*answer);
    EXPECT_EQ(unchanged, !has.empty() && has == whole && controller.bundle_for("berlin")->rotation == RotationStep::none);
    if (!unchanged) {
      EXPECT_EQ(*answer, whole);
      has = *answer;
    }
    return !unchanged;
  };
  EXPECT_TRUE(asks());
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(asks());
  ASSERT_TRUE(controller.join(paris.request(), paris.token.address, now));
  EXPECT_FALSE(asks()) << "the key of another site is none of its business";
  ASSERT_TRUE(controller.set_fabric(controller.fabric_text() + "keepalive: 9\n", "root", "apply", now));
  EXPECT_TRUE(asks());
  EXPECT_FALSE(asks());
  ASSERT_TRUE(controller.report("fra1", report_of(hub_, {}), now));
  EXPECT_FALSE(asks());
  ASSERT_TRUE(controller.take_in(wish("oslo", {"192.168.50.0/24"}), PrivateKey::generate().public_key(), "root", now));
  EXPECT_TRUE(asks());
  ASSERT_TRUE(controller.rotate("berlin", "root", now));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(asks()) << "a key that is being replaced takes every answer";
  const auto next = PrivateKey::generate();
  ASSERT_TRUE(controller.offer_key("berlin", next.public_key(), now));
  EXPECT_TRUE(asks());
  auto told = report_of(next, {});
  ASSERT_TRUE(controller.report("berlin", told, now));
  EXPECT_TRUE(asks()) << "it is done with";
  EXPECT_FALSE(asks());
  controller = open();
  EXPECT_FALSE(asks()) << "a controller that was restarted answers the same";
  ASSERT_TRUE(controller.roll_back(std::nullopt, "root", now));
  EXPECT_TRUE(asks());
}

TEST_F(ControllerTest, FactsThatNodesReportChooseTheMode) {
  auto controller = open();
  auto berlin = invite(controller, "berlin", "192.168.20.0/24");
  ASSERT_TRUE(controller.join(berlin.request(), berlin.token.address, now));
  EXPECT_EQ(controller.config_for("berlin")->wires[0].ospf, OspfMode::nbma_site);
  auto report = report_of(hub_, *controller.config_for("fra1"));
  report.wireguard = "radial-wire";
  EXPECT_TRUE(*controller.report("fra1", report, now));
  EXPECT_EQ(controller.config_for("fra1")->wires[0].ospf, OspfMode::p2mp_multicast);
  EXPECT_EQ(controller.config_for("berlin")->wires[0].ospf, OspfMode::p2mp_multicast_site);
  report.frr = FrrVersion{10, 3};
  EXPECT_TRUE(*controller.report("fra1", report, now));
  auto restarted = open();
  EXPECT_EQ(restarted.config_for("fra1")->wires[0].ospf, OspfMode::p2mp_non_broadcast);
  EXPECT_EQ(restarted.config_for("berlin")->wires[0].ospf, OspfMode::p2mp);
  EXPECT_FALSE(*restarted.report("fra1", report, now));
}

TEST_F(ControllerTest, FindingsAreLoggedOncePerChangeAndBounded) {
  const std::string refused = "site berlin announces 172.31.9.0/24, refused here; its grant is 192.168.20.0/24";
  const auto told = [&](Controller& controller) {
    const auto lines = controller.log(1000);
    return std::count_if(lines->begin(), lines->end(), [&](const auto& line) { return line.what == refused; });
  };
  auto report = report_of(hub_, {});
  report.findings = {refused};
  {
    auto controller = open();
    for (int i = 0; i < 5; ++i) ASSERT_TRUE(controller.report("fra1", report, now + i));
    EXPECT_EQ(told(controller), 1);
  }
  auto controller = open();  // after a restart it is known
  ASSERT_TRUE(controller.report("fra1", report, now + 10));
  EXPECT_EQ(told(controller), 1);
  report.findings.clear();
  ASSERT_TRUE(controller.report("fra1", report, now + 11));
  EXPECT_EQ(controller.log(1)->at(0).what, "no longer: " + refused);
  report.findings = {refused};
  ASSERT_TRUE(controller.report("fra1", report, now + 12));
  EXPECT_EQ(told(controller), 2);
  // One that comes and goes does not fill the disk.
  const auto before = controller.log(100'000)->size();
  for (int i = 0; i < 500; ++i) {
    report.findings = {fmt::format("site berlin announces {}\n{}", i, std::string(5000, 'x'))};
    ASSERT_TRUE(controller.report("fra1", report, now + 13));
  }
  const auto lines = controller.log(100'000).value();
  EXPECT_LE(lines.size() - before, 60U);
  for (const auto& line : lines) EXPECT_LE(line.what.size(), 400U);
}

TEST_F(ControllerTest, WhatAHubServesIsLoggedAsItChangesAndBounded) {
  const auto prefixes = [](std::initializer_list<const char*> texts) {
    std::set<Prefix> all;
    for (const auto* text : texts) all.insert(Prefix::parse(text).value());
    return all;
  };
  const auto newest = [](Controller& controller) { return controller.log(1)->at(0).what; };
  {
    auto controller = open();
    ASSERT_TRUE(controller.serves("fra1", {{"berlin", prefixes({"192.168.20.0/24"})}}, now));
    EXPECT_EQ(newest(controller), "serves 192.168.20.0/24, announced by berlin");
    EXPECT_EQ(controller.log(1)->at(0).who, "fra1");
    const auto lines = controller.log(1000)->size();
    ASSERT_TRUE(controller.serves("fra1", {{"berlin", prefixes({"192.168.20.0/24"})}}, now + 1));
    EXPECT_EQ(controller.log(1000)->size(), lines);
  }
  auto controller = open();  // after a restart it is known
  const auto lines = controller.log(1000)->size();
  ASSERT_TRUE(controller.serves("fra1", {{"berlin", prefixes({"192.168.20.0/24"})}}, now + 2));
  EXPECT_EQ(controller.log(1000)->size(), lines);
  // It moves to another site.
  ASSERT_TRUE(controller.serves("fra1", {{"paris", prefixes({"192.168.20.0/24"})}}, now + 3));
  EXPECT_EQ(controller.log(2)->at(1).what, "serves no longer 192.168.20.0/24, announced by berlin");
  EXPECT_EQ(newest(controller), "serves 192.168.20.0/24, announced by paris");
  ASSERT_TRUE(controller.serves("fra1", {{"paris", prefixes({"10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16", "10.4.0.0/16", "10.5.0.0/16", "10.6.0.0/16", "10.7.0.0/16"})}}, now + 4));
  EXPECT_EQ(newest(controller), "serves 10.1.0.0/16, 10.2.0.0/16, 10.3.0.0/16, 10.4.0.0/16, 10.5.0.0/16 and 2 more, announced by paris");
  // Who is no hub has no say.
  EXPECT_EQ(controller.serves("berlin", {}, now + 5).error().code, Errc::permission_denied);
  // A route that flaps does not fill the disk.
  const auto before = controller.log(100'000)->size();
  for (int i = 0; i < 500; ++i) {
    ServedSites served;
    if (i % 2 == 0) served["berlin"] = prefixes({"192.168.20.0/24"});
    ASSERT_TRUE(controller.serves("fra1", served, now + 6));
  }
  EXPECT_LE(controller.log(100'000)->size() - before, 60U + 2 * controller.fabric().sites.size());
  EXPECT_NE(newest(controller).find("than are written in an hour"), std::string::npos);
}

}  // namespace
}  // namespace radial::control
