// frr.conf, whole: what radiald would enter at this node, LANs included.
#include <set>

#include <fmt/ranges.h>

#include "compile/fib_filter.h"
#include "compile/render.h"
#include "exchange/export_targets.h"

namespace radial::exchange {
namespace {

// What the agent would look up at the node: here only what the fabric says.
std::vector<IpAddress> known_endpoints(const NodeConfig& config) {
  std::vector<IpAddress> known;
  for (const auto& wire : config.wires)
    for (const auto& peer : wire.peers)
      for (const auto& endpoint : peer.endpoints)
        if (const auto address = endpoint.address()) known.push_back(*address);
  return known;
}

}  // namespace

std::string export_frr(const NodeConfig& config, const ExportOptions& options) {
  auto stanzas = config.frr;
  const auto lans = held_lans(config, options);
  for (auto& stanza : bind_lans(config, lans).stanzas) stanzas.push_back(std::move(stanza));
  for (auto& stanza : bind_fib_filter(config, {{}, {}, known_endpoints(config)})) stanzas.push_back(std::move(stanza));

  std::set<std::string> daemons;
  for (const auto& stanza : stanzas) daemons.insert(stanza.daemon);
  daemons.erase("zebra");  // always on, as is staticd from FRR 8 on
  daemons.erase("staticd");

  std::string text = fmt::format("! {}\n! /etc/frr/frr.conf. In /etc/frr/daemons: {}=yes\n", title_of(config),
                                 fmt::join(daemons, "=yes, "));
  text += "! The wires are made by 'radial export " + config.node + " --as wg'.\n";
  for (std::size_t i = 0; i < lans.size(); ++i)
    if (!options.lan_interfaces.contains(config.lans[i].prefix))
      text += fmt::format("! {} stands for the interface that holds {}; --lan-interface {}=NAME puts its name here.\n",
                          lans[i].interface, config.lans[i].prefix.to_string(), config.lans[i].prefix.to_string());
  text += fmt::format("frr defaults traditional\nhostname {}\nservice integrated-vtysh-config\n!\n", config.node);
  return text + render_frr(stanzas);
}

}  // namespace radial::exchange
