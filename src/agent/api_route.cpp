#include "agent/api_route.h"

#include "agent/openapi.h"

namespace radial::agent {

std::string written(const nlohmann::ordered_json& json) {
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Response refusal(int status, const std::string& why) { return {status, written({{"error", why}})}; }

Response refusal(const Error& error) {
  int status = 500;
  switch (error.code) {
    case Errc::invalid_argument:
    case Errc::unsupported: status = 400; break;  // of a message: a version that is not known here
    case Errc::permission_denied: status = 403; break;
    case Errc::not_found: status = 404; break;
    case Errc::conflict:
    case Errc::already_exists: status = 409; break;
    case Errc::unavailable: status = 503; break;  // now; try again
    default: break;
  }
  return refusal(status, error.message);
}

tl::expected<nlohmann::json, Response> admit(const Route& route, const Request& request) {
  if (route.caller == Caller::root && request.uid != 0) return tl::unexpected(refusal(403, "only root may change this node"));
  auto body = request_body(route, request.body);
  if (!body) return tl::unexpected(refusal(body.error()));
  return std::move(*body);
}

}  // namespace radial::agent
