#include "base/version.h"

namespace radial {

std::string_view version() { return RADIAL_VERSION; }

}  // namespace radial
