// Who abuses OSPF: rules over what each site sends the hub (ospf_listener.h)
// and over the hub's database (frr_lsdb.h), for OSPFv2 or for OSPFv3. Pure: the
// time comes in. What it can prove, and what not, stands in docs/security.md.
//
// An LSA names its originator, but any router may send any LSA: flooding does
// so all the time. So a copy of another's LSA proves nothing by itself. Sequence
// numbers do: an honest router never makes an instance of another's LSA, and a
// copy that it passes on was said by the originator. Where we must have heard
// that too (it is our neighbour, or the neighbour of another hub that is ours;
// what we said ourselves stands in ospfd's database), an instance newer than
// all that its originator said, and that it does not say within
// `confirm_within`, is a false one. So is one that it says and at once outdoes with another content: a router
// passes on by its other wires what somebody forged in its name, before it answers. Held to account is
// who brought it to us first: from there on we spread it ourselves, and the others pass it on. Whose adjacency is down, or has just come
// up, may have said what we did not hear: a site of two hubs passes on what one
// of them said while the wire between the hubs was cut.
// One false instance may be an accident (a database
// exchange after a restart returns instances that their originator, restarted
// too, no longer knows: one a key and exchange is forgiven); three of one key
// are not. The originator meanwhile answers each with a newer one, so the
// forger must go on forging: RFC 2328, 13.4.
//
// A site of several hubs passes on to one what a forger brought to another, in its own name and in
// others', and sooner than the other hub does. So what it brings us is held against it only when every other hub
// has answered (agent/hub_talk.h) that it never heard that instance, or heard it no younger: an LSA grows older by a second at
// least on each hop (RFC 2328, 13.3: InfTransDelay), and no honest router makes it younger.
//
// Nothing is held against anybody that is handed back to our own ospfd just after it was restarted.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compile/node_config.h"
#include "host/frr_lsdb.h"
#include "host/ospf_listener.h"

namespace radial::observe {

using OspfTime = std::chrono::steady_clock::time_point;

struct Offence {
  std::string site;
  std::string what;  // "forges the router LSA of berlin (10.255.0.198)"
  bool operator==(const Offence&) const = default;
};

// A site announces what its grant does not cover: refused by every filter, no
// reason to cut it off.
struct Refused {
  std::string site;
  Prefix prefix;
  host::LsaType type = host::LsaType::router;
  auto operator<=>(const Refused&) const = default;
};

inline constexpr std::chrono::seconds confirm_within{2};
inline constexpr std::chrono::seconds offence_window{300};
inline constexpr std::chrono::seconds settles_within{15};  // an adjacency: its exchange, and what its ends say of it
inline constexpr std::chrono::seconds flood_stands{5};     // of a site of several hubs: what it merely passes on in its own name it withdraws at once
inline constexpr std::size_t forged_of_one_key = 3;
// The network LSA of an NBMA wire: FRR 8.4 sites return instances that the hub
// has flushed meanwhile (eight were seen after an MTU went down and up again).
// Who wants to disturb by it must outdo the hub's answer again and again.
inline constexpr std::size_t forged_of_a_network_lsa = 30;
inline constexpr std::size_t forged_keys = 100;        // of different LSAs, outside exchanges
inline constexpr std::size_t most_prefixes = 1000;     // of one site; an LSA without any counts for one
inline constexpr std::size_t most_ungranted = 100;     // of one site

// An instance of an LSA, and how old it was when it came.
struct HeardLsa {
  host::LsaType type = host::LsaType::router;
  IpAddress id;
  IpAddress originator;
  std::uint32_t sequence = 0;
  std::uint16_t checksum = 0;
  bool withdrawn = false;
  int age = 0;  // seconds; in an answer: when it came first, or -1: it did not
  auto operator<=>(const HeardLsa&) const = default;
};
inline constexpr std::size_t most_questions = 8;  // at a time: they and their answers fit into a datagram

class LsaJudge {
 public:
  // One version's packets and databases are to be given to it.
  explicit LsaJudge(host::OspfVersion version = host::OspfVersion::v2) : version_(version) {}

  // The node is a hub that speaks this version with sites, else nothing is ever
  // found. Forgets what it heard when the sites or router-ids changed.
  void configure(const NodeConfig& config);
  [[nodiscard]] bool at_work() const { return !sites_.empty(); }

  // Each offence once a call; the caller acts on the first.
  std::vector<Offence> hear(OspfTime now, const std::vector<host::HeardOspf>& heard);
  std::vector<Offence> tick(OspfTime now);
  // True when a site handed us an LSA of our own: we_said() is to be called,
  // with the node's own LSAs as they are now, before the next tick.
  [[nodiscard]] bool wonders_what_we_said() const;
  void we_said(OspfTime now, const host::OspfDatabase& own);
  // Our own ospfd was restarted, or is seen for the first time: what sites hand
  // back of ours until it has settled is what it said before. No site can make it restart.
  void we_restarted(OspfTime now);
  // To be called with the whole database now and then: a false link must have
  // been claimed by two of them in a row.
  std::vector<Offence> audit(const host::OspfDatabase& database);
  [[nodiscard]] const std::set<Refused>& refused() const { return refused_; }  // as of the last audit
  // What the other hubs are to be asked, by their router-ids. To be called now and then, after tick().
  [[nodiscard]] std::map<IpAddress, std::vector<HeardLsa>> questions(OspfTime now) const;
  // How old the instance was when we heard it; for a hub that asks.
  [[nodiscard]] HeardLsa answer(HeardLsa question) const;
  std::vector<Offence> answered(const IpAddress& hub, const HeardLsa& answer);
  // Starts afresh with a site that was let back.
  void forget(const std::string& site);

 private:
  struct Key {
    host::LsaType type;
    IpAddress id;
    IpAddress originator;
    auto operator<=>(const Key&) const = default;
  };
  struct Instance {
    std::uint32_t sequence;
    std::uint16_t checksum;
    bool withdrawn;
    auto operator<=>(const Instance&) const = default;
  };
  // What a site brought us. Of a site of several hubs: what the others say of it.
  struct Brought {
    Instance instance;
    int age;
    OspfTime when;
    std::map<IpAddress, bool> younger = {};  // by hub that answered: whether it came there before
  };
  struct Claim : Brought {
    std::uint64_t content = 0;          // of the LSA
    std::optional<OspfTime> said = {};  // by its originator, who may yet outdo it
    bool disowned = false;              // that did so
    bool proven_false = false;
  };
  // A neighbour that hears us, by its hellos.
  struct Presence {
    OspfTime since;  // without a gap, and without a new exchange
    OspfTime last;
  };
  struct Amount {
    std::size_t prefixes = 0;   // an LSA without any counts for one
    std::size_t ungranted = 0;
  };
  // An LSA in its own name, of a site of several hubs, that counts when it is its own.
  struct Own : Brought {
    Key key;
    std::string wrong;               // an offence; empty: it claims links
    std::vector<IpAddress> links = {};
  };
  struct Site {
    std::string node;
    std::string interface;                         // the wire that it is on
    IpAddress router_id;
    Grant grant;
    std::vector<IpAddress> addresses;
    bool others_behind = false;                    // another router may live on its LAN
    bool several_hubs = false;
    std::optional<bool> border = {};               // by its own router-LSA, once that was seen
    std::map<Key, Amount> announced = {};          // by its own LSAs
    Amount amount = {};                            // of all
    std::map<Key, std::vector<Claim>> claims = {}; // others' LSAs, not confirmed
    std::deque<OspfTime> exchanges = {};
    std::vector<Own> own = {};                     // not judged yet
    std::optional<OspfTime> flooding_since = {};
  };

  static Key key_of(const host::OspfLsa& lsa);
  static Instance instance_of(const host::OspfLsa& lsa);
  static std::pair<Key, Instance> named_by(const HeardLsa& heard);
  Site* site_at(const std::string& interface, const IpAddress& address);
  void judge_own(OspfTime now, Site& site, const host::OspfLsa& lsa, std::vector<Offence>& offences);
  [[nodiscard]] std::string wrong_with_own(const Site& site, const host::OspfLsa& lsa) const;
  [[nodiscard]] std::string flood_of(const Site& site) const;
  void found_flooding(Site& site, std::vector<Offence>& offences) const;
  [[nodiscard]] std::string forged_by(Site& site, OspfTime now);
  [[nodiscard]] bool is_its_own(const Site& site, const Brought& brought) const;
  void judge_brought_own(Site& site, std::vector<Offence>& offences);
  void note_age(OspfTime now, const host::OspfLsa& lsa);
  void judge_claim(OspfTime now, Site& site, const host::OspfLsa& lsa, std::vector<Offence>& offences);
  void said(const host::OspfLsa& lsa);
  void said_by_itself(OspfTime now, const host::OspfLsa& lsa);
  void remember(const Key& key, const Instance& instance);
  void set_amount(Site& site, const Key& key, const host::OspfLsa& lsa) const;
  void note_presence(OspfTime now, const host::OspfPacket& packet);
  [[nodiscard]] bool heard_around(const IpAddress& router_id, OspfTime when) const;
  [[nodiscard]] bool is_site(const IpAddress& router_id) const;
  [[nodiscard]] bool would_have_heard(const IpAddress& originator, const Site& site, OspfTime when) const;
  [[nodiscard]] bool is_on_wire(const IpAddress& router_id, const std::string& interface) const;
  void expire(OspfTime now, Site& site) const;
  [[nodiscard]] const Router* router(const IpAddress& id) const;  // of the fabric, else null
  [[nodiscard]] std::string name_of(const IpAddress& router_id) const;
  [[nodiscard]] bool may_announce(const Site& site, const Prefix& prefix) const;
  // "OSPFv3 router", for people.
  [[nodiscard]] std::string lsa_called(host::LsaType type) const;
  [[nodiscard]] std::string_view version_called() const;

  host::OspfVersion version_;
  std::vector<Site> sites_;
  std::vector<Router> routers_;
  std::vector<Prefix> tunnels_;
  std::set<std::string> site_wires_;
  IpAddress router_id_;                       // this node's
  OspfTime we_said_at_{};
  OspfTime settled_at_{};                     // our own ospfd, after a restart
  std::map<IpAddress, Presence> present_;     // by router-id; of the fabric's routers
  std::vector<IpAddress> other_hubs_;
  std::set<std::pair<Key, Instance>> claimed_;    // by any site, as of the last tick and later
  std::map<std::pair<Key, Instance>, int> ages_;  // at which it came here first; where there are several hubs
  std::deque<std::pair<OspfTime, std::pair<Key, Instance>>> ages_in_order_;
  std::map<Key, std::deque<Instance>> said_;  // by the originator itself, or by a hub: the last few
  std::set<std::pair<std::string, IpAddress>> false_links_;  // of the last audit: site, router-id
  std::set<std::pair<IpAddress, IpAddress>> claimed_links_;  // by sites, since the last audit: from, to
  std::set<Refused> refused_;
};

}  // namespace radial::observe
