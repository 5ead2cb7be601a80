#include "exchange/frr_conf.h"

#include <algorithm>
#include <charconv>

#include "exchange/text_lines.h"

namespace radial::exchange {
namespace {

using Words = std::vector<std::string_view>;

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::string> area_of(std::string_view text) {
  if (const auto value = number(text)) return IpAddress::from_v4(*value).to_string();
  const auto address = IpAddress::parse(text);
  if (!address || !address->is_v4()) return std::nullopt;
  return address->to_string();
}

std::optional<std::uint16_t> seconds(std::string_view text) {
  const auto value = number(text);
  if (!value || *value == 0 || *value > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

bool starts(const Words& words, std::initializer_list<std::string_view> with) {
  return words.size() >= with.size() && std::equal(with.begin(), with.end(), words.begin());
}

class Reader {
 public:
  explicit Reader(const std::string& file) : file_name_(file) {}

  void line(int number, std::string_view text) {
    line_ = number;
    const auto words = split(text, " \t\r");
    if (words.empty() || words.front().front() == '!' || words.front().front() == '#') return;
    if (starts(words, {"frr", "version"}) && words.size() > 2) {
      if (const auto version = FrrVersion::parse(words[2])) conf_.version = *version;
      return;
    }
    if (starts(words, {"router"}) && words.size() >= 2) return router(words);
    if (starts(words, {"interface"}) && words.size() >= 2) {
      in_ = In::interface;
      conf_.interfaces.push_back({});
      conf_.interfaces.back().name = std::string(words[1]);
      conf_.interfaces.back().line = line_;
      return;
    }
    if (words.front() == "exit" || words.front() == "end" || words.front() == "route-map" || words.front() == "line" ||
        words.front() == "vrf") {
      in_ = In::other;
      return;
    }
    // Tutorials print stanzas without indentation: the words tell, not the blanks.
    if (starts(words, {"ip", "route"}) || starts(words, {"ipv6", "route"}))
      return note(Weight::warning, "a static route; Radial leaves it in FRR as it is");
    if (in_ == In::ospf) ospf(words);
    else if (in_ == In::interface) interface(words);
  }

  FrrConf finish() { return std::move(conf_); }

 private:
  enum class In : std::uint8_t { other, ospf, interface };

  void note(Weight weight, std::string text) { conf_.notes.push_back({weight, file_name_, line_, std::move(text)}); }

  void router(const Words& words) {
    in_ = In::other;
    if (words[1] == "ospf") {
      if (words.size() > 2) return note(Weight::warning, "OSPF of an instance or VRF of its own; left as it is");
      in_ = In::ospf;
      conf_.ospf = true;
    } else {
      note(Weight::warning, "a routing protocol that the import does not read; Radial leaves it as it is. If it runs over "
                            "the tunnel, its sites need a decision");
    }
  }

  void ospf(const Words& words) {
    if (starts(words, {"ospf", "router-id"}) && words.size() > 2) {
      const auto id = IpAddress::parse(words[2]);
      if (id && id->is_v4()) conf_.router_id = *id;
    } else if (starts(words, {"network"}) && words.size() >= 4 && words[2] == "area") {
      network(words);
    } else if (starts(words, {"redistribute"}) || starts(words, {"default-information"})) {
      note(Weight::warning, "routes from elsewhere are announced; Radial leaves the line. What other nodes accept of it is "
                            "what the hub's 'grant' says");
    } else if (starts(words, {"area"})) {
      note(Weight::warning, words.size() > 2 && words[2] == "authentication"
                                ? "OSPF authentication of an area: Radial has none (WireGuard authenticates); as long as "
                                  "sites demand it, this line must stay"
                                : "a setting of an area; Radial leaves it as it is");
    }
  }

  void network(const Words& words) {
    const auto prefix = InterfaceAddress::parse(words[1]);
    const auto area = area_of(words[3]);
    if (!prefix || !area) return note(Weight::error, "a network line that cannot be read; left out");
    conf_.networks.push_back({prefix->network(), *area, line_});
  }

  void interface(const Words& words) {
    auto& interface = conf_.interfaces.back();
    if (starts(words, {"ip", "address"}) && words.size() > 2) {
      if (const auto address = InterfaceAddress::parse(words[2])) interface.addresses.push_back(*address);
    } else if (starts(words, {"ip", "ospf"}) && words.size() > 3) {
      const auto what = words[2];
      if (what == "area") interface.area = area_of(words[3]).value_or("");
      else if (what == "network") interface.network = network_type(words);
      else if (what == "hello-interval") interface.hello = seconds(words[3]);
      else if (what == "dead-interval") interface.dead = seconds(words[3]);
      else if (what == "authentication" || what == "message-digest-key" || what == "authentication-key")
        note(Weight::error, "OSPF authentication: Radial has none (WireGuard authenticates every packet). Take it off at "
                            "hub and sites on the same day, or the adjacencies go down");
    } else if (starts(words, {"ipv6", "ospf6"}) && !ospf6_told_) {
      ospf6_told_ = true;
      note(Weight::warning, "OSPFv3 is set up here; Radial runs its own where the fabric has IPv6 LANs");
    }
  }

  static std::string network_type(const Words& words) {
    std::string type(words[3]);
    for (std::size_t i = 4; i < words.size(); ++i) type += " " + std::string(words[i]);
    return type;
  }

  std::string file_name_;
  FrrConf conf_;
  In in_ = In::other;
  int line_ = 0;
  bool ospf6_told_ = false;
};

}  // namespace

const FrrInterface* FrrConf::find(std::string_view name) const {
  const auto found = std::find_if(interfaces.begin(), interfaces.end(),
                                  [&](const FrrInterface& interface) { return interface.name == name; });
  return found == interfaces.end() ? nullptr : &*found;
}

FrrConf read_frr_conf(std::string_view text, const std::string& file) {
  Reader reader(file);
  each_line(text, [&](int number, std::string_view line) { reader.line(number, line); });
  return reader.finish();
}

}  // namespace radial::exchange
