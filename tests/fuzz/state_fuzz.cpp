// What a node keeps on its disk, from any bytes: each file is refused, or read and
// written as it was read. No exception leaves; no error repeats what a file of secrets holds.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/assignment.h"
#include "agent/guard.h"
#include "agent/keyring.h"
#include "agent/owned.h"
#include "agent/paths.h"
#include "agent/peer_places.h"
#include "base/fd.h"

namespace {

using namespace radial;
using namespace radial::agent;

void require(bool holds) {
  if (!holds) std::abort();
}

// A file that is in memory alone.
class File {
 public:
  explicit File(std::string_view content) : fd_(::memfd_create("state", MFD_CLOEXEC)) {
    require(fd_ && ::fchmod(fd_.get(), 0600) == 0);
    require(::write(fd_.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size()));
  }
  [[nodiscard]] std::filesystem::path path() const { return fmt::format("/proc/self/fd/{}", fd_.get()); }

 private:
  Fd fd_;
};

// A folder of its own in memory, where what was read is written.
const std::filesystem::path& folder() {
  static const auto path = [] {
    std::string name = std::filesystem::exists("/dev/shm") ? "/dev/shm/radial-state-XXXXXX" : "/tmp/radial-state-XXXXXX";
    require(::mkdtemp(name.data()) != nullptr);
    static const std::string kept = name;
    std::atexit([] { std::filesystem::remove_all(kept); });
    return std::filesystem::path(name);
  }();
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spdlog::set_level(spdlog::level::off);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const File file(text);
  if (const auto keyring = load_keyring(file.path())) {
    const auto again = folder() / "secrets.json";
    require(save_keyring(again, *keyring) && load_keyring(again)->equals(*keyring));
  } else {
    // It says the same of every damaged file, so nothing of what is in it.
    const File other("{");
    auto words = load_keyring(other.path()).error().message;
    words.replace(0, other.path().string().size(), file.path().string());
    require(keyring.error().message == words);
  }
  if (const auto owned = load_owned(file.path())) {
    const auto again = folder() / "owned.json";
    require(save_owned(again, *owned) && *load_owned(again) == *owned);
  }
  if (const auto cut_offs = load_cut_offs(file.path())) {
    const auto again = folder() / "cut-off.json";
    require(save_cut_offs(again, *cut_offs) && *load_cut_offs(again) == *cut_offs);
  }
  (void)PeerPlaces(file.path());
  Paths paths;
  paths.config = paths.state = folder();
  std::error_code ignored;
  for (const auto& one : {paths.assignment(), paths.controller_address()}) {
    std::filesystem::remove(one, ignored);
    std::filesystem::create_symlink(file.path(), one, ignored);
  }
  std::string warning;
  if (const auto assignment = load_assignment(paths, warning)) {
    const auto whole = *assignment;
    require(save_assignment(paths, whole) && load_assignment(paths, warning)->config == whole.config);
  }
  if (const auto controller = load_controller_address(paths); controller && *controller) {
    const auto whole = **controller;
    require(save_controller_address(paths, whole) && (*load_controller_address(paths))->address == whole.address);
  }
  for (const auto& one : std::filesystem::directory_iterator(folder())) std::filesystem::remove(one.path(), ignored);
  return 0;
}
