#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/fd.h"

namespace radial {
namespace {

Status write_all(int fd, std::string_view content, const std::string& name) {
  while (!content.empty()) {
    const auto written = ::write(fd, content.data(), content.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail_errno(errno, fmt::format("cannot write {}", name));
    }
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail_errno(errno, fmt::format("cannot open {}", path.string()));
  std::string content;
  std::string chunk(65536, '\0');
  for (;;) {
    const auto got = ::read(fd.get(), chunk.data(), chunk.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail_errno(errno, fmt::format("cannot read {}", path.string()));
    }
    if (got == 0) return content;
    if (content.size() + static_cast<std::size_t>(got) > max_bytes)
      return fail(Errc::invalid_argument, "{} is larger than {} bytes", path.string(), max_bytes);
    content.append(chunk, 0, static_cast<std::size_t>(got));
  }
}

Status write_file_atomically(const std::filesystem::path& path, std::string_view content, mode_t mode) {
  // A unique name, so that two writers never share a temporary file; O_EXCL by mkostemp.
  std::string temporary = path.string() + ".XXXXXX";
  const Fd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail_errno(errno, fmt::format("cannot create a file beside {}", path.string()));
  const auto write_and_rename = [&]() -> Status {
    if (::fchmod(fd.get(), mode) != 0) return fail_errno(errno, fmt::format("cannot set the mode of {}", temporary));
    RADIAL_TRY(write_all(fd.get(), content, path.string()));
    if (::fsync(fd.get()) != 0) return fail_errno(errno, fmt::format("cannot flush {}", path.string()));
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      return fail_errno(errno, fmt::format("cannot replace {}", path.string()));
    return {};
  };
  auto status = write_and_rename();
  if (!status) {
    ::unlink(temporary.c_str());
    return status;
  }
  const auto folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Fd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0)
    return fail_errno(errno, fmt::format("cannot flush the folder of {}", path.string()));
  return {};
}

Status make_directories(const std::filesystem::path& path, mode_t mode) {
  std::filesystem::path built;
  for (const auto& part : path) {
    built /= part;
    if (built.empty() || ::mkdir(built.c_str(), mode) == 0 || errno == EEXIST) continue;
    return fail_errno(errno, fmt::format("cannot create the folder {}", built.string()));
  }
  return {};
}

}  // namespace radial
