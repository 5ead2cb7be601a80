// What a node and the controller say to each other inside the tunnel, as JSON.
// A bundle holds secrets: the caller wipes its text.
#pragma once

#include <string>
#include <string_view>

#include "control/controller.h"

namespace radial::control {

[[nodiscard]] std::string to_json(const JoinRequest& request);
[[nodiscard]] Result<JoinRequest> join_request_from_json(std::string_view text);

[[nodiscard]] std::string to_json(const Bundle& bundle);
[[nodiscard]] Result<Bundle> bundle_from_json(std::string_view text);

// What a node signs with its secret.
[[nodiscard]] std::string signed_message(std::string_view method, std::string_view path, std::string_view body);

}  // namespace radial::control
