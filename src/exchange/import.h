// Taking over a hub that somebody configured by hand: its wg-quick file and,
// where it runs FRR, its frr.conf become a fabric file and facts. What today's
// sites rely on is kept (the hub's key, tunnel addresses, port, MTU, OSPF's
// area and timers), so that no site need change on the day of the change. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "exchange/note.h"
#include "exchange/wg_quick.h"
#include "fabric/facts.h"

namespace radial::exchange {

// What the operator adds about a site that the file does not say.
struct SiteHint {
  std::string site;
  std::optional<IpAddress> address;
  std::vector<Prefix> lans;
  // "berlin=10.255.0.2,192.168.20.0/24"
  [[nodiscard]] static Result<SiteHint> parse(std::string_view text);
};

struct ImportOptions {
  std::string wg_file = "wg0.conf";
  std::string frr_file = "frr.conf";
  std::string interface = "wg0";
  std::string fabric = "imported";
  std::string hub = "hub";
  std::optional<Endpoint> endpoint;     // where sites dial the hub; no file says it
  std::optional<FrrVersion> frr_version;  // the hub's; else what its frr.conf says
  std::vector<Prefix> lans;             // of the hub, besides those found
  std::vector<SiteHint> sites;
};

struct Imported {
  std::string yaml;
  FabricFacts facts;                    // public keys, the hub's FRR version
  PrivateKey private_key;               // the hub's; zero when it could not be read
  std::map<PublicKey, PresharedKey> preshared;  // with each peer that has one
  std::vector<Note> notes;
  std::size_t sites = 0;
  [[nodiscard]] bool usable() const;    // no note is an error
};

// `frr`: nothing when there is none.
[[nodiscard]] Imported import_hub(std::string_view wg, std::optional<std::string_view> frr, const ImportOptions& options);

}  // namespace radial::exchange
