// Any text is answered with a sound fabric or with mistakes fit to print; a
// sound fabric has an address plan, which holds when planned again.
#include <cstdint>
#include <cstdlib>

#include "fabric/address_plan.h"
#include "fabric/parse.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_mistakes(const std::vector<radial::Mistake>& mistakes) {
  require(!mistakes.empty());
  for (const auto& mistake : mistakes) {
    require(!mistake.problem.empty() && !mistake.fix.empty());
    for (const char c : to_string(mistake, "fabric.yaml")) require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
}

void check_fabric(const radial::Fabric& fabric) {
  for (const auto& hub : fabric.hubs) {
    require(!hub.endpoints.empty());
    for (const auto& lan : hub.lans) require(hub.grant.covers(lan.prefix));
  }
  for (const auto& site : fabric.sites) {
    require(!site.hubs.empty());
    for (const auto& lan : site.lans) require(site.grant.covers(lan.prefix));
  }
  const auto book = radial::plan_addresses(fabric, {});
  require(book.has_value());
  require(radial::plan_addresses(fabric, *book).value() == *book);
  for (const auto& site : fabric.sites) require(radial::router_id(fabric, *book, site.name).is_v4());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = radial::parse_fabric({reinterpret_cast<const char*>(data), size});
  if (const auto* fabric = std::get_if<radial::Fabric>(&parsed))
    check_fabric(*fabric);
  else
    check_mistakes(std::get<std::vector<radial::Mistake>>(parsed));
  return 0;
}
