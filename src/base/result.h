// Errors as values. Every fallible function at an edge of the system returns
// Result<T> (or Status when there is nothing to return): either the value, or
// an Error that says what was tried, on what, and what to do about it.
// No exceptions cross a room's public headers.
//
// Threading: plain values; no shared state.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <tl/expected.hpp>

namespace radial {

// What kind of failure: for a caller that must choose, not for a human reader.
enum class Errc {
  invalid_argument,  // the input is wrong; trying again will not help
  not_found,         // the thing named does not exist
  already_exists,
  permission_denied,
  unavailable,       // a peer, daemon or kernel feature is not there now
  timeout,
  io,                // a system call failed
  protocol,          // the other side said something we do not understand
  unsupported,       // this machine cannot do it
  conflict,          // somebody else owns it
  internal,          // our own bug
};

struct Error {
  Errc code = Errc::internal;
  std::string message;  // one sentence, no trailing full stop, never a secret
  int sys_errno = 0;    // the errno behind it, 0 when there was none

  // Adds what the caller was doing: "reading /etc/radial/fabric.yaml: ...".
  [[nodiscard]] Error within(std::string_view context) && {
    message = fmt::format("{}: {}", context, message);
    return std::move(*this);
  }
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(tl::expected<T, Error> other) : tl::expected<T, Error>(std::move(other)) {}
};

using Status = Result<void>;

using Unexpected = tl::unexpected<Error>;

template <class... Args>
[[nodiscard]] Unexpected fail(Errc code, fmt::format_string<Args...> format, Args&&... args) {
  return Unexpected(Error{code, fmt::format(format, std::forward<Args>(args)...), 0});
}

// A failed system call. `saved_errno` is taken by value so that it can be
// captured before anything else touches errno.
[[nodiscard]] Unexpected fail_errno(int saved_errno, std::string_view what);

[[nodiscard]] inline Unexpected forward_error(Error&& error) { return Unexpected(std::move(error)); }

}  // namespace radial

// RADIAL_TRY(status_expression): returns the error to the caller, or goes on.
#define RADIAL_TRY(...)                                                     \
  do {                                                                      \
    if (auto radial_status_ = (__VA_ARGS__); !radial_status_)               \
      return ::radial::forward_error(std::move(radial_status_.error()));    \
  } while (false)

#define RADIAL_CONCAT_(a, b) a##b
#define RADIAL_CONCAT(a, b) RADIAL_CONCAT_(a, b)

// RADIAL_ASSIGN(auto value, expression): declares or assigns the value.
#define RADIAL_ASSIGN(target, ...) \
  RADIAL_ASSIGN_IMPL_(RADIAL_CONCAT(radial_result_, __LINE__), target, __VA_ARGS__)
#define RADIAL_ASSIGN_IMPL_(temporary, target, ...)                       \
  auto temporary = (__VA_ARGS__);                                         \
  if (!temporary) return ::radial::forward_error(std::move(temporary.error())); \
  target = std::move(*temporary)
