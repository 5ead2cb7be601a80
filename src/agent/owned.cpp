#include "agent/owned.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/file.h"

namespace radial::agent {
namespace {

using Json = nlohmann::ordered_json;

constexpr int format_version = 1;

}  // namespace

Result<Owned> load_owned(const std::filesystem::path& file) {
  auto text = read_file(file);
  if (!text) {
    if (text.error().sys_errno == ENOENT) return Owned{};
    return forward_error(std::move(text.error()));
  }
  try {
    const auto json = Json::parse(*text);
    if (json.at("version") != format_version)
      return fail(Errc::unsupported, "{} was written by another version of Radial (format {})", file.string(),
                  json.at("version").dump());
    Owned owned;
    owned.wires = json.at("wires").get<std::set<std::string>>();
    owned.sysctls = json.at("sysctls").get<std::map<std::string, std::string>>();
    owned.firewall = json.at("firewall").get<bool>();
    for (const auto& item : json.at("frr"))
      owned.frr.push_back({item.at("daemon"), item.at("context"), item.at("lines").get<std::vector<std::string>>()});
    return owned;
  } catch (const std::exception& error) {
    return fail(Errc::protocol, "{} is damaged ({}): move it away; then remove by hand what Radial made", file.string(),
                error.what());
  }
}

Status save_owned(const std::filesystem::path& file, const Owned& owned) {
  if (owned.nothing()) {
    if (::unlink(file.c_str()) != 0 && errno != ENOENT)
      return fail_errno(errno, fmt::format("cannot remove {}", file.string()));
    return {};
  }
  auto frr = Json::array();
  for (const auto& stanza : owned.frr)
    frr.push_back({{"daemon", stanza.daemon}, {"context", stanza.context}, {"lines", stanza.lines}});
  const Json json{{"version", format_version},
                  {"wires", owned.wires},
                  {"sysctls", owned.sysctls},
                  {"firewall", owned.firewall},
                  {"frr", std::move(frr)}};
  return write_file_atomically(file, json.dump(2) + "\n", 0600);
}

}  // namespace radial::agent
