// A userspace WireGuard interface: the TUN device, its UDP port, the protocol
// core and the data threads, held together by one control thread that runs
// handshakes and timers, follows the link, and answers the UAPI.
//
// Up and down follow the TUN device, as with the kernel: sockets exist and
// sessions live while it is up; configuration stays. The port chosen for
// "any" is kept from then on. When the device is deleted, run() returns.
//
// Threading: construction, run() and everything the UAPI calls belong to the
// control thread; stop() is for any thread and for signal handlers.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/noise/device.h"
#include "engine/tunnel/slow_lane.h"
#include "engine/tunnel/tun/link_monitor.h"
#include "engine/tunnel/tun/tun_device.h"
#include "engine/tunnel/udp/udp_port.h"
#include "engine/tunnel/worker.h"
#include "engine/uapi/server.h"
#include "engine/uapi/socket_file.h"

namespace radial::engine {

class Wire : public uapi::Interface {
 public:
  struct Options {
    bool offload = true;    // of the UDP sockets; the TUN device has its own
    DeviceOptions device;
    bool assume_load = false;  // answers every handshake as under load, with a cookie first: for tests
  };

  // Opens nothing that needs privileges but ports and marks later on.
  [[nodiscard]] static Result<std::unique_ptr<Wire>> make(std::unique_ptr<TunDevice> tun, const Options& options);
  ~Wire() override;

  // Serves the UAPI on this listening socket. `renamed` is called with the
  // interface's new name and returns where its socket is from then on.
  using Renamed = std::function<std::filesystem::path(const std::string& name)>;
  [[nodiscard]] Status serve(Fd listener, uapi::SocketWatch watch, Renamed renamed);

  enum class End { stopped, device_gone, socket_gone };
  [[nodiscard]] End run();
  void stop();
  // The descriptor of its netlink socket, of which it only reads.
  [[nodiscard]] int routing_socket() const { return monitor_.fd(); }

  [[nodiscard]] uapi::State state() override;
  [[nodiscard]] Status apply(uapi::SetRequest request) override;

 private:
  Wire(std::unique_ptr<TunDevice> tun, const Options& options, LinkMonitor monitor, Wake slow, Wake stopping);

  void follow_link();
  void bring_up();
  void bring_down();
  void use_port(std::shared_ptr<UdpPort> port);
  void run_handshakes();
  void run_timers();
  void carry_out();
  void push_counts();
  [[nodiscard]] int next_timeout_ms() const;

  const Options options_;
  std::unique_ptr<TunDevice> tun_;
  LinkMonitor monitor_;
  Wake stopping_;
  SlowLane slow_;
  Device device_;
  std::atomic<bool> multicast_{false};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::shared_ptr<UdpPort> port_;  // null while down

  std::string name_;
  bool foreign_ = false;  // the device is in another network namespace, where no event reaches us
  std::uint16_t listen_port_ = 0;
  std::uint32_t fwmark_ = 0;
  Actions actions_;
  Instant next_counts_{};
  std::map<PublicKey, std::uint64_t> dropped_;  // of each peer, as it was pushed last; none: nothing

  std::unique_ptr<uapi::Server> server_;
  std::optional<uapi::SocketWatch> watch_;
  Renamed renamed_;
};

}  // namespace radial::engine
