#include "agent/settings.h"

#include <sys/stat.h>

#include "base/file.h"
#include "compile/compile.h"
#include "fabric/address_plan.h"

namespace radial::agent {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

Result<PrivateKey> load_private_key(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0)
    return fail_errno(errno, fmt::format("cannot open {}", file.string()));
  if ((info.st_mode & 077U) != 0)
    return fail(Errc::permission_denied, "{} can be read by others (mode {:o}): chmod 600 it", file.string(),
                info.st_mode & 0777U);
  RADIAL_ASSIGN(auto text, read_file(file, 4096));
  auto key = PrivateKey::parse(trimmed(text));
  wipe(text);
  if (!key) return forward_error(std::move(key.error()).within(file.string()));
  return key;
}

Result<Identity> load_identity(const Paths& paths) {
  RADIAL_ASSIGN(const auto name, read_file(paths.node(), 4096));
  RADIAL_ASSIGN(auto key, load_private_key(paths.private_key()));
  return Identity{std::string(trimmed(name)), std::move(key)};
}

Result<Compiled> compile_for(const std::string& node, const std::string& fabric_yaml, const std::string& file_name,
                             FabricFacts facts) {
  const auto parsed = parse_fabric(fabric_yaml);
  if (const auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed)) {
    std::string message;
    for (const auto& mistake : *mistakes) message += (message.empty() ? "" : "\n") + to_string(mistake, file_name);
    return Unexpected(Error{Errc::invalid_argument, std::move(message), 0});
  }
  const auto& fabric = std::get<Fabric>(parsed);
  RADIAL_ASSIGN(facts.addresses, plan_addresses(fabric, facts.addresses));
  RADIAL_ASSIGN(auto config, compile_node(fabric, facts, node));
  return Compiled{std::move(config), std::move(facts)};
}

namespace {

Result<FabricFacts> load_facts_file(const std::filesystem::path& file, bool must_exist) {
  auto text = read_file(file);
  if (!text) {
    if (text.error().sys_errno == ENOENT && !must_exist) return FabricFacts{};
    return forward_error(std::move(text.error()));
  }
  auto facts = FabricFacts::from_json(*text);
  if (!facts) return forward_error(std::move(facts.error()).within(file.string()));
  return facts;
}

}  // namespace

Result<FabricFacts> load_facts(const Paths& paths) { return load_facts_file(paths.facts(), false); }

Result<FabricFacts> load_facts_of(const std::filesystem::path& fabric_file, const std::filesystem::path& given) {
  if (!given.empty()) return load_facts_file(given, true);
  return load_facts_file(std::filesystem::path(fabric_file).replace_filename("facts.json"), false);
}

}  // namespace radial::agent
