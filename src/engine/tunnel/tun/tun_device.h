// A TUN device: whole IP packets, several queues, and segmentation and
// checksum offloads by the vnet header, each given up in turn where the kernel
// lacks it (Documentation/networking/tuntap.rst).
//
// The device lives as long as this object (it is not persistent). It may be
// renamed, moved to another namespace, taken down or deleted by others
// meanwhile: link() tells.
// Threading: read() and write() of one queue from one thread; the rest from any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <sys/uio.h>

#include "base/fd.h"
#include "base/result.h"
#include "engine/tunnel/offload/vnet.h"

namespace radial::engine {

class TunDevice {
 public:
  static constexpr std::size_t default_mtu = 1420;
  static constexpr std::size_t max_packet = 65535;

  struct Options {
    std::string name;
    std::size_t queues = 1;
    bool offload = true;
  };

  // Makes the device (down, MTU 1420). Errors: EBUSY when the name is another
  // program's TUN device, EEXIST or EINVAL when it is another kind of link,
  // EPERM, ENOENT without /dev/net/tun.
  [[nodiscard]] static Result<std::unique_ptr<TunDevice>> create(const Options& options);

  // Takes over the descriptor of a device made by another program.
  [[nodiscard]] static Result<std::unique_ptr<TunDevice>> adopt(Fd fd, const Options& options);

  [[nodiscard]] std::size_t queues() const { return queues_.size(); }
  [[nodiscard]] int fd(std::size_t queue) const { return queues_[queue].get(); }
  // Where the device was made.
  [[nodiscard]] int index() const { return index_; }
  [[nodiscard]] bool has_header() const { return header_; }
  [[nodiscard]] bool merges_tcp() const { return tcp_; }
  [[nodiscard]] bool merges_udp() const { return udp_; }

  struct Link {
    std::string name;
    int index = 0;  // 0 when the device is in another network namespace
    bool up = false;
    std::optional<std::size_t> mtu;  // unknown in another namespace
  };
  // Nothing when the device is gone.
  [[nodiscard]] std::optional<Link> link() const;

  // One packet, possibly a large one that is to be split. Returns its size, 0
  // when there is none now, or -errno: EBADFD when the device is gone.
  // `packet` must hold max_packet bytes.
  [[nodiscard]] std::ptrdiff_t read(std::size_t queue, VnetHeader& header, std::span<std::uint8_t> packet);

  // A packet in pieces, the first being its VnetHeader. 0 or errno: EIO when
  // the device is down, EBADFD when it is gone.
  int write(std::size_t queue, std::span<const iovec> pieces);

 private:
  TunDevice() = default;
  void prepare(const Options& options, bool header);
  [[nodiscard]] int index_of(const std::string& name) const;

  std::vector<Fd> queues_;
  Fd control_;     // a socket for interface ioctls, in the namespace of creation
  int index_ = 0;  // there
  bool header_ = false;
  bool tcp_ = false;
  bool udp_ = false;
};

}  // namespace radial::engine
