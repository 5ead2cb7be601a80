#include <algorithm>
#include <vector>

#include <fcntl.h>

#include "base/fd.h"
#include "base/file.h"
#include "host/network.h"
#include "host/sysctl_path.h"

namespace radial::host {
namespace {

constexpr std::size_t largest_value = 4096;  // the kernel's page

bool has_interface(const std::vector<std::string_view>& parts) {
  return parts.size() > 5 && parts[0] == "net" && (parts[2] == "conf" || parts[2] == "neigh");
}

std::vector<std::string_view> split(std::string_view key) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto dot = key.find('.');
    parts.push_back(key.substr(0, dot));
    if (dot == key.npos) return parts;
    key.remove_prefix(dot + 1);
  }
}

Unexpected explained(int saved_errno, const std::string& key, std::string_view verb) {
  auto failed = fail_errno(saved_errno, fmt::format("cannot {} {}", verb, key));
  auto& error = failed.value();
  if (saved_errno == EROFS) {
    error.code = Errc::permission_denied;
    error.message += " (/proc/sys is read-only here, as in many containers; set it on the host, or run with a writable "
                     "/proc/sys)";
  }
  if (saved_errno == ENOENT) error.message += " (the kernel has no such setting, or the interface is not there)";
  return failed;
}

}  // namespace

Result<std::string> sysctl_path(std::string_view key) {
  auto parts = split(key);
  if (has_interface(parts)) {
    const auto* begin = parts[3].data();
    const auto* end = parts.back().data() - 1;
    parts = {parts[0], parts[1], parts[2], {begin, static_cast<std::size_t>(end - begin)}, parts.back()};
  }
  std::string path = "/proc/sys";
  for (const auto part : parts) {
    if (part.empty() || part == "." || part == ".." || part.find('/') != part.npos || part.find('\0') != part.npos)
      return fail(Errc::invalid_argument, "'{}' is not a sysctl key", key);
    path.append("/").append(part);
  }
  return path;
}

Result<std::string> read_sysctl(const std::string& key) {
  RADIAL_ASSIGN(const auto path, sysctl_path(key));
  auto content = read_file(path, largest_value);
  if (!content && content.error().sys_errno != 0) return explained(content.error().sys_errno, key, "read");
  if (!content) return content;
  // Several numbers are set apart by tabs here and by spaces in sysctl.conf(5).
  std::replace(content->begin(), content->end(), '\t', ' ');
  while (!content->empty() && (content->back() == '\n' || content->back() == ' ')) content->pop_back();
  return content;
}

Status write_sysctl(const std::string& key, const std::string& value) {
  RADIAL_ASSIGN(const auto path, sysctl_path(key));
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  const auto verb = fmt::format("set to '{}' the sysctl", value);
  if (!fd) return explained(errno, key, verb);
  // One write: the kernel takes each as a whole value.
  const auto written = ::write(fd.get(), value.data(), value.size());
  if (written < 0) return explained(errno, key, verb);
  if (static_cast<std::size_t>(written) != value.size())
    return fail(Errc::io, "cannot {} {}: the kernel took {} of {} bytes", verb, key, written, value.size());
  return {};
}

}  // namespace radial::host
