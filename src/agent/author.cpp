#include "agent/author.h"

#include <charconv>
#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <pwd.h>

#include "base/file.h"

namespace radial::agent {
namespace {

constexpr auto nobody_logged_in = static_cast<uid_t>(-1);

std::string name_of(uid_t uid) {
  if (uid == 0) return "root";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/etc/passwd", "re"), [](std::FILE* one) { return std::fclose(one); });
  while (const auto* entry = file ? ::fgetpwent(file.get()) : nullptr)
    if (entry->pw_uid == uid) return entry->pw_name;
  return fmt::format("uid {}", uid);
}

}  // namespace

std::optional<uid_t> login_of(pid_t process) {
  const auto text = read_file(fmt::format("/proc/{}/loginuid", process), 64);
  uid_t uid = nobody_logged_in;
  if (!text || std::from_chars(text->data(), text->data() + text->size(), uid).ec != std::errc() || uid == nobody_logged_in) return std::nullopt;
  return uid;
}

std::string author_of(uid_t uid, std::optional<uid_t> login) {
  auto author = name_of(uid);
  return login && *login != uid ? fmt::format("{} ({})", name_of(*login), author) : author;
}

}  // namespace radial::agent
