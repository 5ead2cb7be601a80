#include "fabric/file/draft.h"

#include "fabric/prefix_index.h"

namespace radial::file {

Grant DraftNode::claimed() const {
  Grant claim{grant.any, {}};
  for (const auto& listed : grant.prefixes)
    if (!listed.value.is_default()) claim.prefixes.push_back(listed.value);
  keep_widest(claim.prefixes);
  return claim;
}

std::vector<const DraftNode*> Draft::nodes() const {
  std::vector<const DraftNode*> all;
  all.reserve(hubs.size() + sites.size());
  for (const auto& hub : hubs) all.push_back(&hub);
  for (const auto& site : sites) all.push_back(&site);
  return all;
}

}  // namespace radial::file
