// The set operation of the UAPI with hostile text: taken or refused with one of
// its two errors, and never half.
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "engine/uapi/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto request = radial::engine::uapi::parse_set({reinterpret_cast<const char*>(data), size});
  if (!request && request.error().sys_errno != EINVAL && request.error().sys_errno != EPROTO) std::abort();
  return 0;
}
