#include "host/frr_nbma_repair.h"

namespace radial::host {
namespace {

constexpr int last_resort = 10;  // with the default pauses: after some 75 s

}  // namespace

NbmaAction NbmaRepair::step(Time now, const NbmaObservation& seen) {
  if (seen.network_lsa) cures_ = 0;
  // Without a Full neighbour there is nothing to originate (RFC 2328, section 12.4.2).
  if (seen.network_lsa || seen.full == 0) {
    failing_since_.reset();
    return NbmaAction::none;
  }
  if (!failing_since_) failing_since_ = now;
  if (now - *failing_since_ < patience_) return NbmaAction::none;
  if (acted_at_ && now - *acted_at_ < settle_) return NbmaAction::none;
  acted_at_ = now;
  failing_since_.reset();
  return ++cures_ % last_resort == 0 ? NbmaAction::clear_process : NbmaAction::clear_neighbor;
}

}  // namespace radial::host
