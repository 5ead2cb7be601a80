// Puts a delta's placements into the order that SteerDelta promises.
#pragma once

#include "steer/values.h"

namespace radial::steering {

// Why it is safe: while sets go from long to short, the longest present match of
// an address is the new table's if it is one already set, and else the old
// table's longest, as nothing of the old has gone; while removals go from short
// to long, the longest present match is the new table's, or the old one's longest.
void order_safely(SteerDelta& delta);

}  // namespace radial::steering
