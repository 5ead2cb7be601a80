// What each site announces by BGP and may not, at its hub. bgpd drops it before
// any table and keeps no name of it, so it is read from what the site sends
// (host/bgp_listener.h) and held against the site's grant, from which bgpd's own prefix-list is made.
//
// Why not from bgpd: what is refused would have to be kept there ("soft-reconfiguration
// inbound"), and nothing bounds it. maximum-prefix does not count it, not even with "force"
// (FRR 8.4 counts it when it looks again, and then closes the session; 10.3 does not at all), so one
// site could fill the hub's memory. To switch it on for a moment at a time, once a counter says that something
// was refused, needs a counter that FRR 8.4 does not have, leaves a line behind when radiald dies,
// and sees a withdrawal only by looking again and again. Here memory is bounded, an announcement
// and its withdrawal are seen as they happen, and FRR's configuration stays as it is.
//
// What it cannot: a site may write its TCP so that this reads it otherwise than the hub's
// kernel. It then announces, is refused, and is not named. Nothing but the finding depends on this.
//
// Pure: the time comes in. A session that was up before we listened, or of which something was
// missed, is to be asked to say all again (to_ask).
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compile/node_config.h"
#include "host/bgp_listener.h"
#include "host/bgp_message.h"
#include "host/frr.h"

namespace radial::observe {

inline constexpr std::size_t most_named_of_a_site = 1000;
inline constexpr std::size_t most_named = 20'000;          // of all
inline constexpr std::size_t most_connections = 4;         // of a site: two, when both ends dial
inline constexpr std::chrono::seconds told_again_within{10};
inline constexpr std::chrono::seconds ask_again_after{300};  // what is refused; a withdrawal may have been missed
inline constexpr std::chrono::seconds between_asks{10};

struct RefusedOfSite {
  std::vector<Prefix> prefixes;  // sorted
  bool more = false;             // and others, that were not kept
  bool operator==(const RefusedOfSite&) const = default;
};

class BgpRefusals {
 public:
  using Time = host::BgpStream::Time;

  // Of a hub that speaks BGP with sites; else nothing is ever refused. What is
  // known of a site that stays is kept, and judged by its new grant.
  void configure(const NodeConfig& config);
  [[nodiscard]] bool at_work() const { return !sites_.empty(); }

  void hear(Time now, const std::vector<host::HeardBgp>& heard);
  // Whether tick() has use for the sessions.
  [[nodiscard]] bool wants_sessions() const;
  // About once a second. `sessions`: bgpd's, or null where it was not asked or did not
  // answer. Forgets what sessions that are no more had said.
  void tick(Time now, const std::vector<host::BgpSession>* sessions);
  // Neighbours to ask for all that they announce ("clear bgp … soft in", RFC 2918), each once.
  [[nodiscard]] std::vector<IpAddress> to_ask(Time now);

  [[nodiscard]] std::map<std::string, RefusedOfSite> refused() const;  // by site

 private:
  struct Connection {
    std::uint16_t their_port;
    std::uint16_t our_port;
    Time began;                     // or was first heard
    host::BgpStream stream = {};
    std::map<Prefix, Time> refused = {};  // when it was last announced
    bool more = false;
  };
  // A session runs between IPv4 addresses, over one wire, for both families.
  struct Place {
    IpAddress address;
    std::string interface;
    auto operator<=>(const Place&) const = default;
  };
  struct Site {
    std::string node;
    Grant grant;
    std::vector<Connection> connections = {};
    bool known = false;             // heard from its beginning, or asked
    bool wants_asking = false;
    std::optional<Time> asked = {};
    bool awaits = false;            // what was asked for
  };

  void hear(Time now, Site& site, const host::HeardBgp& heard);
  void judge(Time now, Site& site, Connection& connection, const host::BgpUpdate& update);
  void look(Time now, Site& site, const host::BgpSession& session);
  void keep_live(Site& site, const host::BgpSession& session, Time now);
  static bool refuses(const Connection& one) { return !one.refused.empty() || one.more; }
  void forget(Connection& connection);
  void drop(Site& site, std::size_t connection);

  std::map<Place, Site> sites_;
  std::size_t named_ = 0;           // in all books
};

}  // namespace radial::observe
