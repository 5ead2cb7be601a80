// Small files as a whole: read with a bound, written atomically and durably
// (temporary file in the same folder, fsync, rename, fsync of the folder), so
// that a crash or a full disk leaves either the old content or the new.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "base/result.h"

namespace radial {

// Refuses files larger than `max_bytes`.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes = 64U << 20U);

// Creates with `mode` exactly (no umask). The folder must exist.
[[nodiscard]] Status write_file_atomically(const std::filesystem::path& path, std::string_view content, mode_t mode = 0644);

// mkdir -p with `mode` for the folders it makes.
[[nodiscard]] Status make_directories(const std::filesystem::path& path, mode_t mode = 0755);

}  // namespace radial
