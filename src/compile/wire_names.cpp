#include "compile/wire_names.h"

#include <charconv>

namespace radial {
namespace {

constexpr std::size_t longest_name = 15;  // IFNAMSIZ without its NUL

struct NameParts {
  std::string_view stem;
  std::uint64_t number = 0;
};

NameParts split(std::string_view name) {
  const auto last = name.find_last_not_of("0123456789");
  NameParts parts{name.substr(0, last == name.npos ? 0 : last + 1)};
  const auto digits = name.substr(parts.stem.size());
  std::from_chars(digits.data(), digits.data() + digits.size(), parts.number);
  return parts;
}

Result<std::string> fitting(const Fabric& fabric, std::string name) {
  if (name.size() <= longest_name) return name;
  return fail(Errc::invalid_argument, "interface name '{}' is longer than {} characters; shorten 'interface: {}'", name,
              longest_name, fabric.interface);
}

}  // namespace

Result<std::string> site_wire_name(const Fabric& fabric, std::size_t hub_index) {
  if (hub_index == 0) return fitting(fabric, fabric.interface);
  const auto parts = split(fabric.interface);
  return fitting(fabric, fmt::format("{}{}", parts.stem, parts.number + hub_index));
}

Result<std::string> hub_wire_name(const Fabric& fabric, std::size_t other_index) {
  return fitting(fabric, fmt::format("{}h{}", split(fabric.interface).stem, other_index));
}

Result<std::string> dedicated_wire_name(const Fabric& fabric, std::uint32_t slot) {
  return fitting(fabric, fmt::format("{}s{}", split(fabric.interface).stem, slot));
}

Result<std::uint16_t> hub_wire_port(const Hub& hub, std::uint16_t base, std::size_t other_index) {
  const auto port = std::size_t{base} + 1 + other_index;
  if (port > 65535)
    return fail(Errc::invalid_argument,
                "hub {} needs port {} for a wire to another hub, which is beyond 65535; lower its port {}", hub.name,
                port, base);
  return static_cast<std::uint16_t>(port);
}

Result<std::uint16_t> dedicated_wire_port(const Hub& hub, std::uint16_t base, std::uint32_t slot) {
  constexpr std::size_t most_hubs = 256;
  const auto port = base + most_hubs + slot;
  if (port > 65535)
    return fail(Errc::invalid_argument, "hub {} needs port {} for a dedicated wire, which is beyond 65535; lower its port {}",
                hub.name, port, base);
  return static_cast<std::uint16_t>(port);
}

}  // namespace radial
