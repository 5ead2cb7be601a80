#include "base/result.h"

#include <system_error>

namespace radial {
namespace {

Errc classify(int saved_errno) {
  switch (saved_errno) {
    case EINVAL: return Errc::invalid_argument;
    case ENOENT: case ENODEV: case ESRCH: case ENXIO: return Errc::not_found;
    case EEXIST: return Errc::already_exists;
    case EACCES: case EPERM: return Errc::permission_denied;
    case ECONNREFUSED: case EAGAIN: case ENOTCONN: case ECONNRESET: case EPIPE: return Errc::unavailable;
    case ETIMEDOUT: return Errc::timeout;
    case EOPNOTSUPP: case ENOSYS: case EPROTONOSUPPORT: case EAFNOSUPPORT: return Errc::unsupported;
    default: return Errc::io;
  }
}

}  // namespace

Unexpected fail_errno(int saved_errno, std::string_view what) {
  return Unexpected(Error{classify(saved_errno),
                          fmt::format("{}: {}", what, std::generic_category().message(saved_errno)),
                          saved_errno});
}

}  // namespace radial
