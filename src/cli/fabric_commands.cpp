// check and render: a fabric file, without a node.
#include <cstdio>
#include <optional>

#include <CLI/CLI.hpp>

#include "base/file.h"
#include "cli/commands.h"
#include "cli/read_fabric.h"
#include "compile/compile.h"
#include "compile/json.h"
#include "compile/render.h"
#include "fabric/address_plan.h"

namespace radial::cli {
namespace {

struct CheckOptions {
  std::string file;
  bool print_name = false;
  bool print_nodes = false;
};

constexpr std::size_t many_sites = 100;

// Which engine it has, and whether the other would suit it better (docs/routing.md).
std::string routing_advice(const Fabric& fabric) {
  if (fabric.routing == RoutingEngine::bgp)
    return "routing: bgp; at its hub each site is held to its grant before a route is chosen\n";
  std::string text =
      "routing: ospf, for sites that trust each other; else 'trust: static' for a site, or 'routing: bgp'\n";
  if (fabric.sites.size() > many_sites)
    text += fmt::format("advice: {} sites are many for one OSPF area; 'routing: bgp' carries hundreds\n", fabric.sites.size());
  return text;
}

int check(const CheckOptions& options) {
  const auto& file = options.file;
  const auto fabric = read_fabric(file);
  if (!fabric) return 1;
  if (options.print_name || options.print_nodes) {
    if (options.print_name) fmt::print("{}\n", fabric->name);
    if (!options.print_nodes) return 0;
    for (const auto& hub : fabric->hubs) fmt::print("hub {}\n", hub.name);
    for (const auto& site : fabric->sites) fmt::print("site {}\n", site.name);
    return 0;
  }
  auto plan = plan_addresses(*fabric, {});
  if (!plan) {
    print_error(plan.error().message);
    return 1;
  }
  fmt::print("fabric {} is valid: {} hub{}, {} site{}\n", fabric->name, fabric->hubs.size(), fabric->hubs.size() == 1 ? "" : "s",
             fabric->sites.size(), fabric->sites.size() == 1 ? "" : "s");
  fmt::print("{}", routing_advice(*fabric));
  return 0;
}

struct RenderOptions {
  std::string node;
  std::string file = "/etc/radial/fabric.yaml";
  std::string facts;
  std::string hub_frr;
  std::string as = "all";
};

Result<std::string> render(const Fabric& fabric, const RenderOptions& options) {
  FabricFacts facts;
  if (!options.facts.empty()) {
    RADIAL_ASSIGN(const auto text, read_file(options.facts));
    RADIAL_ASSIGN(facts, FabricFacts::from_json(text));
  }
  if (!options.hub_frr.empty()) {
    RADIAL_ASSIGN(const auto version, FrrVersion::parse(options.hub_frr));
    for (const auto& hub : fabric.hubs) facts.nodes[hub.name].frr = version;
  }
  RADIAL_ASSIGN(facts.addresses, plan_addresses(fabric, facts.addresses));
  RADIAL_ASSIGN(const auto config, compile_node(fabric, facts, options.node));
  if (options.as == "json") return to_json(config);
  if (options.as == "frr") return render_frr(config);
  if (options.as == "nft") return config.nft;
  if (options.as == "wg") {
    std::string text;
    for (const auto& wire : config.wires) text += render_wg(wire);
    return text;
  }
  return render_node(config);
}

}  // namespace

void add_fabric_commands(CLI::App& app, int& exit_code) {
  auto* check_command = app.add_subcommand("check", "Check a fabric file and name every mistake in it");
  auto checked = std::make_shared<CheckOptions>();
  check_command->add_option("FABRIC", checked->file, "the fabric file (YAML)")->required();
  check_command->add_flag("--print-name", checked->print_name, "print only the fabric's name");
  check_command->add_flag("--print-nodes", checked->print_nodes, "print only its nodes: 'hub NAME' or 'site NAME' a line");
  check_command->callback([&exit_code, checked] { exit_code = check(*checked); });

  auto* render_command = app.add_subcommand(
      "render", "Print a node's configuration in the native formats: wg setconf, frr.conf, nft");
  auto options = std::make_shared<RenderOptions>();
  render_command->add_option("NODE", options->node, "a hub or a site of the fabric")->required();
  render_command->add_option("-f,--file", options->file, "the fabric file")->capture_default_str();
  render_command->add_option("--facts", options->facts, "facts.json: public keys, FRR versions, addresses");
  render_command->add_option("--hub-frr", options->hub_frr, "take this FRR version for every hub (8.4, 10.3)");
  render_command->add_option("--as", options->as, "what to print")
      ->check(CLI::IsMember({"all", "wg", "frr", "nft", "json"}))
      ->capture_default_str();
  render_command->callback([&exit_code, options] {
    exit_code = 1;
    const auto fabric = read_fabric(options->file);
    if (!fabric) return;
    const auto text = render(*fabric, *options);
    if (!text) return print_error(text.error().message);
    fmt::print("{}", *text);
    exit_code = 0;
  });
}

}  // namespace radial::cli
