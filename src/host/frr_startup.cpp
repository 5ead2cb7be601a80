#include "host/frr_startup.h"

#include <filesystem>
#include <functional>

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "host/frr_file.h"

namespace radial::host::frr {
namespace {

namespace fs = std::filesystem;

constexpr mode_t default_mode = 0640;  // what Debian's package gives its own files

// As vtysh decides where "write memory" goes (vtysh.conf(5), "service
// integrated-vtysh-config"): daemons do not read their own files any more once
// there is a frr.conf, so that one is never made beside them.
bool is_integrated(const fs::path& folder) {
  std::error_code ignored;
  if (const auto settings = read_file(folder / "vtysh.conf", 1U << 20U)) {
    for (std::size_t at = 0; at < settings->size();) {
      const auto end = settings->find('\n', at);
      const auto line = std::string_view(*settings).substr(at, end == std::string::npos ? end : end - at);
      if (line.starts_with("no service integrated-vtysh-config")) return false;
      if (end == std::string::npos) break;
      at = end + 1;
    }
  }
  if (fs::exists(folder / "frr.conf", ignored)) return true;
  for (const auto* daemon : {"zebra", "ospfd", "ospf6d", "bgpd", "staticd", "bfdd"})
    if (fs::exists(folder / (std::string(daemon) + ".conf"), ignored)) return false;
  return true;
}

// The file that a link names, as an editor would follow it. Only the file
// itself is looked at: resolving the whole path would lead out of another
// root folder reached through /proc/PID/root.
fs::path behind_link(fs::path file) {
  constexpr int link_limit = 8;
  std::error_code error;
  for (int i = 0; i < link_limit && fs::is_symlink(file, error); ++i) {
    const auto target = fs::read_symlink(file, error);
    if (error) break;
    file = target.is_absolute() ? target : file.parent_path() / target;
  }
  return file;
}

using Edit = std::function<std::string(const std::string&)>;

Status edit_file(const fs::path& file, const Edit& edit) {
  std::string before;
  struct stat info {};
  if (::stat(file.c_str(), &info) == 0) {
    RADIAL_ASSIGN(before, read_file(file));
  } else {
    // As its folder: FRR's own user reads it.
    if (::stat(file.parent_path().c_str(), &info) != 0)
      return fail_errno(errno, fmt::format("cannot look at {}", file.parent_path().string()));
    info.st_mode = default_mode;
  }
  const auto after = edit(before);
  if (after == before) return {};
  const auto target = behind_link(file);
  RADIAL_TRY(write_file_atomically(target, after, info.st_mode & 07777U));
  if (::chown(target.c_str(), info.st_uid, info.st_gid) != 0)
    return fail_errno(errno, fmt::format("cannot give {} back to its owner", target.string()));
  return {};
}

// mgmtd reads the files of the daemons that it speaks for.
std::string file_of(const std::string& daemon, std::string_view line) {
  if (daemon != "mgmtd") return daemon + ".conf";
  return line.find(" route ") != std::string_view::npos ? "staticd.conf" : "zebra.conf";
}

std::map<std::string, std::vector<FrrLines>> by_file(const std::vector<FrrLines>& stanzas) {
  std::map<std::string, std::vector<FrrLines>> files;
  for (const auto& stanza : stanzas) {
    if (stanza.lines.empty()) files[file_of(stanza.daemon, "")].push_back(stanza);
    for (const auto& line : stanza.lines) {
      auto& list = files[file_of(stanza.daemon, line)];
      if (list.empty() || list.back().context != stanza.context || list.back().daemon != stanza.daemon)
        list.push_back({stanza.daemon, stanza.context, {}});
      list.back().lines.push_back(line);
    }
  }
  return files;
}

}  // namespace

Status save_startup(const std::string& config_dir, const std::vector<FrrLines>& desired,
                    const std::vector<FrrLines>& owned) {
  const fs::path folder = config_dir;
  if (is_integrated(folder))
    return edit_file(folder / "frr.conf", [&](const std::string& text) { return merge_config(text, desired, owned); });
  const auto wanted = by_file(desired);
  const auto ours = by_file(owned);
  std::set<std::string> names;
  for (const auto& [name, lines] : wanted) names.insert(name);
  for (const auto& [name, lines] : ours) names.insert(name);
  for (const auto& name : names) {
    const auto lines_for = [&](const auto& files) {
      const auto found = files.find(name);
      return found == files.end() ? std::vector<FrrLines>() : found->second;
    };
    RADIAL_TRY(edit_file(folder / name, [&](const std::string& text) {
      return merge_config(text, lines_for(wanted), lines_for(ours));
    }));
  }
  return {};
}

}  // namespace radial::host::frr
