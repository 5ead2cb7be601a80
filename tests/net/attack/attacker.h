// A site whose operator is hostile: root there, and nowhere else. What they do
// with that site's FRR, and how to undo it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "support/live_lab.h"

namespace radial::test {

class Attacker {
 public:
  // A hub that the site is wired to, in the order of its wires wg0, wg1, ...
  struct HubSide {
    std::string name;
    std::string address;  // in its tunnel
  };

  Attacker(LiveLab& lab, bool bgp, std::vector<HubSide> hubs = {{"fra1", "10.255.0.1"}}, std::string site = "mallory")
      : lab_(lab), bgp_(bgp), hubs_(std::move(hubs)), site_(std::move(site)) {}

  // From here on it is its operator's alone: no radiald, no filter.
  void seize() {
    lab_.kill_radiald(site_);
    configure({fmt::format("no ip protocol {0} route-map radial-{0}", bgp_ ? "bgp" : "ospf")});
    if (runs_ospf6()) configure({"no ipv6 protocol ospf6 route-map radial-ospf6"});
  }

  std::string sh(const std::string& script) { return lab_.sh(site_, script); }
  void configure(const std::vector<std::string>& lines) { lab_.configure(site_, lines); }
  std::string tunnel_address() {
    return lab_.tunnel_address(site_);
  }
  // Its address on a wire, of scope "global" or "link".
  std::string address6(const std::string& scope, const std::string& wire = "wg0") {
    const auto text = sh("ip -6 -o address show dev " + wire + " scope " + scope + " | sed 's/.*inet6 \\([0-9a-f:]*\\).*/\\1/'");
    return text.substr(0, text.find('\n'));
  }
  std::string endpoint_of(const std::string& hub) { return lab_->plan().find(hub)->uplink_v4().to_string(); }

  // `address`'s network, as a stub of its own at `cost`.
  void announce(const std::string& address, int cost) {
    if (bgp_) return announce_by_bgp({InterfaceAddress::parse(address).value().network().to_string()});
    sh(fmt::format("ip link add atk{0} type bridge && ip address add {1} dev atk{0} && ip link set atk{0} up", stubs_, address));
    configure({fmt::format("interface atk{}", stubs_++), fmt::format("ip ospf cost {}", cost), "ip ospf passive",
               "ip ospf area 0.0.0.0"});
  }
  void announce_default() {
    if (bgp_) return announce_by_bgp({"0.0.0.0/0"});
    configure({"router ospf", "default-information originate always metric 1"});
    default_ = true;
  }
  // Prefixes that may hold its own hubs' addresses, to which its own packets
  // must still find their way: as external routes, past them by rule.
  void announce_external(const std::vector<std::string>& prefixes) {
    if (bgp_) return announce_by_bgp(prefixes);
    for (std::size_t i = 0; i < hubs_.size(); ++i)
      sh(fmt::format("ip rule add pref 5 to {0} lookup 100; ip route add {0} via $(ip -4 route show default | cut -d' ' -f3) table 100; "
                     "ip rule add pref 6 to {1} lookup 101; ip route add {1} dev wg{2} table 101",
                     endpoint_of(hubs_[i].name), hubs_[i].address, i));
    std::vector<std::string> lines;
    for (const auto& prefix : prefixes) lines.push_back(fmt::format("ip route {} blackhole", prefix));
    lines.insert(lines.end(), {"router ospf", "redistribute static metric 1 metric-type 1"});
    configure(lines);
    external_ = prefixes;
  }
  // A stub over OSPFv3, as announce().
  void announce_by_ospf6(const std::vector<std::string>& addresses, int cost) {
    for (const auto& address : addresses) {
      sh(fmt::format("ip link add atv{0} type bridge && ip address add {1} dev atv{0} nodad && ip link set atv{0} up", stubs6_, address));
      configure({fmt::format("interface atv{}", stubs6_++), fmt::format("ipv6 ospf6 cost {}", cost), "ipv6 ospf6 passive", "ipv6 ospf6 area 0.0.0.0"});
    }
  }
  // A default route and these, as external routes of OSPFv3 or by bgpd.
  void announce_ipv6(const std::vector<std::string>& prefixes) {
    ipv6_ = prefixes;
    std::vector<std::string> lines;
    if (bgp_) {
      lines = {router_bgp(), "no bgp network import-check", "address-family ipv6 unicast"};
      ipv6_.emplace_back("::/0");
      for (const auto& prefix : ipv6_) lines.push_back("network " + prefix);
    } else {
      for (const auto& prefix : ipv6_) lines.push_back(fmt::format("ipv6 route {} blackhole", prefix));
      lines.insert(lines.end(), {"router ospf6", "redistribute static metric 1 metric-type 1", "default-information originate always metric 1 metric-type 1"});
    }
    configure(lines);
  }
  // Ten thousand host routes of 100.64.0.0/10, to be announced ("redistribute kernel").
  void make_flood() {
    sh("awk 'BEGIN { for (i = 0; i < 10000; i++) printf \"route add blackhole 100.%d.%d.%d/32 proto 99\\n\", 64 + i / 65536, (i / 256) % 256, i % 256 }' | ip -batch -");
  }
  void flood(bool on) {
    const std::string line = on ? "redistribute kernel" : "no redistribute kernel";
    if (bgp_) configure({router_bgp(), "address-family ipv4 unicast", line});
    else configure({"router ospf", line});
    if (!on) sh("ip route flush proto 99");
  }

  // All of it.
  void stop() {
    if (!by_bgp_.empty()) {
      std::vector<std::string> lines{router_bgp(), "address-family ipv4 unicast"};
      for (const auto& prefix : by_bgp_) lines.push_back(fmt::format("no network {}", prefix));
      configure(lines);
      by_bgp_.clear();
    }
    if (std::exchange(default_, false)) configure({"router ospf", "no default-information originate"});
    while (stubs_ > 0)
      sh(fmt::format("ip link delete atk{0}; vtysh -c 'configure terminal' -c 'no interface atk{0}' || true", --stubs_));
    if (!external_.empty()) {
      std::vector<std::string> lines;
      for (const auto& prefix : external_) lines.push_back(fmt::format("no ip route {} blackhole", prefix));
      lines.insert(lines.end(), {"router ospf", "no redistribute static"});
      configure(lines);
      sh("while ip rule del pref 5; do :; done; while ip rule del pref 6; do :; done; ip route flush table 100; ip route flush table 101");
      external_.clear();
    }
    while (stubs6_ > 0)
      sh(fmt::format("ip link delete atv{0}; vtysh -c 'configure terminal' -c 'no interface atv{0}' || true", --stubs6_));
    if (!ipv6_.empty()) {
      std::vector<std::string> lines;
      if (bgp_) lines = {router_bgp(), "address-family ipv6 unicast"};
      for (const auto& prefix : ipv6_) lines.push_back(bgp_ ? "no network " + prefix : fmt::format("no ipv6 route {} blackhole", prefix));
      if (!bgp_) lines.insert(lines.end(), {"router ospf6", "no redistribute static", "no default-information originate"});
      configure(lines);
      ipv6_.clear();
    }
  }

  // `hub` has heard it, or was sent it: the attack took place.
  bool heard(const std::string& hub, const std::string& prefix) {
    return heard(hub, prefix, "ipv4", {"show ip ospf database", "show ip ospf route"});
  }
  bool heard_ipv6(const std::string& hub, const std::string& prefix) {
    return heard(hub, prefix, "ipv6", {"show ipv6 ospf6 database detail", "show ipv6 ospf6 route"});
  }

  // bgpd announces what it is told to, whether it has a route or not.
  void announce_by_bgp(const std::vector<std::string>& prefixes) {
    std::vector<std::string> lines{router_bgp(), "no bgp network import-check", "address-family ipv4 unicast"};
    for (const auto& prefix : prefixes) lines.push_back("network " + prefix);
    configure(lines);
    by_bgp_.insert(by_bgp_.end(), prefixes.begin(), prefixes.end());
  }

 private:
  // `shown`: what of the hub's OSPF has it.
  bool heard(const std::string& hub, const std::string& prefix, const std::string& family, const std::vector<std::string>& shown) {
    const auto side = std::find_if(hubs_.begin(), hubs_.end(), [&](const HubSide& one) { return one.name == hub; });
    return wait_until(20s, [&] {
             if (bgp_)  // the hub's bgpd forgets what it refused
               return lab_.vtysh(site_, fmt::format("show bgp {} unicast neighbors {} advertised-routes", family, side->address)).find(prefix) != std::string::npos;
             return std::any_of(shown.begin(), shown.end(),
                                [&](const std::string& command) { return lab_.vtysh(hub, command).find(prefix) != std::string::npos; });
           }).has_value();
  }
  bool runs_ospf6() { return !lab_.pids(site_, "ospf6d").empty(); }
  std::string router_bgp() {
    const auto line = sh("vtysh -c 'show running-config' 2>/dev/null | grep -m 1 '^router bgp'");
    return line.substr(0, line.find('\n'));
  }

  LiveLab& lab_;
  bool bgp_;
  std::vector<HubSide> hubs_;
  std::string site_;
  int stubs_ = 0;
  int stubs6_ = 0;
  bool default_ = false;
  std::vector<std::string> by_bgp_;
  std::vector<std::string> external_;
  std::vector<std::string> ipv6_;
};

}  // namespace radial::test
