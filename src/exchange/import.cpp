#include "exchange/import.h"

#include <algorithm>
#include <map>

#include "exchange/frr_conf.h"
#include "exchange/import_draft.h"
#include "exchange/names.h"
#include "exchange/text_lines.h"
#include "fabric/parse.h"

namespace radial::exchange {
namespace {

constexpr int shortest_tunnel = 8;   // docs/fabric-file.md: a hub's `tunnel` is /8 to /30
constexpr int longest_tunnel = 30;
constexpr int usual_tunnel = 24;
constexpr std::size_t key_letters = 8;

bool fits_tunnel(int length) { return length >= shortest_tunnel && length <= longest_tunnel; }

class Import {
 public:
  Import(WgQuickFile wg, std::optional<FrrConf> frr, const ImportOptions& options)
      : wg_(std::move(wg)), frr_(std::move(frr)), options_(options) {}

  Imported run() {
    notes_ = wg_.notes;
    if (frr_) notes_.insert(notes_.end(), frr_->notes.begin(), frr_->notes.end());
    hub();
    routing();
    hub_lans();
    sites();
    settle_lans(draft_, options_, notes_);
    return finish();
  }

 private:
  void note(Weight weight, int line, std::string text) {
    notes_.push_back({weight, options_.wg_file, line, std::move(text)});
  }
  void frr_note(Weight weight, int line, std::string text) {
    notes_.push_back({weight, options_.frr_file, line, std::move(text)});
  }

  void hub() {
    draft_.fabric = options_.fabric;
    draft_.hub = options_.hub;
    draft_.interface = options_.interface;
    draft_.endpoint = options_.endpoint;
    draft_.mtu = wg_.mtu;
    draft_.listen_port = wg_.listen_port.value_or(draft_.listen_port);
    const bool dials = std::any_of(wg_.peers.begin(), wg_.peers.end(), [](const auto& peer) { return peer.endpoint_line != 0; });
    if (!wg_.listen_port && dials)
      note(Weight::error, 0, "no ListenPort, and a peer with an Endpoint: this looks like a site's file; import the hub's");
    else if (!wg_.listen_port)
      note(Weight::error, 0, "no ListenPort: WireGuard takes another port at every start, so no site can find this hub");
    if (!draft_.endpoint)
      note(Weight::error, 0, "where sites dial this hub stands in the sites' files, not in this one: give it with --endpoint HOST:PORT");
    tunnel();
  }

  void tunnel() {
    for (const auto& address : wg_.addresses) {
      if (address.address.is_v4() && !draft_.address) tunnel_v4(address);
      else if (address.address.is_v4())
        note(Weight::warning, wg_.address_line, fmt::format("a second IPv4 address, {}; left out", address));
    }
    for (const auto& address : wg_.addresses)
      if (address.address.is_v6() && !address.address.is_link_local()) tunnel_v6(address);
    if (!draft_.address) note(Weight::error, wg_.address_line, "no IPv4 Address: Radial needs the hub's tunnel address");
  }

  void tunnel_v4(const InterfaceAddress& address) {
    draft_.address = address.address;
    if (fits_tunnel(address.length)) {
      draft_.tunnel = address.network();
      return;
    }
    if (frr_)
      for (const auto& network : frr_->networks)
        if (network.prefix.contains(address.address) && fits_tunnel(network.prefix.length()) &&
            (!draft_.tunnel || network.prefix.length() > draft_.tunnel->length()))
          draft_.tunnel = network.prefix;
    const bool guessed = !draft_.tunnel;
    if (guessed) draft_.tunnel = Prefix::of(address.address, usual_tunnel);
    note(Weight::warning, wg_.address_line,
         fmt::format("Address is a /{}: the tunnel prefix is taken to be {}{}", address.length, draft_.tunnel->to_string(),
                     guessed ? "; correct it under 'tunnel' if your sites have others" : ", as OSPF's network line has it"));
  }

  // Radial gives a node the same number in both families.
  void tunnel_v6(const InterfaceAddress& address) {
    if (draft_.tunnel6 || !draft_.tunnel) return;
    constexpr int tunnel6_length = 64;
    if (address.length != tunnel6_length || paired(*draft_.address, address.network()) != address.address)
      return note(Weight::warning, wg_.address_line,
                  fmt::format("{}: Radial's IPv6 tunnel is a /64 in which a node has the number it has in {}; left out, "
                              "'tunnel6' is none", address, draft_.tunnel->to_string()));
    draft_.tunnel6 = address.network();
  }

  std::optional<IpAddress> paired(const IpAddress& v4, const Prefix& tunnel6) const {
    return tunnel6.address().plus(v4.to_v4() - draft_.tunnel->address().to_v4());
  }

  [[nodiscard]] bool of_tunnel(const Prefix& prefix) const {
    return (draft_.tunnel && draft_.tunnel->overlaps(prefix)) || (draft_.tunnel6 && draft_.tunnel6->overlaps(prefix));
  }

  void routing() {
    if (!frr_ || !frr_->ospf) {
      if (frr_) frr_note(Weight::warning, 0, "no 'router ospf' in it");
      note(Weight::info, 0, "no OSPF was found: the hub reaches the sites' LANs by static routes until they run an agent "
                            "(or take 'radial export')");
      return;
    }
    const auto* wire = frr_->find(options_.interface);
    std::map<std::string, int> areas;
    for (const auto& network : frr_->networks) areas.emplace(network.area, network.line);
    for (const auto& interface : frr_->interfaces)
      if (!interface.area.empty()) areas.emplace(interface.area, interface.line);
    draft_.area = areas.empty() ? "0.0.0.0" : areas.begin()->first;
    for (const auto& network : frr_->networks)
      if (draft_.address && network.prefix.contains(*draft_.address)) draft_.area = network.area;
    if (wire != nullptr && !wire->area.empty()) draft_.area = wire->area;
    for (const auto& [area, line] : areas)
      if (area != draft_.area)
        frr_note(Weight::warning, line, fmt::format("area {}: the tunnel is in area {}, and a fabric has one; Radial leaves "
                                                    "this line, but announces nothing there", area, draft_.area));
    if (wire != nullptr) {
      draft_.hello = wire->hello.value_or(draft_.hello);
      draft_.dead = wire->dead.value_or(static_cast<std::uint16_t>(std::min(draft_.hello * 4, 65535)));
    }
    network_type(wire);
    version();
  }

  [[nodiscard]] std::optional<FrrVersion> frr_version() const {
    return options_.frr_version ? options_.frr_version : frr_ ? frr_->version : std::nullopt;
  }

  // How the hub greets its sites follows from its version.
  void version() {
    const auto version = frr_version();
    if (!version)
      frr_note(Weight::warning, 0, "no 'frr version' line: the hub's FRR is taken to be 8.4; if it is newer, say so with --frr "
                                   "(vtysh -c 'show version')");
  }

  void network_type(const FrrInterface* wire) {
    const auto type = wire == nullptr ? std::string() : wire->network;
    const int line = wire == nullptr ? 0 : wire->line;
    if (type.starts_with("point-to-multipoint"))
      frr_note(Weight::info, line,
               "point-to-multipoint: a hub with FRR 10.1 or later greets such sites by unicast, and they need no change. An "
               "older one cannot: update the hub's FRR first");
    else if (type.starts_with("point-to-point"))
      frr_note(Weight::info, line, "point-to-point: a hub with FRR 10.1 or later understands sites that run it");
    else if (type == "non-broadcast")
      frr_note(Weight::info, line, "non-broadcast: fits a hub with FRR before 10.1; sites must change with a later one");
    else
      frr_note(Weight::warning, line, fmt::format("no 'ip ospf network' for {} here: make sure that the sites have "
                                                  "point-to-multipoint", options_.interface));
  }

  void hub_lans() {
    for (const auto& prefix : options_.lans) draft_.lans.push_back({prefix, 0});
    if (!frr_) return;
    for (const auto& network : frr_->networks) {
      if (network.prefix.is_default())
        frr_note(Weight::warning, network.line, "0.0.0.0/0 takes in every interface: name the hub's LANs with --lan");
      else if (!of_tunnel(network.prefix))
        draft_.lans.push_back({network.prefix, network.line});
    }
    for (const auto& interface : frr_->interfaces) {
      if (interface.area.empty() || interface.name == options_.interface || interface.name == "lo") continue;
      if (interface.addresses.empty() && options_.lans.empty())
        frr_note(Weight::warning, interface.line, fmt::format("{} is in OSPF, but its prefix does not stand here: name it with "
                                                              "--lan", label_of(interface.name)));
      for (const auto& address : interface.addresses)
        if (!of_tunnel(address.network())) draft_.lans.push_back({address.network(), interface.line});
    }
  }

  void sites() {
    names_.take(options_.hub);
    std::map<PublicKey, int> keys;
    std::map<IpAddress, std::string> addresses;
    if (draft_.address) addresses.emplace(*draft_.address, options_.hub);
    tell_of_defaults();
    for (const auto& peer : wg_.peers) {
      if (peer.public_key) {
        const auto [known, fresh] = keys.emplace(*peer.public_key, peer.line);
        if (!fresh) {
          note(Weight::error, peer.line, fmt::format("the same PublicKey as the peer of line {}: WireGuard takes both for one "
                                                     "peer; left out", known->second));
          continue;
        }
      }
      auto site = site_of(peer);
      if (site.address) {
        const auto [holder, fresh] = addresses.emplace(*site.address, site.name);
        if (!fresh) {
          note(Weight::error, site.line, fmt::format("{} has the address {} of {}; left out", site.name, *site.address, holder->second));
          site.address.reset();
        }
      }
      draft_.sites.push_back(std::move(site));
    }
    for (const auto& hint : options_.sites)
      if (std::none_of(draft_.sites.begin(), draft_.sites.end(), [&](const auto& site) { return site.name == hint.site; }))
        note(Weight::error, 0, fmt::format("--site {}: no peer has that name", hint.site));
  }

  void tell_of_defaults() {
    for (const auto family : {Family::v4, Family::v6}) {
      std::vector<int> lines;
      for (const auto& peer : wg_.peers)
        for (const auto& allowed : peer.allowed_ips)
          if (allowed.prefix == Prefix::any(family)) lines.push_back(allowed.line);
      if (lines.size() < 2) continue;
      std::string others;
      for (std::size_t i = 0; i + 1 < lines.size(); ++i) others += (i == 0 ? "" : ", ") + std::to_string(lines[i]);
      note(Weight::warning, lines.back(),
           fmt::format("{} stands at {} peers (also line {}): on one interface WireGuard gives a prefix to one peer, so only "
                       "this last one works today and the others are deaf. Radial gives each its own prefixes",
                       Prefix::any(family).to_string(), lines.size(), others));
    }
  }

  DraftSite site_of(const WgQuickPeer& peer) {
    DraftSite site;
    site.line = peer.line;
    site.key = peer.public_key;
    site.name = name_of(peer);
    if (peer.keepalive && *peer.keepalive != 0 && *peer.keepalive != 25) site.keepalive = peer.keepalive;
    if (peer.endpoint_line != 0)
      note(Weight::warning, peer.endpoint_line, fmt::format("the hub dials {}: under Radial sites dial, and the hub answers. A "
                                                            "site that has the hub's endpoint is fine", site.name));
    bool says_nothing = false;
    for (const auto& allowed : peer.allowed_ips) sort_in(site, allowed, says_nothing);
    for (const auto& hint : options_.sites) {
      if (hint.site != site.name) continue;
      if (hint.address) site.address = hint.address;
      for (const auto& lan : hint.lans) site.lans.push_back({lan, peer.line});
    }
    if (!site.address)
      note(Weight::error, peer.line,
           fmt::format("{}: {} its tunnel address{}; give --site {}=ADDRESS,LAN,… with what it has today", site.name,
                       says_nothing ? "AllowedIPs of everything do not tell" : "AllowedIPs do not hold",
                       site.lans.empty() ? " and LANs" : "", site.name));
    return site;
  }

  void sort_in(DraftSite& site, const AllowedIp& allowed, bool& says_nothing) {
    const auto& prefix = allowed.prefix;
    if (prefix.is_default()) {
      says_nothing = true;
    } else if (prefix.is_host() && prefix.family() == Family::v4 && of_tunnel(prefix) && !site.address) {
      site.address = prefix.address();
    } else if (prefix.is_host() && of_tunnel(prefix) && prefix.family() == Family::v6) {
      v6_.emplace_back(site.name, allowed);
    } else if (prefix.address().is_link_local() || prefix.address().is_multicast()) {
      note(Weight::info, allowed.line, fmt::format("{} is left out: Radial gives link-local addresses itself, and needs no "
                                                   "multicast", prefix.to_string()));
    } else if (of_tunnel(prefix)) {
      note(Weight::warning, allowed.line, fmt::format("{} at {} takes in tunnel addresses of others; left out",
                                                      prefix.to_string(), site.name));
    } else {
      site.lans.push_back({prefix, allowed.line});
    }
  }

  std::string name_of(const WgQuickPeer& peer) {
    auto name = label_of(peer.title);
    if (name.empty()) {
      name = "peer-";
      if (peer.public_key) name += label_of(peer.public_key->to_string().substr(0, key_letters));
      while (name.back() == '-') name.pop_back();
    }
    return names_.unique(name);
  }

  void check_v6_addresses() {
    for (const auto& [name, allowed] : v6_) {
      const auto site = std::find_if(draft_.sites.begin(), draft_.sites.end(), [&](const auto& one) { return one.name == name; });
      if (site == draft_.sites.end() || !site->address || !draft_.tunnel6 || !draft_.tunnel) continue;
      const auto expected = draft_.tunnel->contains(*site->address) ? paired(*site->address, *draft_.tunnel6) : std::nullopt;
      if (expected != allowed.prefix.address())
        note(Weight::warning, allowed.line,
             fmt::format("{}: Radial's IPv6 address for it is {}, by its number in the tunnel; change it at the site", name,
                         expected ? expected->to_string() : "another"));
    }
  }

  Imported finish() {
    check_v6_addresses();
    Imported result;
    result.yaml = write_fabric(draft_, options_);
    result.sites = draft_.sites.size();
    for (const auto& site : draft_.sites)
      if (site.key) result.facts.nodes[site.name].public_key = site.key;
    if (!wg_.private_key.is_zero()) result.facts.nodes[options_.hub].public_key = wg_.private_key.public_key();
    if (const auto version = frr_version()) result.facts.nodes[options_.hub].frr = version;
    result.private_key = std::move(wg_.private_key);
    for (auto& peer : wg_.peers)
      if (peer.public_key && peer.preshared) result.preshared.emplace(*peer.public_key, std::move(*peer.preshared));
    // What the fabric's own rules have to say, but for the endpoint, which is told already.
    auto complete = draft_;
    if (!complete.endpoint) complete.endpoint = Endpoint{"hub.invalid", complete.listen_port};
    const auto parsed = parse_fabric(write_fabric(complete, options_));
    if (const auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed))
      for (const auto& mistake : *mistakes)
        notes_.push_back({Weight::error, "fabric.yaml", mistake.line,
                          fmt::format("{}: {}; {}", mistake.field, mistake.problem, mistake.fix)});
    std::stable_sort(notes_.begin(), notes_.end(), [&](const Note& a, const Note& b) {
      const auto rank = [&](const Note& one) { return one.file == options_.wg_file ? 0 : one.file == options_.frr_file ? 1 : 2; };
      return std::pair(rank(a), a.line) < std::pair(rank(b), b.line);
    });
    result.notes = std::move(notes_);
    return result;
  }

  WgQuickFile wg_;
  std::optional<FrrConf> frr_;
  const ImportOptions& options_;
  Draft draft_;
  Names names_;
  std::vector<std::pair<std::string, AllowedIp>> v6_;
  std::vector<Note> notes_;
};

}  // namespace

Result<SiteHint> SiteHint::parse(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return fail(Errc::invalid_argument, "'{}' is not NAME=ADDRESS,LAN,…", text.substr(0, 64));
  SiteHint hint;
  hint.site = text.substr(0, equals);
  for (const auto word : split(text.substr(equals + 1), ", ")) {
    if (const auto address = IpAddress::parse(word); address && !hint.address) {
      hint.address = *address;
      continue;
    }
    RADIAL_ASSIGN(const auto prefix, Prefix::parse(word));
    hint.lans.push_back(prefix);
  }
  return hint;
}

bool Imported::usable() const {
  return std::none_of(notes.begin(), notes.end(), [](const Note& note) { return note.weight == Weight::error; });
}

Imported import_hub(std::string_view wg, std::optional<std::string_view> frr, const ImportOptions& options) {
  auto wg_file = read_wg_quick(wg, options.wg_file);
  std::optional<FrrConf> frr_file;
  if (frr) frr_file = read_frr_conf(*frr, options.frr_file);
  return Import(std::move(wg_file), std::move(frr_file), options).run();
}

}  // namespace radial::exchange
