#include "host/frr_lsdb.h"

#include <array>
#include <bit>
#include <charconv>

#include "host/frr_json_reader.h"
#include "host/ospf_reader.h"

namespace radial::host {

std::string_view to_string(LsaType type, OspfVersion version) {
  const bool v3 = version == OspfVersion::v3;
  switch (type) {
    case LsaType::other: return "unknown";
    case LsaType::router: return "router";
    case LsaType::network: return "network";
    case LsaType::summary: return v3 ? "inter-area-prefix" : "summary";
    case LsaType::asbr_summary: return v3 ? "inter-area-router" : "asbr-summary";
    case LsaType::external: return "external";
    case LsaType::nssa: return "nssa-external";
    case LsaType::link: return "link";
    case LsaType::intra_prefix: return "intra-area-prefix";
  }
  return "unknown";
}

namespace frr {
namespace {

constexpr std::array read_types = {LsaType::router, LsaType::network, LsaType::summary, LsaType::asbr_summary,
                                   LsaType::external};

const char* container_of(LsaType type) {
  switch (type) {
    case LsaType::router: return "routerLinkStates";
    case LsaType::network: return "networkLinkStates";
    case LsaType::summary: return "summaryLinkStates";
    case LsaType::asbr_summary: return "asbrSummaryLinkStates";
    case LsaType::external: return "asExternalLinkStates";
    case LsaType::nssa: return "nssaExternalLinkStates";
    case LsaType::other:
    case LsaType::link:
    case LsaType::intra_prefix: break;  // OSPFv3's
  }
  return "";
}

// "255.255.255.0" -> 24; a mask with holes is refused.
Result<int> mask_length(const IpAddress& mask) {
  const auto bits = mask.to_v4();
  const int length = std::countl_one(bits);
  if (std::popcount(bits) != length) return misunderstood(fmt::format("'{}' is no mask", mask));
  return length;
}

template <typename Number>
Result<Number> hex_of(const Json& json, const char* field) {
  RADIAL_ASSIGN(const auto text, text_of(json, field));
  Number number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (error != std::errc{} || end != text.data() + text.size())
    return misunderstood(fmt::format("'{}' is no number: {}", field, text.substr(0, 16)));
  return number;
}

Status add_link(OspfLsa& lsa, const Json& json) {
  RADIAL_ASSIGN(const auto type, text_of(json, "linkType"));
  if (type.starts_with("Stub")) {
    RADIAL_ASSIGN(const auto network, address_of(json, "networkAddress"));
    RADIAL_ASSIGN(const auto mask, address_of(json, "networkMask"));
    if (!network.is_v4() || !mask.is_v4()) return misunderstood("a stub network that is not IPv4");
    RADIAL_ASSIGN(const auto length, mask_length(mask));
    RADIAL_ASSIGN(const auto metric, (number_of<std::uint32_t, 1>(json, {"tos0Metric"}, 0)));
    lsa.prefixes.push_back({Prefix::of(network, length), metric});
  } else if (type.starts_with("a Transit")) {
    RADIAL_ASSIGN(auto router, address_of(json, "designatedRouterAddress"));
    lsa.transits.push_back(router);
  } else {
    RADIAL_ASSIGN(auto router, address_of(json, "neighborRouterId"));
    lsa.neighbors.push_back(router);
  }
  return {};
}

Status add_prefix(OspfLsa& lsa, const Json& json) {
  RADIAL_ASSIGN(const auto length, (number_of<int, 1>(json, {"networkMask"})));
  if (length < 0 || length > 32 || !lsa.id.is_v4()) return misunderstood("'networkMask' is no length of a mask");
  RADIAL_ASSIGN(const auto metric, (number_of<std::uint32_t, 2>(json, {"metric", "tos0Metric"}, 0)));
  lsa.prefixes.push_back({Prefix::of(lsa.id, length), metric});
  return {};
}

// What names the instance.
Result<OspfLsa> header_of(const Json& json, LsaType type) {
  if (!json.is_object()) return misunderstood("an LSA is not an object");
  OspfLsa lsa;
  lsa.type = type;
  RADIAL_ASSIGN(lsa.id, address_of(json, "linkStateId"));
  RADIAL_ASSIGN(lsa.originator, address_of(json, "advertisingRouter"));
  RADIAL_ASSIGN(lsa.sequence, hex_of<std::uint32_t>(json, "lsaSeqNumber"));
  RADIAL_ASSIGN(lsa.checksum, hex_of<std::uint16_t>(json, "checksum"));
  RADIAL_ASSIGN(lsa.age, (number_of<int, 1>(json, {"lsaAge"})));
  return lsa;
}

Result<OspfLsa> lsa_of(const Json& json, LsaType type) {
  RADIAL_ASSIGN(auto lsa, header_of(json, type));
  if (type == LsaType::router) {
    if (find(json, "flags") != nullptr) {
      RADIAL_ASSIGN(const auto flags, (number_of<std::uint8_t, 1>(json, {"flags"})));
      lsa.border = (flags & ospf::border_bit) != 0;
    }
    if (const auto* links = find(json, "routerLinks"); links != nullptr && links->is_object())
      for (const auto& link : *links) RADIAL_TRY(add_link(lsa, link));
    return lsa;
  }
  if (type != LsaType::asbr_summary) RADIAL_TRY(add_prefix(lsa, json));
  if (const auto* attached = find(json, "attchedRouters"); attached != nullptr && attached->is_object())
    for (const auto& router : *attached) {
      RADIAL_ASSIGN(auto id, address_of(router, "attachedRouterId"));
      lsa.neighbors.push_back(id);
    }
  return lsa;
}

void add_all(const Json& list, LsaType type, OspfDatabase& database) {
  if (!list.is_array()) return;
  for (const auto& item : list) {
    if (auto lsa = lsa_of(item, type)) database.lsas.push_back(std::move(*lsa));
    else ++database.unreadable;
  }
}

// Wherever they stand: `self-originate` nests them in another way than the whole database.
void add_headers(const Json& json, LsaType type, OspfDatabase& database) {
  if (find(json, "lsaSeqNumber") != nullptr) {
    if (auto lsa = header_of(json, type)) database.lsas.push_back(std::move(*lsa));
    else ++database.unreadable;
    return;
  }
  if (json.is_structured())
    for (const auto& part : json) add_headers(part, type, database);
}

}  // namespace

Status parse_own_lsas(std::string_view text, LsaType type, OspfDatabase& database) {
  RADIAL_ASSIGN(const auto json, parse(text));
  if (json.empty()) return {};
  RADIAL_ASSIGN(database.router_id, address_of(json, "routerId"));
  add_headers(json, type, database);
  return {};
}

Status parse_ospf_database(std::string_view text, LsaType type, OspfDatabase& database) {
  RADIAL_ASSIGN(const auto json, parse(text));
  if (json.empty()) return {};
  RADIAL_ASSIGN(database.router_id, address_of(json, "routerId"));
  const auto* states = find(json, container_of(type));
  if (states == nullptr) return {};
  if (states->is_array()) add_all(*states, type, database);  // AS-external: of no area
  if (!states->is_object()) return {};
  if (const auto* areas = find(*states, "areas"); areas != nullptr && areas->is_object())
    for (const auto& area : *areas) add_all(area, type, database);
  return {};
}

}  // namespace frr

namespace {

// All of OSPFv3's in one answer.
Result<OspfDatabase> read_ospf6_database(Frr& frr, std::string_view which) {
  OspfDatabase database;
  RADIAL_ASSIGN(const auto text, frr.command("ospf6d", fmt::format("show ipv6 ospf6 database{} detail json", which)));
  RADIAL_TRY(frr::parse_ospf6_database(text, database));
  return database;
}

Result<OspfDatabase> read_database(Frr& frr, std::string_view which,
                                   Status (*parse)(std::string_view text, LsaType type, OspfDatabase& database)) {
  OspfDatabase database;
  for (const auto type : frr::read_types) {
    RADIAL_ASSIGN(const auto text, frr.command("ospfd", fmt::format("show ip ospf database {}{} json", to_string(type), which)));
    RADIAL_TRY(parse(text, type, database));
  }
  return database;
}

}  // namespace

Result<OspfDatabase> read_ospf_database(Frr& frr, OspfVersion version) {
  return version == OspfVersion::v3 ? read_ospf6_database(frr, "") : read_database(frr, "", frr::parse_ospf_database);
}
Result<OspfDatabase> read_own_lsas(Frr& frr, OspfVersion version) {
  return version == OspfVersion::v3 ? read_ospf6_database(frr, " self-originated")
                                    : read_database(frr, " self-originate", frr::parse_own_lsas);
}

}  // namespace radial::host
