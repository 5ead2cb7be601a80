#include "support/paths.h"

namespace radial::test {

std::string source_dir() { return RADIAL_SOURCE_DIR; }
std::string binary_dir() { return RADIAL_BINARY_DIR; }

}  // namespace radial::test
