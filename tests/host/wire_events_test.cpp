#include "host/wire_events.h"

#include <gmock/gmock.h>

namespace radial::host {
namespace {

const std::string key(64, 'a');

TEST(WireEvents, WholeBlocksAreTakenAndTheRestWaits) {
  std::string text = "event=handshake\npublic_key=" + key + "\ntime_sec=1\ntime_nsec=2\nendpoint=192.0.2.1:51820\n\n" +
                     "event=gave_up\npublic_key=" + key + "\ntime_sec=3\ntime_nsec=4\n\nevent=endp";
  const auto events = take_wire_events(text);
  ASSERT_TRUE(events) << events.error().message;
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[0].kind, WireEvent::Kind::handshake);
  EXPECT_EQ((*events)[0].peer.to_hex(), key);
  EXPECT_EQ((*events)[0].endpoint->to_string(), "192.0.2.1:51820");
  EXPECT_EQ((*events)[1].kind, WireEvent::Kind::gave_up);
  EXPECT_FALSE((*events)[1].endpoint);
  EXPECT_EQ(text, "event=endp");
}

TEST(WireEvents, AnUnknownKindIsPassedOverAndAZoneIsDropped) {
  std::string text = "event=invented\npublic_key=" + key + "\nwhat=ever\n\n" +
                     "event=endpoint\npublic_key=" + key + "\nendpoint=[fe80::1%3]:7\n\n" +
                     "event=counters\npublic_key=" + key + "\nradial_rx_packets=9\nradial_rx_bad_source=7\n\n";
  const auto events = take_wire_events(text);
  ASSERT_TRUE(events) << events.error().message;
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[1].kind, WireEvent::Kind::counters);
  EXPECT_EQ((*events)[1].bad_source, 7U);
  EXPECT_EQ((*events)[0].endpoint->to_string(), "[fe80::1]:7");
  EXPECT_TRUE(text.empty());
}

TEST(WireEvents, WhatIsNoEventIsAnError) {
  for (std::string text : {std::string("event=handshake\n\n"), "public_key=" + key + "\n\n", std::string("\n\n"),
                           std::string("event=handshake\npublic_key=zz\n\n"), "event=counters\npublic_key=" + key + "\nradial_rx_bad_source=many\n\n", std::string("nonsense\n\n"),
                           std::string(5000, 'x')}) {
    const auto whole = text;
    EXPECT_FALSE(take_wire_events(text)) << whole;
  }
}

}  // namespace
}  // namespace radial::host
