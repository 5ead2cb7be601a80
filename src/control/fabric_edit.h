// Edits of the operator's fabric file that keep everything else as it stands,
// comments included. An edit is proved by reading its result again: it must be
// the old fabric with that change and no other. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "fabric/fabric.h"

namespace radial::control {

struct NewSite {
  std::string name;
  std::vector<std::string> lans;    // as the operator wrote them
  std::vector<std::string> grants;  // prefixes, or "any"
};

// The file with the site at the end of its `sites:`. Mistakes of the new site
// are told as the fabric file's are.
[[nodiscard]] Result<std::string> add_site(const std::string& yaml, const NewSite& site);

struct NewHub {
  std::string name;
  std::vector<std::string> endpoints;  // with ports
  std::vector<std::string> lans;
};

// The file with the hub at the end of its `hubs:`. Sites that name no hubs dial
// it too; nothing else changes.
[[nodiscard]] Result<std::string> add_hub(const std::string& yaml, const NewHub& hub);

// A fabric file for `radial init`.
[[nodiscard]] std::string first_fabric(const std::string& fabric, const std::string& hub, const std::vector<std::string>& endpoints,
                                       const std::vector<std::string>& lans);

// The fabric, or all its mistakes as one message.
[[nodiscard]] Result<Fabric> parse_or_fail(const std::string& yaml, std::string_view file_name);

// "+line" and "-line" of what differs, in the file's order; empty: nothing.
[[nodiscard]] std::string line_diff(const std::string& before, const std::string& after);

}  // namespace radial::control
