// export: a node's configuration for a router that runs no agent.
#include <cstdio>

#include <CLI/CLI.hpp>

#include "agent/paths.h"
#include "agent/settings.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/read_fabric.h"
#include "compile/compile.h"
#include "exchange/export.h"
#include "fabric/address_plan.h"

namespace radial::cli {
namespace {

struct Options {
  std::string node;
  std::string as;
  std::string file = "/etc/radial/fabric.yaml";
  std::string facts;
  std::string hub_frr;
  std::vector<std::string> lan_interfaces;
  bool with_key = false;
};

Result<FabricFacts> known_facts(const Options& options, const Fabric& fabric) {
  RADIAL_ASSIGN(auto facts, agent::load_facts_of(options.file, options.facts));
  if (!options.hub_frr.empty()) {
    RADIAL_ASSIGN(const auto version, FrrVersion::parse(options.hub_frr));
    for (const auto& hub : fabric.hubs) facts.nodes[hub.name].frr = version;
  }
  RADIAL_ASSIGN(facts.addresses, plan_addresses(fabric, facts.addresses));
  return facts;
}

Result<std::map<Prefix, std::string>> lan_interfaces(const std::vector<std::string>& given) {
  std::map<Prefix, std::string> result;
  for (const auto& text : given) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals + 1 == text.size())
      return fail(Errc::invalid_argument, "--lan-interface: '{}' is not PREFIX=NAME", text);
    RADIAL_ASSIGN(const auto prefix, Prefix::parse(std::string_view(text).substr(0, equals)));
    result[prefix] = text.substr(equals + 1);
  }
  return result;
}

// The key is at hand only on the node itself.
Result<PrivateKey> own_key(const std::string& node) {
  RADIAL_ASSIGN(auto identity, agent::load_identity(agent::Paths{}));
  if (identity.node != node)
    return fail(Errc::invalid_argument, "--with-key: this machine is {}, and {}'s private key never leaves {}", identity.node, node, node);
  return std::move(identity.key);
}

Result<std::string> exported(const Fabric& fabric, const Options& options) {
  RADIAL_ASSIGN(const auto target, exchange::parse_target(options.as));
  RADIAL_ASSIGN(const auto facts, known_facts(options, fabric));
  RADIAL_ASSIGN(const auto config, compile_node(fabric, facts, options.node));
  exchange::ExportOptions how;
  RADIAL_ASSIGN(how.lan_interfaces, lan_interfaces(options.lan_interfaces));
  if (!options.with_key) return exchange::export_node(config, target, how);
  RADIAL_ASSIGN(const auto key, own_key(options.node));
  how.private_key = &key;
  return exchange::export_node(config, target, how);
}

}  // namespace

void add_export_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("export", "Print a node's WireGuard and routing for a router without an agent");
  auto options = std::make_shared<Options>();
  command->add_option("NODE", options->node, "a hub or a site of the fabric")->required();
  command->add_option("--as", options->as, "the kind of configuration")
      ->required()
      ->check(CLI::IsMember({"wg", "frr", "vyos", "mikrotik", "opnsense"}));
  command->add_option("-f,--file", options->file, "the fabric file")->capture_default_str();
  command->add_option("--facts", options->facts, "facts.json with the public keys (default: beside the fabric file)");
  command->add_option("--hub-frr", options->hub_frr, "take this FRR version for every hub (8.4, 10.3)");
  command->add_option("--lan-interface", options->lan_interfaces, "PREFIX=NAME of the interface that holds a LAN; may be given again");
  command->add_flag("--with-key", options->with_key, "print the private key too; only on the node itself");
  command->callback([&exit_code, options] {
    exit_code = 1;
    const auto fabric = read_fabric(options->file);
    if (!fabric) return;
    auto text = exported(*fabric, *options);
    if (!text) return print_error(text.error().message);
    fmt::print("{}", *text);
    wipe(*text);
    exit_code = 0;
  });
}

}  // namespace radial::cli
