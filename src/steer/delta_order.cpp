#include "steer/delta_order.h"

#include <algorithm>
#include <tuple>

namespace radial::steering {

void order_safely(SteerDelta& delta) {
  const auto rank = [](const Placement& placement) {
    const int length = placement.prefix.length();
    return std::tuple(!placement.to.has_value(), placement.to ? -length : length);
  };
  const auto rest = [](const Placement& placement) { return std::tie(placement.to, placement.from, placement.prefix); };
  std::sort(delta.begin(), delta.end(), [&](const Placement& a, const Placement& b) {
    const auto left = rank(a);
    const auto right = rank(b);
    return left != right ? left < right : rest(a) < rest(b);
  });
}

}  // namespace radial::steering
