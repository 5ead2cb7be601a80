#include "host/ospf_reflood.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/ospf_packet.h"

namespace radial::host {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using Bytes = std::vector<std::uint8_t>;
using Time = OspfReflood::Time;

IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

const auto hub = address("10.255.0.1");
const auto berlin = address("10.255.0.19");  // also their router-ids
const auto paris = address("10.255.0.20");
const auto rome = address("10.255.0.21");
const auto backbone = address("0.0.0.0");

void append(Bytes& bytes, std::initializer_list<int> more) {
  for (const int byte : more) bytes.push_back(static_cast<std::uint8_t>(byte));
}
void append(Bytes& bytes, const IpAddress& one) { bytes.insert(bytes.end(), one.bytes().begin(), one.bytes().end()); }

struct Lsa {
  IpAddress originator;
  int sequence = 7;       // the last byte of it
  int age = 5;
  int id = 40;            // of a stub network, and of an external LSA
  int type = 1;
};

// With one stub network 192.168.ID.0/24.
Bytes lsa_of(const Lsa& lsa) {
  Bytes bytes;
  append(bytes, {lsa.age >> 8, lsa.age & 0xff, 2, lsa.type});
  append(bytes, lsa.type == 1 ? lsa.originator : IpAddress::from_v4(0xc0a80000U | static_cast<unsigned>(lsa.id) << 8));
  append(bytes, lsa.originator);
  append(bytes, {0x80, 0, 0, lsa.sequence, 0xab, lsa.sequence, 0, 36});
  if (lsa.type == 1) append(bytes, {0, 0, 0, 1, 192, 168, lsa.id, 0, 255, 255, 255, 0, 3, 0, 0, 10});
  else append(bytes, {255, 255, 255, 0, 0x80, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0});
  return bytes;
}

Bytes update_of(const IpAddress& router, const std::vector<Lsa>& lsas, const IpAddress& area = backbone) {
  Bytes packet(20, 0);
  packet[0] = 0x45;
  append(packet, {2, 4, 0, 0});
  append(packet, router);
  append(packet, area);
  append(packet, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, static_cast<int>(lsas.size())});
  for (const auto& lsa : lsas) {
    const auto bytes = lsa_of(lsa);
    packet.insert(packet.end(), bytes.begin(), bytes.end());
  }
  const auto length = packet.size() - 20;
  packet[22] = static_cast<std::uint8_t>(length >> 8);
  packet[23] = static_cast<std::uint8_t>(length & 0xff);
  return packet;
}

OspfPacket read(const OspfReflood::Update& update) {
  Bytes packet(20, 0);
  packet[0] = 0x45;
  packet.insert(packet.end(), update.packet.begin(), update.packet.end());
  return read_ospf_packet(packet).value();
}

class Reflood : public testing::Test {
 protected:
  Reflood() { reflood_.configure(hub, backbone, {{berlin, berlin}, {paris, paris}, {rome, rome}}); }
  // Who is told what: "ADDRESS: LSA, LSA", each as its originator's last number and its sequence number's.
  std::vector<std::string> told(std::size_t mtu = 1420) {
    std::vector<std::string> all;
    for (const auto& update : reflood_.take(mtu)) {
      const auto packet = read(update);
      EXPECT_EQ(packet.router_id, hub);
      std::string text = update.to.to_string() + ":";
      for (const auto& lsa : packet.lsas) text += fmt::format(" {}/{}", lsa.originator, lsa.sequence & 0xff);
      all.push_back(std::move(text));
    }
    return all;
  }
  OspfReflood reflood_;
  Time now_{100s};
};

TEST_F(Reflood, AWordOfASiteGoesToAllOthersAndNotBackToIt) {
  reflood_.hear(now_, berlin, update_of(berlin, {{berlin}}));
  EXPECT_TRUE(reflood_.waits());
  EXPECT_THAT(told(), ElementsAre("10.255.0.20: 10.255.0.19/7", "10.255.0.21: 10.255.0.19/7"));
  EXPECT_FALSE(reflood_.waits());
}

TEST_F(Reflood, ItIsTheSameLsaASecondOlderInAPacketOfTheHub) {
  reflood_.hear(now_, berlin, update_of(berlin, {{berlin}}));
  const auto updates = reflood_.take(1420);
  ASSERT_EQ(updates.size(), 2U);
  const auto& packet = updates.front().packet;
  auto expected = lsa_of({berlin});
  expected[1] = 6;
  EXPECT_EQ(Bytes(packet.begin() + 28, packet.end()), expected);
  std::uint32_t sum = 0;  // RFC 1071: with its checksum in it, a packet sums up to all ones
  for (std::size_t at = 0; at < packet.size(); at += 2) sum += static_cast<std::uint32_t>(packet[at] << 8 | packet[at + 1]);
  EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffU);
}

TEST_F(Reflood, WhatIsSentAgainIsNotPassedOnAgain) {
  reflood_.hear(now_, berlin, update_of(berlin, {{berlin}}));
  (void)told();
  reflood_.hear(now_ + 1s, berlin, update_of(berlin, {{berlin}}));
  reflood_.hear(now_ + 1s, berlin, update_of(berlin, {{.originator = berlin, .sequence = 6}}));
  EXPECT_FALSE(reflood_.waits()) << "nor what is older";
  reflood_.hear(now_ + 1s, berlin, update_of(berlin, {{.originator = berlin, .sequence = 8}}));
  EXPECT_THAT(told(), testing::SizeIs(2));
  reflood_.hear(now_ + 2s, berlin, update_of(berlin, {{.originator = berlin, .sequence = 8, .age = 3600}}));
  EXPECT_THAT(told(), testing::SizeIs(2)) << "withdrawn, which is news";
  reflood_.hear(now_ + 90s, berlin, update_of(berlin, {{.originator = berlin, .sequence = 1}}));
  EXPECT_THAT(told(), testing::SizeIs(2)) << "a router that forgot where it was";
}

TEST_F(Reflood, AWordOfAnotherIsNotPassedOn) {
  reflood_.hear(now_, berlin, update_of(berlin, {{paris}, {rome}, {hub}, {address("10.9.9.9")}}));
  reflood_.hear(now_, berlin, update_of(paris, {{paris}}));
  reflood_.hear(now_, address("10.255.0.77"), update_of(berlin, {{berlin}}));
  reflood_.hear(now_, berlin, update_of(berlin, {{berlin}}, address("0.0.0.1")));
  EXPECT_FALSE(reflood_.waits());
}

TEST_F(Reflood, TheNewestOfWhatSeveralSaidMeanwhileGoesInOnePacketEach) {
  reflood_.hear(now_, berlin, update_of(berlin, {{.originator = berlin, .sequence = 7}, {.originator = berlin, .type = 5}}));
  reflood_.hear(now_, paris, update_of(paris, {{paris}}));
  reflood_.hear(now_, berlin, update_of(berlin, {{.originator = berlin, .sequence = 9}}));
  EXPECT_THAT(told(), ElementsAre("10.255.0.19: 10.255.0.20/7", "10.255.0.20: 10.255.0.19/9 10.255.0.19/7",
                                  "10.255.0.21: 10.255.0.19/9 10.255.0.19/7 10.255.0.20/7"));
}

TEST_F(Reflood, PacketsFitTheWire) {
  std::vector<Lsa> many;
  for (int id = 1; id <= 30; ++id) many.push_back({.originator = berlin, .id = id, .type = 5});
  reflood_.hear(now_, berlin, update_of(berlin, many));
  std::size_t packets = 0;
  std::size_t lsas = 0;
  for (const auto& update : reflood_.take(400)) {
    EXPECT_LE(update.packet.size() + 20, 400U);
    if (update.to != paris) continue;
    ++packets;
    lsas += read(update).lsas.size();
  }
  EXPECT_EQ(lsas, 30U);
  EXPECT_EQ(packets, 4U) << "nine of 36 bytes go into 400";
}

TEST_F(Reflood, ALargeBurstIsLeftToFrr) {
  for (int id = 0; id < 200; ++id) reflood_.hear(now_, berlin, update_of(berlin, {{.originator = berlin, .id = id, .type = 5}}));
  std::size_t lsas = 0;
  for (const auto& update : reflood_.take(1420)) lsas += read(update).lsas.size();
  EXPECT_EQ(lsas, 2 * 64U);
}

TEST_F(Reflood, OtherSitesForgetWhatWaits) {
  reflood_.hear(now_, berlin, update_of(berlin, {{berlin}}));
  reflood_.configure(hub, backbone, {{berlin, berlin}, {paris, paris}, {rome, rome}});
  EXPECT_TRUE(reflood_.waits());
  reflood_.configure(hub, backbone, {{paris, paris}, {rome, rome}});
  EXPECT_FALSE(reflood_.waits());
  EXPECT_THAT(told(), IsEmpty());
}

}  // namespace
}  // namespace radial::host
