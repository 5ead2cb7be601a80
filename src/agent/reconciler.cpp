#include "agent/reconciler.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <iterator>
#include <thread>

#include "base/log.h"
#include "compile/frr_lines.h"
#include "control/fabric_edit.h"

namespace radial::agent {

struct Reconciler::Pass {
  Mode mode;
  Owned owned;
  Outcome outcome;
  const Paths& paths;

  [[nodiscard]] bool dry() const { return mode == Mode::dry_run; }

  void problem(std::string_view part, const Error& error) {
    outcome.problems.push_back(fmt::format("{}: {}", part, error.message));
  }
  // True when `status` is good; records the problem otherwise.
  bool good(std::string_view part, const Status& status) {
    if (!status) problem(part, status.error());
    return status.has_value();
  }
  // Writes the ownership record before something is made.
  bool record(std::string_view part) { return dry() || good(part, save_owned(paths.owned(), owned)); }

  void changed(std::vector<std::string> lines) {
    outcome.changes.insert(outcome.changes.end(), std::make_move_iterator(lines.begin()), std::make_move_iterator(lines.end()));
  }
};

namespace {

constexpr int tear_down_attempts = 5;
constexpr auto tear_down_pause = std::chrono::seconds(1);
// FRR's start loads frr.conf by `vtysh -b`, which tells prefix-lists and route-maps to every daemon that knows such
// a thing, whoever uses them. There they do nothing; but they show, and `write memory` would keep them.
constexpr std::array<std::string_view, 12> told_all_filters{"zebra", "staticd", "ospfd", "ospf6d", "bgpd",   "bfdd",
                                                            "ripd",  "ripngd",  "isisd", "pimd",   "eigrpd", "babeld"};
constexpr auto on_its_way = std::chrono::milliseconds(900);  // what is so from mgmtd or the kernel to zebra arrives in less

bool names_interface(const std::string& sysctl, const std::set<std::string>& interfaces) {
  return std::any_of(interfaces.begin(), interfaces.end(), [&](const auto& interface) {
    return sysctl.find("." + interface + ".") != std::string::npos;
  });
}

// " # berlin" for a line of wg(8) that names a peer by its key.
std::string named_peer(const Wire& wire, const std::string& line) {
  for (const auto& peer : wire.peers)
    if (peer.public_key && line.find(peer.public_key->to_string()) != std::string::npos) return "  # " + peer.node;
  return {};
}

std::vector<std::string> nft_lines(const std::string& before, const std::string& after) {
  std::vector<std::string> lines;
  const auto diff = control::line_diff(before, after);
  for (std::size_t at = 0; at < diff.size();) {
    const auto end = std::min(diff.find('\n', at), diff.size());
    const auto line = diff.substr(at, end - at);
    if (const auto text = line.find_first_not_of(" \t", 1); text != std::string::npos)
      lines.push_back(fmt::format("nft: {} {}", line.front(), line.substr(text)));
    at = end + 1;
  }
  return lines;
}

template <class Stanzas>
std::vector<host::FrrLines> only_daemons(const Stanzas& stanzas, const std::set<std::string>& daemons) {
  std::vector<host::FrrLines> result;
  for (const auto& stanza : stanzas)
    if (daemons.contains(stanza.daemon)) result.push_back({stanza.daemon, stanza.context, stanza.lines});
  return result;
}

}  // namespace

Reconciler::Reconciler(Host& machine, const Paths& paths, const PrivateKey& key, PeerEndpoints& endpoints, Steer steer)
    : host_(machine), paths_(paths), key_(key), endpoints_(endpoints), steer_(std::move(steer)) {}

// A peer that dials in has one where it was seen: a wire that is made anew has its sessions back at once, when
// the sites would wait 15 s for their timers.
std::optional<Endpoint> Reconciler::endpoint_of(const WirePeer& peer, Mode mode) const {
  return mode == Mode::apply ? endpoints_.choose(*peer.public_key, peer.endpoints)
                             : endpoints_.would_choose(*peer.public_key, peer.endpoints);
}

void Reconciler::remember_endpoints(const host::ObservedWire& observed) {
  for (const auto& peer : observed.peers)
    if (peer.endpoint) endpoints_.remember(peer.public_key, *peer.endpoint);
}

host::DesiredWire Reconciler::desired_wire(const Wire& wire, const host::ObservedWire& observed, Mode mode) const {
  host::DesiredWire desired{wire.interface, &key_, wire.listen_port, wire.fwmark, {}, wire.ospf == OspfMode::p2mp_multicast};
  for (const auto& peer : wire.peers)
    if (peer.public_key)
      desired.peers.push_back(
          {*peer.public_key, keyring_.find(*peer.public_key), endpoint_of(peer, mode), peer.allowed_ips, peer.keepalive});
  steer_peers(wire, observed, desired);
  for (const auto& peer : wire.peers)
    if (peer.public_key && peer.next_key)
      desired.peers.push_back({*peer.next_key, keyring_.find(*peer.next_key), std::nullopt, {}, 0});
  if (wire.interface == quarantine_.interface)
    for (const auto& guest : quarantine_.guests)
      desired.peers.push_back({guest.public_key, &guest.preshared, std::nullopt, {Prefix::host(guest.address)}, 0});
  return desired;
}

void Reconciler::steer_peers(const Wire& wire, const host::ObservedWire& observed, host::DesiredWire& desired) const {
  if (!steer_ || wire.shape != WireShape::multipoint) return;
  const auto steered = steer_(wire, observed);
  if (!steered) return;
  std::map<PublicKey, std::vector<Prefix>> held;
  for (const auto& placed : *steered) held[placed.peer].push_back(placed.prefix);
  for (auto& peer : desired.peers) {
    const auto found = held.find(peer.public_key);
    peer.allowed_ips = found == held.end() ? std::vector<Prefix>() : std::move(found->second);
    if (found != held.end()) held.erase(found);
  }
  for (auto& [key, prefixes] : held) desired.peers.push_back({key, nullptr, {}, std::move(prefixes), 0});  // parking
}

void Reconciler::wire(Pass& pass, const Wire& wire) {
  const auto part = fmt::format("wire {}", wire.interface);
  auto observed = host_.wireguard->observe(wire.interface);
  if (!observed && observed.error().code != Errc::not_found) return pass.problem(part, observed.error());
  if (!observed) {
    auto link = host_.network.link(wire.interface);
    if (!link) return pass.problem(part, link.error());
    if (link->has_value() && !pass.owned.wires.contains(wire.interface))
      return pass.problem(part, {Errc::conflict,
                                 fmt::format("an interface of this name exists ({}) and is not Radial's: rename it, or set "
                                             "'interface' in the fabric file",
                                             link->value().kind.empty() ? "hardware" : link->value().kind), 0});
    pass.changed({fmt::format("create {} ({})", wire.interface, host_.wireguard->implementation())});
    pass.owned.wires.insert(wire.interface);
    if (pass.dry() || !pass.record(part)) return;
    // Ours by name and record, yet not a WireGuard that answers: a userspace
    // process that hangs, or somebody's replacement of what we made.
    if (link->has_value() && !pass.good(part, host_.network.delete_link(wire.interface))) return;
    if (!pass.good(part, host_.wireguard->create(wire.interface))) return;
    observed = host_.wireguard->observe(wire.interface);
    if (!observed) return pass.problem(part, observed.error());
  } else if (!pass.owned.wires.contains(wire.interface)) {
    if (observed->public_key != key_.public_key())
      return pass.problem(part, {Errc::conflict,
                                 "a WireGuard interface of this name exists and has another key than this node's: rename it, "
                                 "or set 'interface' in the fabric file", 0});
    pass.owned.wires.insert(wire.interface);  // our key: ours, its record was lost
    if (!pass.record(part)) return;
  }

  const auto desired = desired_wire(wire, *observed, pass.mode);
  if (desired.multicast && !observed->multicast)
    pass.problem(part, {Errc::unsupported, "its WireGuard is not radial-wire, so OSPF's multicast reaches no site: delete the "
                                           "interface, or correct this hub's 'wireguard' in facts.json", 0});
  remember_endpoints(*observed);
  // Only of peers that we dial: an endpoint that was merely seen is no wish,
  // and must not undo roaming.
  auto& applied_endpoints = applied_endpoints_[wire.interface];
  const auto change = host::diff_wire(desired, *observed, applied_endpoints);
  auto told = change.describe();
  for (auto& line : told) line = fmt::format("wg set {} {}{}", wire.interface, line, named_peer(wire, line));
  pass.changed(std::move(told));

  auto link = host_.network.link(wire.interface);
  auto addresses = host_.network.addresses();
  if (!link || !addresses) return pass.problem(part, link ? addresses.error() : link.error());
  if (!link->has_value()) return pass.problem(part, {Errc::not_found, "the interface vanished while it was set up", 0});
  const auto link_change = host::diff_link({wire.interface, wire.mtu, wire.addresses}, **link, *addresses);
  pass.changed(link_change.describe());
  if (pass.dry()) return;
  if (!change.empty() && !pass.good(part, host_.wireguard->apply(change))) return;
  applied_endpoints.clear();
  for (const auto& peer : wire.peers)
    if (peer.public_key && !peer.endpoints.empty())
      if (const auto endpoint = endpoint_of(peer, pass.mode)) applied_endpoints[*peer.public_key] = *endpoint;
  // An automatic link-local address would be used by ospf6d and dropped by
  // every AllowedIPs: it must be off before the link comes up.
  if (link_change.bring_up && !pass.good(part, host_.network.disable_address_generation(wire.interface))) return;
  if (!link_change.empty() && !pass.good(part, host::apply(host_.network, link_change))) return;
  pass.good(part, call(wire, change));
}

// A persistent keepalive that is switched on sends one at once, whichever the
// WireGuard, and so begins a session. OSPF over multicast begins none: it goes to
// peers that have one.
Status Reconciler::call(const Wire& wire, const host::WireChange& change) {
  constexpr std::uint16_t on = 25;
  host::WireChange other, back;
  other.interface = back.interface = change.interface;
  for (const auto& peer : change.peers) {
    if (!peer.endpoint) continue;
    const auto wanted = std::find_if(wire.peers.begin(), wire.peers.end(), [&](const WirePeer& one) { return one.public_key == peer.public_key; });
    const std::uint16_t keepalive = wanted == wire.peers.end() ? 0 : wanted->keepalive;
    if (peer.add && keepalive != 0) continue;  // switched on as it was added
    const auto with = [&](std::uint16_t seconds) {
      host::PeerChange part;
      part.public_key = peer.public_key;
      part.keepalive = seconds;
      return part;
    };
    other.peers.push_back(with(keepalive == 0 ? on : 0));
    back.peers.push_back(with(keepalive));
  }
  if (other.peers.empty()) return {};
  RADIAL_TRY(host_.wireguard->apply(other));
  return host_.wireguard->apply(back);
}

Status Reconciler::dial(const Wire& wire, const WirePeer& peer) {
  host::WireChange change;
  change.interface = wire.interface;
  change.peers.emplace_back();
  change.peers.back().public_key = *peer.public_key;
  change.peers.back().endpoint = endpoint_of(peer, Mode::apply);
  RADIAL_TRY(host_.wireguard->apply(change));
  return call(wire, change);
}

void Reconciler::remove_stale_wires(Pass& pass, const NodeConfig& config) {
  const auto owned = pass.owned.wires;
  for (const auto& interface : owned) {
    const bool wanted = std::any_of(config.wires.begin(), config.wires.end(),
                                    [&](const auto& wire) { return wire.interface == interface; });
    if (wanted) continue;
    const auto part = fmt::format("wire {}", interface);
    pass.changed({fmt::format("remove {}", interface)});
    if (pass.dry()) continue;
    auto status = host_.wireguard->remove(interface);
    if (!status && status.error().code != Errc::not_found) {
      pass.problem(part, status.error());
      continue;
    }
    pass.owned.wires.erase(interface);
    pass.record(part);
  }
}

void Reconciler::sysctls(Pass& pass, const NodeConfig& config) {
  for (const auto& sysctl : config.sysctls) {
    auto current = host::read_sysctl(sysctl.key);
    if (!current) {
      // A wire that could not be made has no sysctls; that is said already.
      if (current.error().code == Errc::not_found && names_interface(sysctl.key, pass.owned.wires)) continue;
      pass.problem("sysctl", current.error());
      continue;
    }
    if (*current == sysctl.value) continue;
    pass.changed({fmt::format("sysctl {} = {} (was {})", sysctl.key, sysctl.value, *current)});
    // What belongs to our own wire goes with it; the rest is put back on down.
    if (!names_interface(sysctl.key, pass.owned.wires)) pass.owned.sysctls.emplace(sysctl.key, *current);
    if (pass.dry() || !pass.record("sysctl")) continue;
    pass.good("sysctl", host::write_sysctl(sysctl.key, sysctl.value));
  }
}

void Reconciler::firewall(Pass& pass, const std::string& table) {
  const auto difference = host_.firewall.difference(table);
  if (!difference) return pass.problem("nftables", difference.error());
  if (!*difference) return;
  pass.changed({pass.owned.firewall ? "nft: replace table inet radial" : "nft: add table inet radial"});
  pass.owned.firewall = true;
  if (pass.dry()) return pass.changed(nft_lines((*difference)->present, (*difference)->wanted));
  if (!pass.record("nftables")) return;
  pass.good("nftables", host_.firewall.apply(table));
}

std::vector<host::FrrLines> Reconciler::desired_lines(Pass& pass, const NodeConfig& config) {
  std::vector<host::FrrLines> desired;
  for (const auto& stanza : config.frr) desired.push_back({stanza.daemon, stanza.context, stanza.lines});
  auto held = host_.network.addresses();
  if (!held) {
    pass.problem("LANs", held.error());
    return desired;
  }
  std::vector<LocalAddress> local;
  for (const auto& address : *held) local.push_back({address.interface, address.address});
  for (const auto& stanza : bind_lans(config, local).stanzas) desired.push_back({stanza.daemon, stanza.context, stanza.lines});
  for (const auto& stanza : bind_fib_filter(config, underlay(pass, config, std::move(local))))
    desired.push_back({stanza.daemon, stanza.context, stanza.lines});
  return desired;
}

// A name that is not resolved yet is added when it is: the resolver wakes us.
Underlay Reconciler::underlay(Pass& pass, const NodeConfig& config, std::vector<LocalAddress> local) {
  Underlay underlay;
  underlay.addresses = std::move(local);
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      for (const auto& endpoint : endpoints_.resolve(peer.endpoints))
        if (const auto address = endpoint.address()) underlay.endpoints.push_back(*address);
  for (const auto family : {Family::v4, Family::v6}) {
    const auto routes = host_.network.routes(family);
    if (!routes) {
      pass.problem("underlay", routes.error());
      continue;
    }
    for (const auto& route : *routes) {
      if (!route.prefix.is_default()) continue;
      for (const auto& hop : route.next_hops)
        if (hop.gateway && !pass.owned.wires.contains(hop.interface)) underlay.gateways.push_back(*hop.gateway);
    }
  }
  return underlay;
}

// zebra hears of links and of addresses in two threads, and drops an address whose link it
// does not know yet: for good, and with it OSPF and BGP on that wire. Seen where a wire is made while
// zebra is busy (FRR 8.4). The kernel is asked to say the address again.
void Reconciler::tell_zebra(Pass& pass, const NodeConfig& config) {
  if (config.wires.empty() || !host_.frr.serves("zebra")) return overlooked_.clear();
  const auto known = host_.frr.zebra_addresses();
  const auto held = host_.network.addresses();
  if (!known || !held) return pass.problem("zebra", known ? held.error() : known.error());
  const auto now = std::chrono::steady_clock::now();
  auto before = std::exchange(overlooked_, {});
  for (const auto& wire : config.wires) {
    const auto interface = known->find(wire.interface);
    if (interface == known->end()) continue;
    for (const auto& address : wire.addresses) {
      const auto there = [&](const host::HeldAddress& one) { return one.interface == wire.interface && one.address == address; };
      if (std::find(interface->second.begin(), interface->second.end(), address) != interface->second.end() ||
          std::none_of(held->begin(), held->end(), there))
        continue;
      const std::pair key{wire.interface, address};
      const auto since = before.contains(key) ? before[key] : now;
      overlooked_.emplace(key, since);
      pass.outcome.unsettled = true;
      if (now - since < on_its_way) continue;
      pass.changed({fmt::format("ip address replace {} dev {}  # zebra had missed it", address, wire.interface)});
      if (!pass.dry()) pass.good(fmt::format("wire {}", wire.interface), host_.network.announce_address(wire.interface, address));
    }
  }
}

// mgmtd is told what zebra has, where the two have disagreed for a while. True
// when it was: the next look, when both have it, changes what is to be changed.
bool Reconciler::mend_torn(Pass& pass, const std::vector<std::string>& torn) {
  const auto now = std::chrono::steady_clock::now();
  std::erase_if(torn_, [&](const auto& known) { return std::find(torn.begin(), torn.end(), known.first) == torn.end(); });
  host::FrrChange ours;
  auto& lasting = ours.added.emplace_back(host::FrrLines{"zebra", "", {}}).lines;
  for (const auto& entry : torn)
    if (now - torn_.try_emplace(entry, now).first->second >= on_its_way) lasting.push_back(entry);
  pass.outcome.unsettled |= !torn.empty();
  if (lasting.empty() || pass.dry()) return false;
  for (const auto& entry : lasting) pass.changed({fmt::format("mgmtd and zebra disagreed on '{}'", entry)});
  pass.owned.frr = host::owned_before(std::move(pass.owned.frr), ours);
  return pass.record("FRR") && pass.good("FRR", host_.frr.mend(lasting));
}

// Before anything is looked at, bgpd is asked; then what the last look found holds until the next.
BgpCallers Reconciler::callers(const NodeConfig& config) {
  if (!callers_ && runs_bgp(config) && host_.frr.serves("bgpd"))
    if (const auto running = host_.frr.running({"bgpd"})) callers_ = bgp_callers(*running, config);
  return callers_.value_or(BgpCallers{});
}

void Reconciler::routing(Pass& pass, const NodeConfig* config, std::vector<host::FrrLines> desired, std::span<const std::string_view> also) {
  std::set<std::string> daemons;
  for (const auto& stanza : desired) daemons.insert(stanza.daemon);
  for (const auto& stanza : pass.owned.frr) daemons.insert(stanza.daemon);
  std::set<std::string> reachable;
  for (const auto& daemon : daemons) {
    if (host_.frr.serves(daemon)) reachable.insert(daemon);
    else
      pass.outcome.problems.push_back(
          fmt::format("FRR's {0} does not answer: set {0}=yes in /etc/frr/daemons and restart FRR", daemon));
  }
  for (const auto daemon : also)
    if (host_.frr.serves(std::string(daemon))) reachable.emplace(daemon);
  desired = only_daemons(desired, reachable);
  auto running = host_.frr.running(reachable);
  if (!running) return pass.problem("FRR", running.error());
  if (config != nullptr && runs_bgp(*config)) {
    auto now = bgp_callers(*running, *config);
    pass.outcome.unsettled |= callers_ != now;  // the firewall is not as it should be
    callers_ = std::move(now);
  }
  if (mend_torn(pass, running->torn)) return;

  const auto ours = only_daemons(pass.owned.frr, reachable);
  const auto change = host::diff_frr(desired, ours, *running);
  for (const auto& conflict : change.conflicts) pass.outcome.problems.push_back(fmt::format("FRR: {}", conflict));
  pass.changed(change.describe());
  if (pass.dry()) return;
  if (!change.empty()) {
    pass.owned.frr = host::owned_before(std::move(pass.owned.frr), change);
    if (!pass.record("FRR") || !pass.good("FRR", host_.frr.apply(change))) return;
  }
  const auto now_ours = only_daemons(pass.owned.frr, reachable);
  auto kept = host::owned_after(now_ours, desired);
  // Without this FRR would come up bare after its own restart, until we look.
  // It also mends a start-up file that lost our lines.
  if (saving_) pass.good("FRR", host_.frr.save(kept, now_ours));
  for (const auto& stanza : pass.owned.frr)  // a daemon that is away keeps its record
    if (!reachable.contains(stanza.daemon)) kept.push_back(stanza);
  // mgmtd (FRR 10) says that a line is gone before it is, and now and then in place of
  // that: what was removed stays ours until a look finds nothing left to remove.
  if (!change.empty() && host_.frr.serves("mgmtd")) return;
  if (kept != pass.owned.frr) {
    pass.owned.frr = std::move(kept);
    pass.record("FRR");
  }
}

Outcome Reconciler::reconcile(const NodeConfig& config, Mode mode) {
  auto owned = load_owned(paths_.owned());
  if (!owned) return {{}, {owned.error().message}};
  Pass pass{mode, std::move(*owned), {}, paths_};
  for (const auto& declared : config.wires) wire(pass, declared);
  sysctls(pass, config);
  firewall(pass, with_bgp_door(with_quarantine(config.nft, quarantine_), config, callers(config)));
  tell_zebra(pass, config);
  routing(pass, &config, desired_lines(pass, config));
  remove_stale_wires(pass, config);
  return std::move(pass.outcome);
}

Outcome Reconciler::tear_down() {
  auto owned = load_owned(paths_.owned());
  if (!owned) return {{}, {owned.error().message}};
  Pass pass{Mode::apply, std::move(*owned), {}, paths_};
  // Peers that dial in may have moved since the last reconciliation.
  for (const auto& interface : pass.owned.wires)
    if (const auto observed = host_.wireguard->observe(interface)) remember_endpoints(*observed);
  // Routing first, so that neighbours see a clean withdrawal over wires that
  // still stand. Again when a daemon dies over it (FRR 8.4's have done so): it comes back with the lines that
  // were saved, maybe after we looked, and nobody would look later.
  const auto had = pass.owned.frr;
  const auto processes = [&] {
    std::map<std::string, std::optional<std::int64_t>> now;
    for (const auto& stanza : had) now.try_emplace(stanza.daemon, host_.frr.incarnation(stanza.daemon));
    return now;
  };
  const auto problems = pass.outcome.problems.size();
  auto known = processes();
  bool died = false;
  for (int left = tear_down_attempts; !pass.owned.frr.empty() && left > 0; --left) {
    if (left < tear_down_attempts) std::this_thread::sleep_for(tear_down_pause);
    pass.outcome.problems.resize(problems);
    const auto told = pass.outcome.changes.size();
    routing(pass, nullptr, {}, told_all_filters);
    if (auto now = processes(); now != known) {
      known = std::move(now);
      died = true;
    } else if (pass.outcome.changes.size() == told) {
      died = false;  // and this look found nothing
    }
    if (died && pass.owned.frr.empty()) pass.owned.frr = had;
  }
  remove_stale_wires(pass, NodeConfig{});
  if (pass.owned.firewall) {
    pass.changed({"nft: remove table inet radial"});
    if (pass.good("nftables", host_.firewall.remove())) pass.owned.firewall = false;
  }
  const auto sysctls = pass.owned.sysctls;
  for (const auto& [key, before] : sysctls) {
    pass.changed({fmt::format("sysctl {} = {} (as before)", key, before)});
    if (pass.good("sysctl", host::write_sysctl(key, before))) pass.owned.sysctls.erase(key);
  }
  pass.record("ownership record");
  return std::move(pass.outcome);
}

}  // namespace radial::agent
