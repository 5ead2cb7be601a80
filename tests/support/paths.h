// Where this build and its checkout lie. Only paths.cpp is compiled with them,
// so that every other object is the same in any checkout, and cached.
#pragma once

#include <string>

namespace radial::test {

[[nodiscard]] std::string source_dir();
[[nodiscard]] std::string binary_dir();

}  // namespace radial::test
