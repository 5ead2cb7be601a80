// Segmentation in software: one packet that the kernel handed over whole
// (TSO, USO, or a checksum left for "hardware") becomes the packets that
// belong on the wire.
//
// IPv4 identification and TCP sequence numbers advance a segment at a time;
// FIN and PSH stay on the last segment only, CWR on the first only (RFC 3168
// section 6.1.2); every checksum is real. Random access: segments can be
// written in any order, into any memory, so that the caller can encrypt in
// place and flush in the middle.
//
// Threading: a value that borrows the packet. Errors: a header that does not
// fit its packet gives nothing, and the packet is to be dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "engine/tunnel/offload/vnet.h"

namespace radial::engine {

class Split {
 public:
  // `packet` starts at the IP header.
  [[nodiscard]] static std::optional<Split> of(const VnetHeader& header, std::span<const std::uint8_t> packet);

  [[nodiscard]] std::size_t count() const { return count_; }
  // Bytes of segment `index`; all are equal but the last, which may be shorter.
  [[nodiscard]] std::size_t size(std::size_t index) const;
  // Writes segment `index` to size(index) bytes at `to`.
  void write(std::size_t index, std::uint8_t* to) const;

 private:
  enum class Kind : std::uint8_t { plain, checksum, tcp, udp };

  Split() = default;
  void sum_constant_fields();
  void write_checksummed(std::uint8_t* to) const;

  std::span<const std::uint8_t> packet_;
  Kind kind_ = Kind::plain;
  bool v4_ = false;
  std::size_t transport_ = 0;    // offset of the layer 4 header
  std::size_t checksum_at_ = 0;  // offset of the checksum field
  std::size_t headers_ = 0;      // bytes before the payload
  std::size_t step_ = 0;         // payload bytes of a segment
  std::size_t count_ = 1;
  // Partial sums of what every segment has alike. A header is not read again where it was
  // just written: loads wider than the stores before them wait for those to reach the cache.
  std::uint64_t ip_sum_ = 0;         // without total length, identification and the checksum
  std::uint64_t transport_sum_ = 0;  // with the pseudo-header but for its length; without the fields that write() fills in
};

}  // namespace radial::engine
