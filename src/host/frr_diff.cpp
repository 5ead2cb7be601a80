#include <algorithm>
#include <optional>

#include "host/frr.h"
#include "host/frr_rules.h"
#include "host/frr_running.h"

namespace radial::host {
namespace {

using frr::facts_of;
using Kind = FrrChange::Kind;
using Contexts = std::map<std::string, std::vector<std::string>>;

struct Place {
  std::string daemon;
  std::string context;
  auto operator<=>(const Place&) const = default;
};

struct KnownLines {
  std::set<std::string> canonical;
  std::set<std::string> keys;
};

struct PresentLines {
  std::set<std::string> canonical;
  std::map<std::string, std::string> by_key;  // the running line
};

std::map<Place, KnownLines> index(const std::vector<FrrLines>& stanzas) {
  std::map<Place, KnownLines> known;
  for (const auto& stanza : stanzas) {
    auto& lines = known[{stanza.daemon, stanza.context}];
    for (const auto& line : stanza.lines) {
      auto facts = facts_of(stanza.context, line);
      lines.canonical.insert(std::move(facts.canonical));
      if (!facts.key.empty()) lines.keys.insert(std::move(facts.key));
    }
  }
  return known;
}

// Route-maps and filters of ours as found in daemons that we did not give them to.
std::vector<FrrLines> with_copies(std::vector<FrrLines> owned, const FrrRunning& running) {
  const auto count = owned.size();
  for (std::size_t i = 0; i < count; ++i) {
    FrrLines shared{"", owned[i].context, {}};
    for (const auto& line : owned[i].lines)
      if (frr::is_shared(shared.context, line)) shared.lines.push_back(line);
    const bool empty_context = owned[i].lines.empty() && frr::is_shared(shared.context, "");
    if (shared.lines.empty() && !empty_context) continue;
    for (const auto& [daemon, contexts] : running.daemons) {
      if (daemon == owned[i].daemon || !contexts.contains(shared.context)) continue;
      shared.daemon = daemon;
      owned.push_back(shared);
    }
  }
  return owned;
}

std::string place_name(const std::string& daemon, const std::string& context) {
  return context.empty() ? daemon : fmt::format("{}: {}", daemon, context);
}

class Differ {
 public:
  Differ(const std::vector<FrrLines>& desired, const std::vector<FrrLines>& owned, const FrrRunning& running)
      : desired_(desired),
        owned_(with_copies(owned, running)),
        running_(running),
        wanted_(index(desired_)),
        ours_(index(owned_)) {
    for (const auto& stanza : desired_)
      for (const auto& line : stanza.lines)
        if (frr::is_shared(stanza.context, line))
          wanted_shared_.emplace(stanza.context, facts_of(stanza.context, line).canonical);
  }

  FrrChange run() {
    collect_removals();
    collect_whole_contexts();
    for (const auto& stanza : desired_) add(stanza);
    for (auto stanza = owned_.rbegin(); stanza != owned_.rend(); ++stanza) remove(*stanza);
    return std::move(change_);
  }

 private:
  const std::vector<std::string>* lines_at(const Place& place) const {
    const auto daemon = running_.daemons.find(place.daemon);
    if (daemon == running_.daemons.end()) return nullptr;
    const auto context = daemon->second.find(place.context);
    return context == daemon->second.end() ? nullptr : &context->second;
  }

  const PresentLines& present_at(const Place& place) {
    const auto [found, fresh] = present_.try_emplace(place);
    auto& present = found->second;
    const auto* lines = lines_at(place);
    if (!fresh || lines == nullptr) return present;
    for (const auto& line : *lines) {
      auto facts = facts_of(place.context, line);
      present.canonical.insert(std::move(facts.canonical));
      if (!facts.key.empty()) present.by_key.emplace(std::move(facts.key), line);
    }
    return present;
  }

  bool is_ours(const Place& place, const frr::LineFacts& facts) const {
    const auto known = ours_.find(place);
    return known != ours_.end() && known->second.canonical.contains(facts.canonical);
  }
  bool owns_key(const Place& place, const std::string& key) const {
    const auto known = ours_.find(place);
    return known != ours_.end() && known->second.keys.contains(key);
  }
  bool is_wanted(const Place& place, const frr::LineFacts& facts) const {
    if (frr::is_shared(place.context, facts.canonical) && wanted_shared_.contains({place.context, facts.canonical}))
      return true;
    const auto known = wanted_.find(place);
    if (known == wanted_.end()) return false;
    // A line of the same key replaces this one.
    return known->second.canonical.contains(facts.canonical) ||
           (!facts.key.empty() && known->second.keys.contains(facts.key));
  }

  // "network P area N" of somebody else makes ospfd refuse every "ip ospf area".
  std::optional<std::string> excluded_by_network(const Place& place, std::string_view line) const {
    if (!line.starts_with("ip ospf area ")) return std::nullopt;
    const Place router{place.daemon, "router ospf"};
    const auto* lines = lines_at(router);
    if (lines == nullptr) return std::nullopt;
    for (const auto& other : *lines)
      if (other.starts_with("network ") && !is_ours(router, facts_of(router.context, other))) return other;
    return std::nullopt;
  }

  // Somebody else's filter for all protocols: one for a single protocol would
  // take its place unseen.
  std::optional<std::string> filtered_for_all(const Place& place, std::string_view line) const {
    for (const std::string_view family : {"ip protocol ", "ipv6 protocol "}) {
      if (!line.starts_with(family) || !place.context.empty()) continue;
      const auto* lines = lines_at(place);
      if (lines == nullptr) return std::nullopt;
      const auto all = fmt::format("{}any route-map ", family);
      for (const auto& other : *lines)
        if (other.starts_with(all) && !is_ours(place, facts_of(place.context, other))) return other;
    }
    return std::nullopt;
  }

  void conflict(const Place& place, const std::string& line, const std::string& other_context,
                const std::string& other) {
    change_.conflicts.push_back(
        fmt::format("{}: '{}' is not Radial's and excludes '{}'{}; take it out of FRR's configuration, or let the "
                    "fabric file say the same",
                    place_name(place.daemon, other_context), frr::without_secrets(other), frr::without_secrets(line),
                    other_context == place.context ? "" : fmt::format(" in {}", place.context)));
  }

  void record(const Place& place, const std::string& line) {
    auto& added = change_.added;
    auto stanza = std::find_if(added.begin(), added.end(), [&](const auto& other) {
      return other.daemon == place.daemon && other.context == place.context;
    });
    if (stanza == added.end()) stanza = added.insert(added.end(), FrrLines{place.daemon, place.context, {}});
    if (!line.empty()) stanza->lines.push_back(line);
  }

  // bgpd has one router of the default VRF: one of another AS excludes ours.
  // Nothing when there is none; else its context.
  std::optional<std::string> rival_router(const Place& place) const {
    constexpr std::string_view router = "router bgp ";
    const auto path = frr::context_path(place.context);
    const auto daemon = running_.daemons.find(place.daemon);
    if (path.empty() || !is_default_router(path.front()) || daemon == running_.daemons.end()) return std::nullopt;
    for (const auto& [context, lines] : daemon->second)
      if (context.starts_with(router) && is_default_router(context) && context != path.front()) return context;
    return std::nullopt;
  }
  static bool is_default_router(std::string_view context) {
    constexpr std::string_view router = "router bgp ";
    return context.starts_with(router) && context.find(' ', router.size()) == std::string_view::npos;
  }

  // Ours of before, when the fabric's AS changes: it goes first. Somebody
  // else's is one conflict, however many lines of ours it excludes.
  bool makes_room(const Place& place, const std::string& rival) {
    const Place other{place.daemon, rival};
    if (whole_.contains(other)) {
      if (removed_.emplace(other, "").second)
        change_.steps.push_back({other.daemon, "", "no " + rival, Kind::remove, rival});
      return true;
    }
    const auto router = frr::context_path(place.context).front();
    if (seen_.emplace(Place{place.daemon, rival}, router).second)
      change_.conflicts.push_back(
          fmt::format("{}: '{}' is not Radial's and excludes '{}', as bgpd has one AS; let the fabric file say 'routing: "
                      "{{engine: bgp, asn: {}}}', or take that router out of FRR's configuration",
                      place.daemon, rival, router, rival.substr(rival.rfind(' ') + 1)));
    return false;
  }

  void add(const FrrLines& stanza) {
    const Place place{stanza.daemon, stanza.context};
    if (const auto rival = rival_router(place); rival && !makes_room(place, *rival)) return;
    const auto* present = lines_at(place);
    if (stanza.lines.empty() && present == nullptr && seen_.emplace(place, "").second) {
      change_.steps.push_back({place.daemon, place.context, "", Kind::add, ""});
      record(place, "");
    }
    for (const auto& line : stanza.lines) add_line(place, line);
  }

  void add_line(const Place& place, const std::string& line) {
    const auto facts = facts_of(place.context, line);
    if (!seen_.emplace(place, facts.canonical).second) return;
    const auto& present = present_at(place);
    if (present.canonical.contains(facts.canonical)) return;
    const auto same_key = facts.key.empty() ? present.by_key.end() : present.by_key.find(facts.key);
    const std::string* rival = same_key == present.by_key.end() ? nullptr : &same_key->second;
    if (facts.is_default && rival == nullptr) return;
    if (rival != nullptr && !owns_key(place, facts.key)) return conflict(place, line, place.context, *rival);
    if (const auto network = excluded_by_network(place, line)) return conflict(place, line, "router ospf", *network);
    if (const auto filter = filtered_for_all(place, line)) return conflict(place, line, place.context, *filter);

    record(place, line);
    if (rival == nullptr) {
      change_.steps.push_back({place.daemon, place.context, line, Kind::add, ""});
    } else if (facts.replaced_by_removal) {
      change_.steps.push_back(
          {place.daemon, place.context, frr::removal_of(place.context, *rival), Kind::remove, *rival});
      change_.steps.push_back({place.daemon, place.context, line, Kind::add, ""});
    } else {
      change_.steps.push_back(
          {place.daemon, place.context, frr::replacement_of(place.context, *rival, line), Kind::replace, *rival});
    }
  }

  // The running lines that go, by the place they are in.
  void collect_removals() {
    for (const auto& stanza : owned_) {
      const Place place{stanza.daemon, stanza.context};
      const auto* present = lines_at(place);
      if (present == nullptr) continue;
      for (const auto& other : *present) {
        const auto facts = facts_of(place.context, other);
        if (is_ours(place, facts) && !is_wanted(place, facts)) going_[place].emplace(other, facts.canonical);
      }
    }
  }

  bool wants_context(const Place& place) const {
    return std::any_of(desired_.begin(), desired_.end(), [&](const auto& stanza) {
      return frr::is_within(stanza.context, place.context) &&
             (stanza.daemon == place.daemon || (stanza.context == place.context && frr::is_shared(stanza.context, "")));
    });
  }

  // Whether all that is in the context, and in those inside it, goes.
  bool nothing_remains(const Place& place, const Contexts& contexts) const {
    for (const auto& [context, lines] : contexts) {
      if (!frr::is_within(context, place.context)) continue;
      const auto going = going_.find({place.daemon, context});
      for (const auto& line : lines)
        if (going == going_.end() || !going->second.contains(line)) return false;
      // An empty context of somebody else's making inside ours.
      if (context != place.context && lines.empty() && !ours_.contains({place.daemon, context})) return false;
    }
    return true;
  }

  // Interfaces of somebody else in OSPF need the router that we would remove.
  bool serves_others(const Place& place, const Contexts& contexts) const {
    const bool v2 = place.context == "router ospf";
    if (!v2 && place.context != "router ospf6") return false;
    for (const auto& [context, lines] : contexts) {
      if (!context.starts_with("interface ")) continue;
      const auto going = going_.find({place.daemon, context});
      for (const auto& line : lines)
        if (line.starts_with(v2 ? "ip ospf area " : "ipv6 ospf6 area ") &&
            (going == going_.end() || !going->second.contains(line)))
          return true;
    }
    return false;
  }

  void collect_whole_contexts() {
    for (const auto& stanza : owned_) {
      const auto daemon = running_.daemons.find(stanza.daemon);
      if (daemon == running_.daemons.end()) continue;
      for (auto context = stanza.context; !context.empty(); context = frr::parent_of(context)) {
        const Place place{stanza.daemon, context};
        if (!frr::is_removable(context) || !daemon->second.contains(context) || wants_context(place)) continue;
        if (nothing_remains(place, daemon->second) && !serves_others(place, daemon->second)) whole_.insert(place);
      }
    }
  }

  // The outermost context around `place` that goes as a whole.
  std::optional<Place> whole_around(const Place& place) const {
    std::optional<Place> outermost;
    for (auto context = place.context; !context.empty(); context = frr::parent_of(context))
      if (whole_.contains({place.daemon, context})) outermost = Place{place.daemon, context};
    return outermost;
  }

  void remove(const FrrLines& stanza) {
    const Place place{stanza.daemon, stanza.context};
    if (const auto whole = whole_around(place)) {
      if (!removed_.emplace(*whole, "").second) return;
      const auto last = frr::context_path(whole->context).back();
      change_.steps.push_back({whole->daemon, frr::parent_of(whole->context), "no " + last, Kind::remove, last});
      return;
    }
    const auto going = going_.find(place);
    if (going == going_.end()) return;
    // Against the order in which we made them.
    for (auto line = stanza.lines.rbegin(); line != stanza.lines.rend(); ++line) {
      const auto canonical = facts_of(place.context, *line).canonical;
      for (const auto& [other, spelling] : going->second) {
        if (spelling != canonical || !removed_.emplace(place, other).second) continue;
        change_.steps.push_back(
            {place.daemon, place.context, frr::removal_of(place.context, other), Kind::remove, other});
      }
    }
  }

  const std::vector<FrrLines>& desired_;
  std::vector<FrrLines> owned_;
  const FrrRunning& running_;
  std::map<Place, KnownLines> wanted_;
  std::map<Place, KnownLines> ours_;
  std::set<std::pair<std::string, std::string>> wanted_shared_;  // context, canonical line
  std::set<std::pair<Place, std::string>> seen_;
  std::map<Place, PresentLines> present_;
  std::map<Place, std::map<std::string, std::string>> going_;  // running line -> its canonical spelling
  std::set<Place> whole_;
  std::set<std::pair<Place, std::string>> removed_;
  FrrChange change_;
};

}  // namespace

std::vector<std::string> FrrChange::describe() const {
  std::vector<std::string> lines;
  lines.reserve(steps.size());
  for (const auto& step : steps) {
    auto text = place_name(step.daemon, step.context);
    if (!step.line.empty()) text += ": " + frr::without_secrets(step.line);
    lines.push_back(std::move(text));
  }
  return lines;
}

FrrChange diff_frr(const std::vector<FrrLines>& desired, const std::vector<FrrLines>& owned,
                   const FrrRunning& running) {
  return Differ(desired, owned, running).run();
}

std::vector<FrrLines> owned_before(std::vector<FrrLines> owned, const FrrChange& change) {
  for (const auto& added : change.added) {
    auto stanza = std::find_if(owned.begin(), owned.end(), [&](const auto& other) {
      return other.daemon == added.daemon && other.context == added.context;
    });
    if (stanza == owned.end()) stanza = owned.insert(owned.end(), FrrLines{added.daemon, added.context, {}});
    for (const auto& line : added.lines)
      if (std::find(stanza->lines.begin(), stanza->lines.end(), line) == stanza->lines.end())
        stanza->lines.push_back(line);
  }
  return owned;
}

std::vector<FrrLines> owned_after(const std::vector<FrrLines>& owned, const std::vector<FrrLines>& desired) {
  const auto wanted = index(desired);
  std::vector<FrrLines> kept;
  for (const auto& stanza : owned) {
    const auto known = wanted.find({stanza.daemon, stanza.context});
    if (known == wanted.end()) continue;
    FrrLines left{stanza.daemon, stanza.context, {}};
    for (const auto& line : stanza.lines)
      if (known->second.canonical.contains(facts_of(stanza.context, line).canonical)) left.lines.push_back(line);
    if (!left.lines.empty() || stanza.lines.empty()) kept.push_back(std::move(left));
  }
  return kept;
}

}  // namespace radial::host
