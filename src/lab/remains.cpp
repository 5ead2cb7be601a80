#include "lab/remains.h"

#include "lab/init.h"
#include "lab/netns.h"
#include "lab/state.h"

namespace radial::lab {

Result<bool> remove_remains(const std::string& lab) {
  RADIAL_ASSIGN(const int killed, kill_inits(lab));
  // Names are on disk before the namespaces are made: this finds them all.
  if (const auto state = load_state(lab)) {
    for (const auto* node : state->plan.everybody()) {
      remove_netns_name(node->netns);
      for (const auto& host : node->lans) remove_netns_name(host.netns);
    }
  }
  std::error_code error;
  const auto removed = std::filesystem::remove_all(state_folder(lab), error);
  if (error) return fail(Errc::io, "cannot remove {}: {}", state_folder(lab).string(), error.message());
  return killed > 0 || removed > 0;
}

}  // namespace radial::lab
