// What an import has understood, before it is written as a fabric file.
//
// Not part of the room's public headers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/key.h"
#include "exchange/import.h"

namespace radial::exchange {

struct DraftLan {
  Prefix prefix;
  int line = 0;
  bool shared = false;  // overlaps a LAN of another node: it must stand in the grant as well
};

struct DraftSite {
  std::string name;
  int line = 0;
  std::optional<PublicKey> key;
  std::optional<IpAddress> address;
  std::vector<DraftLan> lans;
  std::optional<std::uint16_t> keepalive;
};

struct Draft {
  std::string fabric;
  std::string interface;
  std::optional<int> mtu;
  std::string area;                   // empty: no OSPF was found
  std::uint16_t hello = 10;
  std::uint16_t dead = 40;
  std::string hub;
  std::optional<Endpoint> endpoint;
  std::uint16_t listen_port = 51820;
  std::optional<Prefix> tunnel;
  std::optional<Prefix> tunnel6;
  std::optional<IpAddress> address;
  std::vector<DraftLan> lans;         // the hub's
  std::vector<DraftSite> sites;
};

// Keeps the widest of each node's own, gives a prefix that stands at several
// sites to the last (as WireGuard does), and marks what overlaps.
void settle_lans(Draft& draft, const ImportOptions& options, std::vector<Note>& notes);

[[nodiscard]] std::string write_fabric(const Draft& draft, const ImportOptions& options);

}  // namespace radial::exchange
