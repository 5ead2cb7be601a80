#include <cstdlib>
#include <optional>

#include <unistd.h>

#include "host/wireguard.h"

namespace radial::host {
namespace {

// As execvp(3) would find it.
std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos)
    return ::access(name.c_str(), X_OK) == 0 ? std::optional(name) : std::nullopt;
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin";
  while (!rest.empty()) {
    const auto end = rest.find(':');
    const auto folder = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    auto candidate = fmt::format("{}/{}", folder, name);
    if (!folder.empty() && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

Result<std::unique_ptr<WireGuard>> open_as_told(const std::string& choice, const std::vector<std::string>& programs) {
  if (choice == "kernel") {
    auto kernel = open_kernel_wireguard();
    if (!kernel) return Unexpected(std::move(kernel.error()).within("RADIAL_WIREGUARD=kernel"));
    return kernel;
  }
  const bool known = choice == "wireguard-go" || choice == "radial-wire" || choice.starts_with('/');
  if (!known)
    return fail(Errc::invalid_argument,
                "RADIAL_WIREGUARD={}: it must be 'kernel', 'wireguard-go', 'radial-wire', or the absolute path of a "
                "program", choice);
  std::optional<std::string> program;
  for (const auto& named : programs)
    if (!program && std::filesystem::path(named).filename() == choice) program = find_program(named);
  if (!program) program = find_program(choice);
  if (!program) return fail(Errc::not_found, "RADIAL_WIREGUARD={}: there is no such program", choice);
  return open_userspace_wireguard(std::move(*program));
}

}  // namespace

std::vector<std::string> userspace_wireguards(const std::filesystem::path& folder) {
  return {(folder / "radial-wire").string(), "radial-wire", "wireguard-go"};
}

std::vector<std::string> userspace_wireguards() {
  std::error_code ignored;
  return userspace_wireguards(std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path());
}

Result<std::unique_ptr<WireGuard>> open_wireguard(const std::vector<std::string>& programs) {
  if (const char* choice = std::getenv("RADIAL_WIREGUARD"); choice != nullptr && *choice != '\0')
    return open_as_told(choice, programs);
  auto kernel = open_kernel_wireguard();
  if (kernel) return kernel;
  std::string tried = kernel.error().message;
  for (const auto& name : programs) {
    if (auto program = find_program(name)) return open_userspace_wireguard(std::move(*program));
    tried += fmt::format("; no program '{}'{}", name, name.find('/') == std::string::npos ? " in PATH" : "");
  }
  return fail(Errc::unsupported, "no WireGuard here: {} (install the package wireguard-go, or a kernel with WireGuard)",
              tried);
}

}  // namespace radial::host
