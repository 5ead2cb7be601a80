// OSPFv2 packets as a router receives them (RFC 2328, appendix A.3): who says
// it is the sender, whom it hears (Hello), its MTU and whether it starts a
// database exchange (Database Description), and the LSAs of a Link State Update.
// Pure. Checksums are the receiver's affair: what comes over a wire was
// authenticated by WireGuard, so a broken one was sent broken.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "host/ospf_lsa.h"

namespace radial::host {

inline constexpr int ospf_protocol = 89;  // in the IP header

struct OspfHello {
  std::chrono::seconds interval{};   // until its next; 0 where several are sent a second
  std::vector<IpAddress> neighbors;  // router-ids that it has heard lately
};

struct OspfPacket {
  IpAddress router_id;             // the sender, by its own word
  bool starts_exchange = false;    // Database Description with the Init bit: an adjacency begins anew
  std::vector<OspfLsa> lsas = {};  // of a Link State Update
  std::optional<int> mtu = {};     // Database Description: "Interface MTU"
  std::optional<OspfHello> hello = {};
  int instance = 0;                // OSPFv3: which of several on the link it is meant for
};

// `packet` begins with the IPv4 header. Nothing for what is no OSPFv2 packet.
// A Link State Update that is cut short yields the LSAs before the cut; LSAs of
// types that we do not know are left out.
[[nodiscard]] std::optional<OspfPacket> read_ospf_packet(std::span<const std::uint8_t> packet);

}  // namespace radial::host
