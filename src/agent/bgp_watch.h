// Watches at a hub what its sites announce by BGP and bgpd refuses
// (observe/bgp_refusals.h, which says why it is done so), for findings and for `radial routes`.
// Threading: the event loop's thread; a call blocks for bgpd's answer at most.
#pragma once

#include <chrono>
#include <vector>

#include "agent/refusal_findings.h"
#include "compile/node_config.h"
#include "host/bgp_listener.h"
#include "host/frr.h"
#include "observe/bgp_refusals.h"
#include "observe/route_table.h"
#include "observe/snapshot.h"

namespace radial::agent {

class BgpWatch {
 public:
  BgpWatch(host::Frr& frr, host::BgpListener listener) : frr_(frr), listener_(std::move(listener)) {}  // frr borrowed

  void configure(const NodeConfig& config);
  [[nodiscard]] int fd() const { return listener_.fd(); }
  // When fd() is readable; and about once a second.
  void hear(observe::BgpRefusals::Time now);
  void tick(observe::BgpRefusals::Time now);

  [[nodiscard]] std::vector<observe::Finding> findings() const;
  [[nodiscard]] std::vector<observe::Announcement> announced() const;  // what is refused

 private:
  host::Frr& frr_;
  host::BgpListener listener_;
  observe::BgpRefusals refusals_;
  RefusalFindings findings_;
  observe::BgpRefusals::Time next_look_{};
};

}  // namespace radial::agent
