// What a hub passes on at once of what its sites say over OSPF.
//
// FRR (8.4) takes a point-to-multipoint interface for one net: an LSA that came in by it has, it
// trusts, been heard by every router there, and so it goes out again by the same interface only to
// those who have not acknowledged it after the retransmit interval. On a wire of a hub and its
// sites no site hears another, so each learns of another's change 1 to 2 s late. This passes the
// LSA on in the hub's name; FRR's own retransmission stays as it is, for whoever missed it.
//
// Only a site's word of itself, and never back to that site: a copy from the hub would be an
// acknowledgement to it (RFC 2328, 13, step 7), and ospfd may not have taken the LSA. Whom it
// is sent acknowledges it to ospfd, which then has nothing left to repeat.
//
// Pure: packets and `now` in, packets out. One object a wire. OSPFv2: OSPFv3 on
// such a hub has a designated router, and floods at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <tuple>
#include <vector>

#include "base/ip.h"

namespace radial::host {

class OspfReflood {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct Site {
    IpAddress address;  // in the tunnel
    IpAddress router_id;
    bool operator==(const Site&) const = default;
  };
  struct Update {
    IpAddress to;
    std::vector<std::uint8_t> packet;  // from the OSPF header on
  };

  // Again with the same: nothing happens. Else all that waits is forgotten.
  void configure(const IpAddress& own, const IpAddress& area, std::vector<Site> sites);

  // From the IPv4 header on. What is no Link State Update of one of the sites is passed over.
  void hear(Time now, const IpAddress& sender, std::span<const std::uint8_t> packet);
  [[nodiscard]] bool waits() const { return !waiting_.empty(); }

  // All that waits, for everyone else, in packets of at most `mtu` bytes with their
  // IPv4 header (but for an LSA that is larger).
  [[nodiscard]] std::vector<Update> take(std::size_t mtu);

 private:
  using Key = std::tuple<IpAddress, std::uint8_t, IpAddress>;  // originator, type, id
  struct Known {
    std::uint32_t sequence = 0;
    std::uint16_t checksum = 0;
    bool withdrawn = false;
    Time when;
  };
  [[nodiscard]] bool is_news(Time now, const Key& key, std::span<const std::uint8_t> lsa);

  IpAddress own_;
  IpAddress area_;
  std::vector<Site> sites_;
  std::map<Key, Known> known_;
  std::map<Key, std::vector<std::uint8_t>> waiting_;  // LSAs
};

}  // namespace radial::host
