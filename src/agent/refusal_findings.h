// Findings about announcements that this hub refuses, the same for every
// routing protocol: which site, which prefixes, since when, and the grant that
// does not cover them. Threading: none of its own.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compile/node_config.h"
#include "observe/bgp_refusals.h"
#include "observe/snapshot.h"

namespace radial::agent {

class RefusalFindings {
 public:
  // Whose grants they are judged by.
  void configure(const NodeConfig& config);
  // What is refused as of now, by site. A site's time is that of its first refused prefix, until it has none.
  void update(std::map<std::string, observe::RefusedOfSite> refused);
  // `where`: "here and at every node".
  [[nodiscard]] std::vector<observe::Finding> findings(std::string_view where) const;
  [[nodiscard]] const std::map<std::string, observe::RefusedOfSite>& refused() const { return refused_; }

 private:
  std::map<std::string, observe::RefusedOfSite> refused_;
  std::map<std::string, std::string> since_;
  std::map<std::string, std::string> grants_;  // of each site, for people
};

}  // namespace radial::agent
