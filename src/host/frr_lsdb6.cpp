// ospf6d's database. FRR 8.4 and 10.3 print the same (`detail json`), and a
// router's own (`self-originated detail json`) nested in the same way.
#include "host/frr_lsdb.h"

#include <array>
#include <utility>

#include "host/frr_json_reader.h"

namespace radial::host::frr {
namespace {

constexpr std::array containers = {"areaScopedLinkStateDb", "interfaceScopedLinkStateDb", "asScopedLinkStateDb"};

LsaType type_of(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, LsaType>, 8> names{{
      {"Router", LsaType::router},
      {"Network", LsaType::network},
      {"Inter-Prefix", LsaType::summary},
      {"Inter-Router", LsaType::asbr_summary},
      {"AS-External", LsaType::external},
      {"Type-7", LsaType::nssa},
      {"Link", LsaType::link},
      {"Intra-Prefix", LsaType::intra_prefix},
  }};
  for (const auto& [name, type] : names)
    if (name == text) return type;
  return LsaType::other;
}

Status add_prefix(OspfLsa& lsa, const Json& json) {
  RADIAL_ASSIGN(const auto text, text_of(json, "prefix"));
  const auto with_host_bits = InterfaceAddress::parse(text);  // as whoever sent it pleased
  if (!with_host_bits) return misunderstood(fmt::format("'prefix': {}", with_host_bits.error().message));
  RADIAL_ASSIGN(const auto metric, (number_of<std::uint32_t, 1>(json, {"metric"}, 0)));
  lsa.prefixes.push_back({with_host_bits->network(), metric});
  return {};
}

Status add_link(OspfLsa& lsa, const Json& json) {
  RADIAL_ASSIGN(const auto type, text_of(json, "type"));
  RADIAL_ASSIGN(const auto router, address_of(json, "neighborRouterId"));
  if (type == "Transit-Network") lsa.transits.push_back(router);
  if (type == "Point-To-Point" || type == "Virtual-Link") lsa.neighbors.push_back(router);
  return {};
}

// Each item of a list that may not be there.
template <class Add>
Status add_each(const Json& json, const char* name, Add add) {
  const auto* list = find(json, name);
  if (list == nullptr || !list->is_array()) return {};
  for (const auto& item : *list) RADIAL_TRY(add(item));
  return {};
}

Status add_content(OspfLsa& lsa, const Json& json) {
  switch (lsa.type) {
    case LsaType::router: {
      RADIAL_ASSIGN(const auto bits, text_of(json, "bits"));  // "------EB"
      lsa.border = bits.ends_with('B');
      return add_each(json, "lsaDescription", [&](const Json& link) { return add_link(lsa, link); });
    }
    case LsaType::network:
      return add_each(json, "attachedRouter", [&](const Json& router) -> Status {
        if (!router.is_string()) return misunderstood("an attached router is not text");
        RADIAL_ASSIGN(const auto id, IpAddress::parse(router.get<std::string>()));
        lsa.neighbors.push_back(id);
        return {};
      });
    case LsaType::summary:
    case LsaType::external:
    case LsaType::nssa: return add_prefix(lsa, json);
    case LsaType::intra_prefix: {
      RADIAL_ASSIGN(lsa.attached_to, address_of(json, "referenceAdv"));
      return add_each(json, "prefix", [&](const Json& prefix) { return add_prefix(lsa, prefix); });
    }
    case LsaType::link: return add_each(json, "prefix", [&](const Json& prefix) { return add_prefix(lsa, prefix); });
    case LsaType::asbr_summary:
    case LsaType::other: return {};
  }
  return {};
}

Result<OspfLsa> lsa_of(const Json& json) {
  if (!json.is_object()) return misunderstood("an LSA is not an object");
  OspfLsa lsa;
  RADIAL_ASSIGN(const auto type, text_of(json, "type"));
  lsa.type = type_of(type);
  RADIAL_ASSIGN(lsa.id, address_of(json, "linkStateId"));
  RADIAL_ASSIGN(lsa.originator, address_of(json, "advertisingRouter"));
  RADIAL_ASSIGN(lsa.sequence, (number_of<std::uint32_t, 1>(json, {"lsSequenceNumber"})));
  RADIAL_ASSIGN(lsa.checksum, (number_of<std::uint16_t, 1>(json, {"checksum"})));
  RADIAL_ASSIGN(lsa.age, (number_of<int, 1>(json, {"age"})));
  RADIAL_TRY(add_content(lsa, json));
  return lsa;
}

void add_all(const Json& group, OspfDatabase& database) {
  const auto* list = find(group, "lsa");
  if (list == nullptr || !list->is_array()) return;
  for (const auto& item : *list) {
    if (auto lsa = lsa_of(item)) database.lsas.push_back(std::move(*lsa));
    else ++database.unreadable;
  }
}

}  // namespace

Status parse_ospf6_database(std::string_view text, OspfDatabase& database) {
  RADIAL_ASSIGN(const auto json, parse(text));
  for (const auto* name : containers)
    if (const auto* groups = find(json, name); groups != nullptr && groups->is_array())
      for (const auto& group : *groups) add_all(group, database);
  return {};
}

}  // namespace radial::host::frr
