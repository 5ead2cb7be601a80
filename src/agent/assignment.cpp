#include "agent/assignment.h"

#include <unistd.h>

#include "agent/kept_twice.h"
#include "base/digest.h"
#include "compile/json.h"
#include "fabric/strict_json.h"

namespace radial::agent {
namespace {

using Json = nlohmann::json;

std::string checksum(std::int64_t revision, const std::string& config) { return hex_digest(fmt::format("{}\n{}", revision, config)); }

Result<Assignment> load_one(const std::filesystem::path& file) {
  RADIAL_ASSIGN(const auto text, read_file(file, 16U << 20U));
  const auto json = parse_strict_json(text);
  const auto damaged = [&] { return fail(Errc::protocol, "{} is torn or damaged", file.string()); };
  if (!json || !json->is_object()) return damaged();
  for (const auto* key : {"checksum", "config"})
    if (!json->contains(key) || !(*json)[key].is_string()) return damaged();
  if (!json->contains("revision")) return damaged();
  const auto revision = json_integer<std::int64_t>((*json)["revision"], "revision", 0);
  const auto& config = (*json)["config"].get_ref<const std::string&>();
  if (!revision || (*json)["checksum"] != checksum(*revision, config)) return damaged();
  Assignment assignment;
  assignment.revision = *revision;
  RADIAL_ASSIGN(assignment.config, node_config_from_json(config));
  // Files of versions before it lack it; what is wrong here is put right by the controller's next answer.
  const auto digest = json->find("digest");
  assignment.digest = digest != json->end() && digest->is_string() ? digest->get<std::string>() : hex_digest(config);
  return assignment;
}

Status save_one(const std::filesystem::path& file, const Assignment& assignment) {
  const auto config = to_json(assignment.config);
  const Json json{{"checksum", checksum(assignment.revision, config)},
                  {"revision", assignment.revision},
                  {"digest", assignment.digest},
                  {"config", config}};
  return write_file_atomically(file, json.dump() + "\n", 0600);
}

Result<Assignment> load_newest(const std::filesystem::path& file, const std::filesystem::path& before, std::string& warning) {
  auto newest = load_one(file);
  if (newest) return newest;
  auto earlier = load_one(before);
  if (!earlier) return newest;
  warning = fmt::format("{}; the configuration before it is used", newest.error().message);
  return earlier;
}

// The newest becomes the one before, if it is whole: a torn one must not push
// out the good one.
Status save_newest(const std::filesystem::path& file, const std::filesystem::path& before, const Assignment& assignment) {
  if (load_one(file)) {
    ::unlink(before.c_str());
    if (::link(file.c_str(), before.c_str()) != 0) return fail_errno(errno, fmt::format("cannot keep {}", before.string()));
  }
  return save_one(file, assignment);
}

}  // namespace

Result<Assignment> load_assignment(const Paths& paths, std::string& warning) {
  return load_newest(paths.assignment(), paths.assignment_before(), warning);
}

Status save_assignment(const Paths& paths, const Assignment& assignment) {
  return save_newest(paths.assignment(), paths.assignment_before(), assignment);
}

Status save_on_probation(const Paths& paths, const Assignment& assignment) {
  const bool another = load_on_probation(paths).has_value();
  const Json mark{{"revision", assignment.revision}};
  RADIAL_TRY(write_file_atomically(paths.probation(), mark.dump() + "\n", 0600));
  return another ? save_one(paths.assignment(), assignment) : save_assignment(paths, assignment);
}

std::optional<Assignment> load_on_probation(const Paths& paths) {
  if (!std::filesystem::exists(paths.probation())) return std::nullopt;
  auto before = load_one(paths.assignment_before());
  return before ? std::optional(std::move(*before)) : std::nullopt;
}

void end_probation(const Paths& paths) { ::unlink(paths.probation().c_str()); }

Result<NodeConfig> load_last_good(const Paths& paths, std::string& warning) {
  RADIAL_ASSIGN(auto newest, load_newest(paths.last_good(), paths.last_good_before(), warning));
  return std::move(newest.config);
}

Status save_last_good(const Paths& paths, const NodeConfig& config) {
  const auto present = load_one(paths.last_good());
  if (present && present->config == config) return {};
  return save_newest(paths.last_good(), paths.last_good_before(), {0, config, {}});
}

Status save_staged(const Paths& paths, const Assignment& assignment) { return save_one(paths.staged(), assignment); }

namespace {

Result<std::optional<ControllerAddress>> load_one_address(const std::filesystem::path& file) {
  auto text = read_file(file, 4096);
  if (!text) {
    if (text.error().sys_errno == ENOENT) return std::optional<ControllerAddress>();
    return forward_error(std::move(text.error()));
  }
  const auto json = parse_strict_json(*text);
  const auto bad = [&] { return fail(Errc::protocol, "{} is damaged: enrol this node again with a new token", file.string()); };
  if (!json || !json->is_object()) return bad();
  for (const auto* key : {"hub", "address"})
    if (!json->contains(key) || !(*json)[key].is_string()) return bad();
  const auto address = IpAddress::parse((*json)["address"].get_ref<const std::string&>());
  const auto port = json_integer<std::uint16_t>(json->value("port", Json()), "port", 1);
  if (!address || !port) return bad();
  return std::optional(ControllerAddress{(*json)["hub"].get<std::string>(), *address, *port});
}

}  // namespace

Result<std::optional<ControllerAddress>> load_controller_address(const Paths& paths) {
  return load_either(paths.controller_address(), load_one_address);
}

Status save_controller_address(const Paths& paths, const ControllerAddress& address) {
  const Json json{{"hub", address.hub}, {"address", address.address.to_string()}, {"port", address.port}};
  return write_twice(paths.controller_address(), json.dump(2) + "\n", 0644);
}

}  // namespace radial::agent
