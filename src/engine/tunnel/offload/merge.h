// Receive coalescing in software (GRO): decrypted packets of one flow that
// follow each other become one packet that the kernel takes in one write to
// the TUN device, and that splits back into exactly the packets given.
//
// What is merged: TCP and (where the device takes it) UDP without IP options
// or extension headers, unfragmented, with valid checksums, of one flow, with
// equal TOS or traffic class, TTL or hop limit, DF, flow label, and for TCP
// equal acknowledgement, window, reserved bits, ECE and options, and with
// sequence numbers that meet. IPv4 identifications count up, or, with DF, are
// all equal (RFC 6864: an atomic datagram's has no meaning; Linux then counts
// them up again when it segments). A group is closed by a short segment, PSH
// or FIN. Never merged: SYN, RST, URG, CWR, no ACK, no payload.
//
// Order: packets of one flow stay in order, also those that cannot be merged;
// packets of different flows may change places.
//
// Memory: groups borrow the packets and rewrite the first header of each;
// both must stay until take_all(). Threading: one thread an object.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <sys/uio.h>

#include "engine/tunnel/offload/vnet.h"

namespace radial::engine {

class Merger {
 public:
  struct Options {
    bool tcp = true;
    bool udp = false;  // the device takes UDP segments (Linux 6.2)
  };

  // The most packets in a group: what Linux takes in one UDP GSO packet.
  static constexpr std::size_t max_pieces = 64;

  explicit Merger(Options options) : options_(options) {}

  // `packet` is exactly one IP packet, without padding.
  void add(std::span<std::uint8_t> packet);

  [[nodiscard]] bool empty() const { return groups_.empty(); }

  // Calls write(span<const iovec>) for each group in order, the vnet header
  // first, and forgets them all.
  template <class Write>
  void take_all(Write&& write) {
    std::array<iovec, max_pieces + 1> pieces;
    for (auto& group : groups_) write(std::span<const iovec>(pieces.data(), finish(group, pieces)));
    clear();
  }

  void clear();

 private:
  // Where the parts of a packet are that might be merged.
  struct Shape {
    std::uint8_t protocol = 0;
    bool v4 = false;
    std::uint8_t transport = 0;  // offset of the layer 4 header
    std::uint8_t headers = 0;    // bytes before the payload
    std::uint32_t hash = 0;      // of addresses, ports, protocol
    bool flow = false;           // all of these are known
    bool mergeable = false;
  };
  struct Piece {
    const std::uint8_t* data;
    std::uint32_t size;
    std::uint32_t next;  // index of the next piece of the group
  };
  struct Group {
    std::span<std::uint8_t> first;
    VnetHeader header;
    Shape shape;
    std::uint32_t head = 0;  // its payload pieces after the first packet
    std::uint32_t tail = 0;
    std::uint16_t count = 1;
    std::uint16_t step = 0;   // payload bytes of the first packet
    std::uint32_t bytes = 0;  // of the whole
    std::uint32_t next_sequence = 0;
    std::uint16_t last_id = 0;
    std::uint8_t last_flags = 0;
    bool same_id = false;  // decided by the second packet
    bool verified = false;
  };
  static constexpr std::size_t open_limit = 16;
  static constexpr std::uint32_t none = 0xffffffffU;

  [[nodiscard]] Shape shape_of(std::span<const std::uint8_t> packet) const;
  [[nodiscard]] bool belongs(const Group& group, const Shape& shape, std::span<const std::uint8_t> packet) const;
  void append(Group& group, const Shape& shape, std::span<const std::uint8_t> packet);
  void open(const Shape& shape, std::span<std::uint8_t> packet);
  std::size_t finish(Group& group, std::span<iovec> pieces);

  Options options_;
  std::vector<Group> groups_;
  std::vector<Piece> pieces_;
  std::array<std::uint32_t, open_limit> open_{};  // indexes of groups that may still grow
  std::size_t open_count_ = 0;
};

}  // namespace radial::engine
