// What hubs ask each other, and that nobody else is listened to.
#include "agent/hub_talk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace radial::agent {
namespace {

using testing::ElementsAre;

HubMessage message(bool answers) {
  HubMessage one{host::OspfVersion::v3, answers, {}};
  const auto id = [](const char* text) { return IpAddress::parse(text).value(); };
  one.lsas = {{host::LsaType::intra_prefix, id("0.0.0.9"), id("10.255.0.7"), 0xfffffff0U, 0xabcd, true, answers ? -1 : 0},
              {host::LsaType::router, id("10.255.0.7"), id("10.255.0.7"), 0x80000001U, 1, false, 3600}};
  return one;
}

TEST(HubTalk, SurvivesItsJson) {
  for (const bool answers : {false, true}) EXPECT_EQ(hub_message_from_json(to_json(message(answers))).value(), message(answers));
  HubMessage full{host::OspfVersion::v2, true, {}};
  for (std::size_t i = 0; i < observe::most_questions; ++i) full.lsas.push_back(message(true).lsas[0]);
  EXPECT_LT(to_json(full).size(), 1400U) << "it would be cut into fragments";
}

TEST(HubTalk, RefusesWhatItDoesNotKnow) {
  for (const auto* text : {"", "[]", "{}", R"({"version":2,"ospf":2,"asked":[]})", R"({"version":1,"ospf":4,"asked":[]})", R"({"version":1,"ospf":2})",
                           R"({"version":1,"ospf":2,"asked":{}})", R"({"version":1,"ospf":2,"asked":[1]})",
                           R"({"version":1,"ospf":2,"heard":[{"type":10,"id":"1.2.3.4","originator":"1.2.3.4","sequence":1,"checksum":1,"withdrawn":false,"age":0}]})",
                           R"({"version":1,"ospf":2,"heard":[{"type":1,"id":"x","originator":"1.2.3.4","sequence":1,"checksum":1,"withdrawn":false,"age":0}]})",
                           R"({"version":1,"ospf":2,"heard":[{"type":1,"id":"1.2.3.4","originator":"1.2.3.4","sequence":-1,"checksum":1,"withdrawn":false,"age":0}]})"})
    EXPECT_FALSE(hub_message_from_json(text)) << text;
  const auto whole = to_json(message(true));
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(hub_message_from_json(whole.substr(0, size))) << size;
}

NodeConfig hub_at(const char* own, const char* other) {
  NodeConfig config;
  config.role = NodeRole::hub;
  config.router_id = IpAddress::parse(own).value();
  config.routers = {{"a", config.router_id, true}, {"b", IpAddress::parse(other).value(), true}};
  return config;
}

TEST(HubTalk, HubsHearEachOtherAndNobodyElse) {
  boost::asio::io_context loop;
  std::vector<std::string> heard;
  const auto listener = [&](const char* who) {
    return [&heard, who](const IpAddress& from, const HubMessage& one) { heard.push_back(fmt::format("{} from {}: {}", who, from, one.lsas.size())); };
  };
  HubTalk a(loop, listener("a"));
  HubTalk b(loop, listener("b"));
  HubTalk stranger(loop, listener("c"));
  ASSERT_TRUE(a.configure(hub_at("127.7.0.1", "127.7.0.2")));
  ASSERT_TRUE(b.configure(hub_at("127.7.0.2", "127.7.0.1")));
  ASSERT_TRUE(stranger.configure(hub_at("127.7.0.3", "127.7.0.1")));
  const auto run = [&] {
    loop.restart();
    loop.run_for(std::chrono::milliseconds(200));
    return std::exchange(heard, {});
  };
  a.send(IpAddress::parse("127.7.0.2").value(), message(false));
  EXPECT_THAT(run(), ElementsAre("b from 127.7.0.1: 2"));
  stranger.send(IpAddress::parse("127.7.0.1").value(), message(true));
  b.send(IpAddress::parse("127.7.0.1").value(), message(true));
  EXPECT_THAT(run(), ElementsAre("a from 127.7.0.2: 2"));
  // The only hub of a fabric has nobody to talk to.
  auto alone = hub_at("127.7.0.1", "127.7.0.2");
  alone.routers.pop_back();
  ASSERT_TRUE(a.configure(alone));
  b.send(IpAddress::parse("127.7.0.1").value(), message(true));
  EXPECT_TRUE(run().empty());
}

}  // namespace
}  // namespace radial::agent
