#include "steer/values.h"

namespace radial {

std::string describe(const SteerFinding& finding) {
  switch (finding.kind) {
    case SteerFinding::Kind::unknown_gateway:
      return fmt::format("the route to {} goes to {}, which is no peer of this wire; withdraw it, or enrol its node",
                         finding.prefix, finding.gateway);
    case SteerFinding::Kind::default_not_granted:
      return fmt::format("{} announces the default route {}, which its grant ({}) does not hold; withdraw it there, "
                         "or write {} in its grant",
                         finding.node, finding.prefix, to_string(finding.grant), finding.prefix);
    case SteerFinding::Kind::not_granted: break;
  }
  return fmt::format("{} announces {}, which its grant ({}) does not cover; withdraw it there, or widen the grant",
                     finding.node, finding.prefix, to_string(finding.grant));
}

}  // namespace radial
