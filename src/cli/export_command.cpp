// export: a node's configuration for a router that runs no agent.
#include <cstdio>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "agent/keyring.h"
#include "agent/paths.h"
#include "agent/settings.h"
#include "cli/api_client.h"
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
  std::string socket = agent::Paths{}.socket();
  bool with_key = false;
  bool with_preshared = false;
};

using PresharedByPeer = std::map<std::string, PresharedKey>;

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

// Of this machine, from its own files.
Result<PresharedByPeer> own_preshared(const FabricFacts& facts) {
  RADIAL_ASSIGN(auto keyring, agent::load_keyring(agent::Paths{}.secrets()));
  PresharedByPeer keys;
  for (const auto& [node, known] : facts.nodes)
    if (const auto found = known.public_key ? keyring.preshared.find(*known.public_key) : keyring.preshared.end(); found != keyring.preshared.end())
      keys.emplace(node, std::move(found->second));
  return keys;
}

// Without `shown` every key is empty: only whose there are.
Result<PresharedByPeer> preshared_from_controller(const std::string& socket, const std::string& node, bool shown) {
  RADIAL_ASSIGN(auto body, api_body(socket, "POST", "/v1/preshared", nlohmann::json{{"site", node}, {"names_only", !shown}}.dump()));
  auto answer = nlohmann::json::parse(body, nullptr, false);
  wipe(body);
  PresharedByPeer keys;
  if (!answer.is_object() || !answer.contains("preshared") || !answer["preshared"].is_object())
    return fail(Errc::protocol, "radiald's answer is not understood");
  for (auto& [peer, text] : answer["preshared"].items()) {
    if (!text.is_string()) return fail(Errc::protocol, "radiald's answer is not understood");
    auto key = shown ? PresharedKey::parse(text.get_ref<const std::string&>()) : Result<PresharedKey>(PresharedKey());
    wipe(text.get_ref<std::string&>());
    if (!key) return fail(Errc::protocol, "radiald's answer is not understood");
    keys.emplace(peer, std::move(*key));
  }
  return keys;
}

// Those that NODE has with its peers. They are known to itself, and to the controller of the fabric.
Result<PresharedByPeer> preshared_of(const Options& options, const FabricFacts& facts) {
  const agent::Paths paths;
  if (const auto here = agent::load_identity(paths); here && here->node == options.node) return own_preshared(facts);
  if (options.file != paths.fabric())
    return fail(Errc::not_found, "--with-preshared-keys: {0}'s are known to the controller, for its own {1}, and to {0} itself", options.node,
                paths.fabric().string());
  return preshared_from_controller(options.socket, options.node, options.with_preshared);
}

// A text that lacks a key that the other end has is of no use: where one is known of, a placeholder says so at least.
Result<PresharedByPeer> preshared_or_note(const Options& options, const FabricFacts& facts) {
  auto keys = preshared_of(options, facts);
  if (keys || options.with_preshared) return keys;
  if (keys.error().code == Errc::permission_denied || keys.error().code == Errc::unavailable)
    fmt::print(stderr, "note: whether {} has preshared keys with its peers is not known ({})\n", options.node, keys.error().message);
  return PresharedByPeer{};
}

Result<std::string> exported(const Fabric& fabric, const Options& options) {
  RADIAL_ASSIGN(const auto target, exchange::parse_target(options.as));
  RADIAL_ASSIGN(const auto facts, known_facts(options, fabric));
  RADIAL_ASSIGN(const auto config, compile_node(fabric, facts, options.node));
  exchange::ExportOptions how;
  RADIAL_ASSIGN(how.lan_interfaces, lan_interfaces(options.lan_interfaces));
  PresharedByPeer preshared;
  if (target != exchange::Target::frr) {
    RADIAL_ASSIGN(preshared, preshared_or_note(options, facts));
  }
  for (const auto& [peer, key] : preshared) how.preshared[peer] = options.with_preshared ? &key : nullptr;
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
  command->add_flag("--with-preshared-keys", options->with_preshared, "print NODE's preshared keys too; on the controller, or the node itself");
  command->add_option("--socket", options->socket, "radiald's socket")->capture_default_str();
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
