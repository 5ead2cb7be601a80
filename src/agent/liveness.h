// Static routes do not notice that the other end is dead; this does, for ends of
// `trust: static` that another way leads to (compile/silent_peers.h). It pings each
// through the tunnel once a second; one that does not answer for the fabric's dead interval
// is silent until its next answer.
//
// At a site a hub that never answered is silent too, for the other hubs do the
// same work. At a hub a site that never answered is not: its firewall may drop
// pings, and there may be no other way to it.
// Threading: the event loop's thread; no call waits.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "compile/silent_peers.h"
#include "host/echo_probe.h"
#include "host/network.h"
#include "observe/snapshot.h"

namespace radial::agent {

class Liveness {
 public:
  using Instant = std::chrono::steady_clock::time_point;
  explicit Liveness(host::EchoProbe probe) : probe_(std::move(probe)) {}

  void configure(const NodeConfig& config, Instant now);
  [[nodiscard]] int fd() const { return probe_.fd(); }
  // When fd() is readable; and about once a second. True when who is silent has
  // changed: the caller reconciles.
  bool hear(Instant now);
  bool tick(host::Network& network, Instant now);

  [[nodiscard]] const std::set<WireEnd>& silent() const { return silent_; }
  [[nodiscard]] std::vector<observe::Finding> findings(const NodeConfig& config) const;

 private:
  struct End {
    IpAddress address;
    int interface = 0;              // index, of the last request
    Instant since;                  // watched
    std::optional<Instant> answered;
  };
  bool judge(Instant now);

  host::EchoProbe probe_;
  NodeRole role_ = NodeRole::site;
  std::chrono::seconds patience_{4};
  std::map<WireEnd, End> ends_;
  std::set<WireEnd> silent_;
};

}  // namespace radial::agent
