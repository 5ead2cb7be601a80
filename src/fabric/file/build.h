// A draft without mistakes -> the fabric.
#pragma once

#include "fabric/fabric.h"
#include "fabric/file/draft.h"

namespace radial::file {

[[nodiscard]] Fabric build_fabric(const Draft& draft);

}  // namespace radial::file
