#include "agent/keyring.h"

#include <algorithm>

#include <sys/stat.h>

#include "agent/kept_twice.h"
#include "fabric/strict_json.h"

namespace radial::agent {
namespace {

using Json = nlohmann::json;

// What was written is a secret's text; no part of it may reach an error.
Unexpected damaged(const std::filesystem::path& file) {
  return fail(Errc::protocol, "{} is damaged: restore it, or enrol this node again with a new token", file.string());
}

Result<Keyring> load_one(const std::filesystem::path& file) {
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    if (errno == ENOENT) return Keyring{};
    return fail_errno(errno, fmt::format("cannot open {}", file.string()));
  }
  if ((info.st_mode & 077U) != 0)
    return fail(Errc::permission_denied, "{} can be read by others (mode {:o}): chmod 600 it", file.string(), info.st_mode & 0777U);
  RADIAL_ASSIGN(auto text, read_file(file));
  const auto json = parse_strict_json(text);
  wipe(text);
  if (!json || !json->is_object() || !json->contains("preshared") || !(*json)["preshared"].is_object()) return damaged(file);
  Keyring keyring;
  for (const auto& [peer, value] : (*json)["preshared"].items()) {
    const auto key = PublicKey::parse(peer);
    if (!key || !value.is_string()) return damaged(file);
    auto preshared = Secret::parse(value.get_ref<const std::string&>());
    if (!preshared) return damaged(file);
    keyring.preshared.emplace(*key, std::move(*preshared));
  }
  if (json->contains("node_secret")) {
    if (!(*json)["node_secret"].is_string()) return damaged(file);
    auto secret = Secret::parse((*json)["node_secret"].get_ref<const std::string&>());
    if (!secret) return damaged(file);
    keyring.node_secret = std::move(*secret);
  }
  return keyring;
}

}  // namespace

bool Keyring::equals(const Keyring& other) const {
  if (node_secret.has_value() != other.node_secret.has_value()) return false;
  if (node_secret && !node_secret->equals(*other.node_secret)) return false;
  return std::equal(preshared.begin(), preshared.end(), other.preshared.begin(), other.preshared.end(),
                    [](const auto& a, const auto& b) { return a.first == b.first && a.second.equals(b.second); });
}

Result<Keyring> load_keyring(const std::filesystem::path& file) { return load_either(file, load_one); }

Status save_keyring(const std::filesystem::path& file, const Keyring& keyring) {
  Json keys = Json::object();
  for (const auto& [peer, key] : keyring.preshared) keys[peer.to_string()] = key.reveal_base64();
  Json json{{"preshared", std::move(keys)}};
  if (keyring.node_secret) json["node_secret"] = keyring.node_secret->reveal_base64();
  auto text = json.dump(2) + "\n";
  auto written = write_twice(file, text, 0600);
  wipe(text);
  return written;
}

}  // namespace radial::agent
