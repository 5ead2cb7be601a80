#include "agent/backup.h"

#include <ctime>
#include <map>

#include <nlohmann/json.hpp>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/frr_service.h"
#include "agent/start_daemon.h"
#include "base/file.h"
#include "base/key.h"
#include "control/controller.h"
#include "control/database.h"
#include "fabric/strict_json.h"

namespace radial::agent {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_bytes = 256U << 20U;

struct Part {
  std::filesystem::path file;
  mode_t mode;
  bool needed;
};

// The name in the backup, and where it belongs. The store and the node's name
// are apart: the first is copied by SQLite, the second is written last.
std::map<std::string, Part> parts_of(const Paths& paths) {
  return {{"private.key", {paths.private_key(), 0600, true}}, {"facts.json", {paths.facts(), 0644, false}},
          {"fabric.yaml", {paths.fabric(), 0644, false}},     {"secrets.json", {paths.secrets(), 0600, false}},
          {"cut-off.json", {paths.cut_offs(), 0600, false}}};
}

std::string base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.resize(text.size() - 1);  // its NUL
  return text;
}

Result<std::string> from_base64(const std::string& text) {
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(), text.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_ORIGINAL) != 0)
    return fail(Errc::protocol, "not base64");
  bytes.resize(size);
  return bytes;
}

std::string checksum(const Json& files) {
  const auto text = files.dump();
  std::array<unsigned char, 32> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  return base64({reinterpret_cast<const char*>(hash.data()), hash.size()});
}

// As of one moment, whatever radiald does meanwhile; beside the store, which
// has the right mode and room.
Result<std::string> copy_of_store(const Paths& paths) {
  const auto beside = paths.controller_store().string() + ".backup";
  ::unlink(beside.c_str());
  const auto mask = ::umask(0077);
  const auto copied = [&]() -> Status {
    RADIAL_ASSIGN(auto database, control::Database::open(paths.controller_store()));
    return database->execute(fmt::format("VACUUM INTO '{}'", beside));
  }();
  ::umask(mask);
  auto content = copied ? read_file(beside, most_bytes) : Result<std::string>(Unexpected(copied.error()));
  ::unlink(beside.c_str());
  return content;
}

Result<std::map<std::string, std::string>> read_backup(const std::filesystem::path& file) {
  RADIAL_ASSIGN(auto text, read_file(file, most_bytes));
  const auto json = parse_strict_json(text, {most_bytes, 4});
  wipe(text);
  const auto damaged = [&] { return fail(Errc::protocol, "{} is torn or damaged, or no backup of Radial's; nothing was changed", file.string()); };
  if (!json || !json->is_object() || !json->contains("files") || !(*json)["files"].is_object()) return damaged();
  if (json->value("version", Json()) != 1)
    return fail(Errc::unsupported, "{} was written by another version of Radial", file.string());
  if (json->value("checksum", Json()) != checksum((*json)["files"])) return damaged();
  std::map<std::string, std::string> files;
  for (const auto& [name, content] : (*json)["files"].items()) {
    if (!content.is_string()) return damaged();
    auto bytes = from_base64(content.get_ref<const std::string&>());
    if (!bytes) return damaged();
    files[name] = std::move(*bytes);
  }
  for (const auto* name : {"controller.db", "node", "private.key"})
    if (!files.contains(name)) return damaged();
  return files;
}

}  // namespace

Status write_backup(const Paths& paths, const std::filesystem::path& file, const Tell& tell) {
  if (!std::filesystem::exists(paths.controller_store()))
    return fail(Errc::conflict, "this node is no controller: back its hub up, all else comes from there");
  Json files = Json::object();
  RADIAL_ASSIGN(auto store, copy_of_store(paths));
  files["controller.db"] = base64(store);
  wipe(store);
  RADIAL_ASSIGN(const auto node, read_file(paths.node(), 4096));
  files["node"] = base64(node);
  for (const auto& [name, part] : parts_of(paths)) {
    auto content = read_file(part.file);
    if (!content && !part.needed && content.error().sys_errno == ENOENT) continue;
    if (!content) return forward_error(std::move(content.error()));
    files[name] = base64(*content);
    wipe(*content);
  }
  const auto sum = checksum(files);
  auto text = Json{{"version", 1}, {"made", std::time(nullptr)}, {"checksum", sum}, {"files", std::move(files)}}.dump() + "\n";
  auto written = write_file_atomically(file, text, 0600);
  wipe(text);
  RADIAL_TRY(std::move(written));
  tell(fmt::format("{} holds this hub's private key and the secret of every node: keep it as you keep keys", file.string()));
  return {};
}

Status restore_files(const Paths& paths, const std::filesystem::path& file) {
  if (std::filesystem::exists(paths.node()) || std::filesystem::exists(paths.controller_store()))
    return fail(Errc::already_exists, "this machine is a node already; nothing was changed");
  RADIAL_ASSIGN(auto files, read_backup(file));
  RADIAL_TRY(make_directories(paths.config, 0755));
  RADIAL_TRY(make_directories(paths.state, 0700));
  for (const auto& [name, part] : parts_of(paths))
    if (const auto found = files.find(name); found != files.end())
      RADIAL_TRY(write_file_atomically(part.file, found->second, part.mode));
  RADIAL_TRY(write_file_atomically(paths.controller_store(), files["controller.db"], 0600));
  const auto name = files["node"].substr(0, files["node"].find('\n'));
  const auto store = control::Controller::open(paths.controller_store(), name);
  if (!store) {
    ::unlink(paths.controller_store().c_str());
    return Unexpected(Error(store.error()).within("the backup's store cannot be used"));
  }
  auto written = write_file_atomically(paths.node(), files["node"], 0644);
  for (auto& [each, content] : files) wipe(content);
  return written;
}

Status restore_backup(const DaemonOptions& options, const std::filesystem::path& file, const Tell& tell) {
  if (::geteuid() != 0) return fail(Errc::permission_denied, "needs root: it sets up WireGuard, FRR and files in /etc");
  RADIAL_TRY(restore_files(options.paths, file));
  RADIAL_ASSIGN(const auto node, read_file(options.paths.node(), 4096));
  const auto name = node.substr(0, node.find('\n'));
  {
    RADIAL_ASSIGN(const auto controller, control::Controller::open(options.paths.controller_store(), name));
    RADIAL_ASSIGN(const auto config, controller.config_for(name));
    RADIAL_ASSIGN(const auto done, enable_frr_for(config));
    for (const auto& line : done) tell(line);
  }
  tell(fmt::format("this machine is {} again, the controller of its fabric", name));
  RADIAL_ASSIGN(const auto started, start_daemon(options));
  tell(started);
  return {};
}

}  // namespace radial::agent
