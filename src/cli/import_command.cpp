// import: a hub that was configured by hand becomes a fabric file.
#include <cstdio>
#include <filesystem>

#include <CLI/CLI.hpp>

#include "agent/keyring.h"
#include "base/file.h"
#include "cli/commands.h"
#include "exchange/import.h"

namespace radial::cli {
namespace {

constexpr std::size_t most_bytes = 4U << 20U;

struct Options {
  std::string wg;
  std::string frr;
  std::string output = "-";
  std::string key_file;
  std::string fabric = "imported";
  std::string hub = "hub";
  std::string interface;
  std::string endpoint;
  std::string frr_version;
  std::vector<std::string> lans;
  std::vector<std::string> sites;
};

Result<exchange::ImportOptions> understood(const Options& options) {
  exchange::ImportOptions result;
  result.wg_file = options.wg;
  result.frr_file = options.frr.empty() ? "frr.conf" : options.frr;
  result.interface = options.interface.empty() ? std::filesystem::path(options.wg).stem().string() : options.interface;
  result.fabric = options.fabric;
  result.hub = options.hub;
  if (!options.endpoint.empty()) {
    RADIAL_ASSIGN(result.endpoint, Endpoint::parse(options.endpoint));
  }
  if (!options.frr_version.empty()) {
    RADIAL_ASSIGN(result.frr_version, FrrVersion::parse(options.frr_version));
  }
  for (const auto& text : options.lans) {
    RADIAL_ASSIGN(const auto prefix, Prefix::parse(text));
    result.lans.push_back(prefix);
  }
  for (const auto& text : options.sites) {
    RADIAL_ASSIGN(auto hint, exchange::SiteHint::parse(text));
    result.sites.push_back(std::move(hint));
  }
  return result;
}

Status write_key(const exchange::Imported& imported, const std::string& file) {
  if (imported.private_key.is_zero()) return fail(Errc::invalid_argument, "no private key could be read, so none was kept");
  std::error_code error;
  if (std::filesystem::exists(file, error))
    return fail(Errc::already_exists, "{} is there already; a key is never written over", file);
  auto text = imported.private_key.reveal_base64() + "\n";
  const auto status = write_file_atomically(file, text, 0600);
  wipe(text);
  return status;
}

// Where radiald looks for it beside the private key.
Status write_preshared(exchange::Imported& imported, const std::filesystem::path& key_file) {
  const auto file = key_file.parent_path() / "secrets.json";
  std::error_code error;
  if (std::filesystem::exists(file, error))
    return fail(Errc::already_exists, "{} is there already; keys are never written over", file.string());
  agent::Keyring keyring;
  keyring.preshared = std::move(imported.preshared);
  return agent::save_keyring(file, keyring);
}

Result<exchange::Imported> read_and_import(const Options& options) {
  RADIAL_ASSIGN(const auto settings, understood(options));
  RADIAL_ASSIGN(auto wg, read_file(options.wg, most_bytes));
  std::optional<std::string> frr;
  if (!options.frr.empty()) {
    RADIAL_ASSIGN(frr, read_file(options.frr, most_bytes));
  }
  auto imported = exchange::import_hub(wg, frr, settings);
  wipe(wg);
  return imported;
}

Status write_results(const Options& options, exchange::Imported& imported) {
  if (options.output == "-") {
    fmt::print("{}", imported.yaml);
  } else {
    const auto facts = std::filesystem::path(options.output).replace_filename("facts.json");
    RADIAL_TRY(write_file_atomically(options.output, imported.yaml));
    RADIAL_TRY(write_file_atomically(facts, imported.facts.to_json()));
    fmt::print("{}: {} site{}; their public keys are in {}\n", options.output, imported.sites, imported.sites == 1 ? "" : "s",
               facts.string());
  }
  const auto keys = imported.preshared.size();
  if (options.key_file.empty()) {
    if (keys != 0) fmt::print(stderr, "{} preshared key{} not kept: --private-key-to keeps them beside the private key\n", keys, keys == 1 ? "" : "s");
    return {};
  }
  RADIAL_TRY(write_key(imported, options.key_file));
  fmt::print(stderr, "the hub's private key is in {} (mode 0600)\n", options.key_file);
  if (keys == 0) return {};
  RADIAL_TRY(write_preshared(imported, options.key_file));
  fmt::print(stderr, "{} preshared key{} in secrets.json beside it (mode 0600)\n", keys, keys == 1 ? " is" : "s are");
  return {};
}

int import(const Options& options) {
  auto imported = read_and_import(options);
  if (!imported) return print_error(imported.error().message), 1;
  for (const auto& note : imported->notes) fmt::print(stderr, "{}\n", to_string(note));
  if (const auto status = write_results(options, *imported); !status) return print_error(status.error().message), 1;
  if (imported->usable()) return 0;
  print_error("the fabric file is a draft: what the lines above call an error must be settled first");
  return 1;
}

}  // namespace

void add_import_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("import", "Make a fabric file of a hub's wg0.conf and frr.conf, keeping its keys and addresses");
  auto options = std::make_shared<Options>();
  command->add_option("WG_CONF", options->wg, "the hub's wg-quick file")->required();
  command->add_option("FRR_CONF", options->frr, "its frr.conf, where it runs FRR");
  command->add_option("-o,--output", options->output, "the fabric file to write, with facts.json beside it; - prints it")
      ->capture_default_str();
  command->add_option("--endpoint", options->endpoint, "HOST:PORT where sites dial this hub");
  command->add_option("--name", options->fabric, "the fabric's name")->capture_default_str();
  command->add_option("--hub", options->hub, "the hub's name")->capture_default_str();
  command->add_option("--interface", options->interface, "the hub's WireGuard interface (default: the file's name)");
  command->add_option("--frr", options->frr_version, "the hub's FRR version (8.4, 10.3; default: as frr.conf says)");
  command->add_option("--lan", options->lans, "a prefix behind the hub; may be given again");
  command->add_option("--site", options->sites, "NAME=ADDRESS,LAN,... of a site whose AllowedIPs do not tell; may be given again");
  command->add_option("--private-key-to", options->key_file,
                      "keep the hub's private key in this new file (mode 0600), for radiald: /etc/radial/private.key; and preshared "
                      "keys in secrets.json beside it");
  command->callback([&exit_code, options] { exit_code = import(*options); });
}

}  // namespace radial::cli
