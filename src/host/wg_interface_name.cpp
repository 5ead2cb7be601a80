#include "host/wg_interface_name.h"

#include <algorithm>

namespace radial::host {
namespace {

bool allowed(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_=+.-").find(c) != std::string_view::npos;
}

}  // namespace

Status check_interface_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 15 && name.front() != '-' && name.front() != '.' &&
                    std::all_of(name.begin(), name.end(), allowed);
  if (good) return {};
  return fail(Errc::invalid_argument,
              "'{}' is no interface name: use 1 to 15 letters, digits or '_=+.-', not starting with '-' or '.'",
              name.substr(0, 64));
}

}  // namespace radial::host
