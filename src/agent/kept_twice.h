// Small state that a node cannot start without, or must not forget: kept in two files that say
// the same. Each is written atomically, so neither a crash nor a full disk leaves half a file; this is for the
// disk that gives back something else than what it was given. A file that somebody removed is not
// brought back. Threading: none of their own.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/file.h"
#include "base/log.h"
#include "base/result.h"

namespace radial::agent {

[[nodiscard]] inline std::filesystem::path copy_of(std::filesystem::path file) { return file += ".copy"; }

[[nodiscard]] inline Status write_twice(const std::filesystem::path& file, std::string_view text, mode_t mode) {
  RADIAL_TRY(write_file_atomically(file, text, mode));
  return write_file_atomically(copy_of(file), text, mode);
}

// What `load` makes of the file; where that is damaged (Errc::protocol), of its copy.
template <class Load>
auto load_either(const std::filesystem::path& file, Load load) -> decltype(load(file)) {
  auto first = load(file);
  if (first || first.error().code != Errc::protocol || !std::filesystem::exists(copy_of(file))) return first;
  auto second = load(copy_of(file));
  if (!second) return first;
  spdlog::warn("{}; its copy is used", first.error().message);
  return second;
}

}  // namespace radial::agent
