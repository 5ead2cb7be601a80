// The MTU that each OSPF neighbour says it has, from the Database Description
// packets that it sent us (RFC 2328 A.3.3, "Interface MTU"), so that an adjacency
// stuck in ExStart can be explained with both numbers. FRR shows only our own.
// A plain value.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "host/ospf_listener.h"

namespace radial::host {

class OspfMtus {
 public:
  void hear(const std::vector<HeardOspf>& heard);
  // The last value heard from this neighbour; nothing when none was.
  [[nodiscard]] std::optional<int> mtu_of(const std::string& interface, const IpAddress& neighbor) const;

 private:
  std::map<std::pair<std::string, IpAddress>, int> mtus_;
};

}  // namespace radial::host
