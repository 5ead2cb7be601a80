// Links, addresses, routes and sysctls of this network namespace, over
// rtnetlink and /proc/sys. Observe, diff, apply. Threading: one object, one
// thread; calls block for one kernel round trip. Dumps interrupted by a change
// (NLM_F_DUMP_INTR) are repeated.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ip.h"
#include "base/result.h"

namespace radial::host {

struct Link {
  int index = 0;
  std::string name;
  std::string kind;      // "wireguard", "tun", "bridge", "veth", ... ; empty for hardware
  int mtu = 0;
  bool up = false;       // administratively
  bool running = false;  // has carrier
  bool operator==(const Link&) const = default;
};

struct HeldAddress {
  std::string interface;
  InterfaceAddress address;
  bool link_scope = false;
  bool operator==(const HeldAddress&) const = default;
};

struct NextHop {
  std::optional<IpAddress> gateway;  // nothing: on-link
  std::string interface;
  auto operator<=>(const NextHop&) const = default;
};

struct Route {
  Prefix prefix;
  std::vector<NextHop> next_hops;  // one, or several for ECMP; nexthop ids resolved; none: it rejects (blackhole,
                                   // unreachable, prohibit), which counts for the longest match
  int protocol = 0;                // rtm_protocol: 186 bgp, 188 ospf, 196 static (FRR), 2 kernel
  std::uint32_t metric = 0;
  bool operator==(const Route&) const = default;
};

class Network {
 public:
  [[nodiscard]] static Result<Network> open();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();

  Result<std::vector<Link>> links();
  Result<std::optional<Link>> link(const std::string& name);
  Result<std::vector<HeldAddress>> addresses();
  Result<std::vector<Route>> routes(Family family);  // main table

  Status set_up(const std::string& interface, bool up);
  Status set_mtu(const std::string& interface, int mtu);
  Status set_alias(const std::string& interface, const std::string& alias);
  // Before the link comes up: no automatic IPv6 link-local (IN6_ADDR_GEN_MODE_NONE).
  Status disable_address_generation(const std::string& interface);
  // Nothing when it is there already. conflict: IPv6, and it is there with another length.
  Status add_address(const std::string& interface, const InterfaceAddress& address);
  // An address that is there, once more to who listens to the kernel: nothing else changes.
  Status announce_address(const std::string& interface, const InterfaceAddress& address);
  // That one alone: secondaries that the kernel drops with it are added again. Nothing when it is not there.
  Status remove_address(const std::string& interface, const InterfaceAddress& address);
  Status delete_link(const std::string& interface);  // nothing when it is not there
  // Adds a kernel interface of a kind ("wireguard"): already_exists; unsupported when the kernel has no such kind.
  Status add_link(const std::string& interface, const std::string& kind);

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// What the interface of a wire must look like, besides WireGuard's own part.
struct DesiredLink {
  std::string interface;
  int mtu = 0;
  std::vector<InterfaceAddress> addresses;  // exactly these (a link-local that is not listed is removed)
};

struct LinkChange {
  std::string interface;
  std::optional<int> mtu;
  bool bring_up = false;
  std::vector<InterfaceAddress> add;     // additions first
  std::vector<InterfaceAddress> remove;
  [[nodiscard]] bool empty() const { return !mtu && !bring_up && add.empty() && remove.empty(); }
  [[nodiscard]] std::vector<std::string> describe() const;  // as ip(8) would be told
};

[[nodiscard]] LinkChange diff_link(const DesiredLink& desired, const Link& observed,
                                   const std::vector<HeldAddress>& addresses);
[[nodiscard]] Status apply(Network& network, const LinkChange& change);

class NetlinkGroupSocket;

// Changes of links, addresses and some sysctls of this namespace, as they happen: a
// readable descriptor for the event loop. What changed is coarse on purpose: a reader
// looks again at what it cares for. (Routes: host/route_watch.h.)
class NetworkMonitor {
 public:
  struct Events {
    bool links = false;
    bool addresses = false;
    bool sysctls = false;   // forwarding or rp_filter, of any interface (RTM_NEWNETCONF)
    bool overflow = false;  // ENOBUFS: something was lost, look at everything
  };
  [[nodiscard]] static Result<NetworkMonitor> open();
  NetworkMonitor(NetworkMonitor&&) noexcept;
  NetworkMonitor& operator=(NetworkMonitor&&) noexcept;
  ~NetworkMonitor();
  [[nodiscard]] int fd() const;   // non-blocking; borrowed
  Result<Events> drain();         // everything that is queued

 private:
  explicit NetworkMonitor(std::unique_ptr<NetlinkGroupSocket> socket);
  std::unique_ptr<NetlinkGroupSocket> socket_;
};

// /proc/sys. Keys as in NodeConfig ("net.ipv4.conf.wg0.rp_filter").
[[nodiscard]] Result<std::string> read_sysctl(const std::string& key);
[[nodiscard]] Status write_sysctl(const std::string& key, const std::string& value);

}  // namespace radial::host
