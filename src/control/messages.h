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
// The same with its configuration as the text that it has been made already.
[[nodiscard]] std::string to_json(const Bundle& bundle, std::string_view config);
[[nodiscard]] Result<Bundle> bundle_from_json(std::string_view text);
// In the place of a bundle, to a node that said that it has this one.
[[nodiscard]] std::string unchanged_to_json(std::int64_t revision);
[[nodiscard]] bool says_unchanged(std::string_view text);

// "none", "make", "wait", "switch".
[[nodiscard]] std::string_view to_string(RotationStep step);

[[nodiscard]] std::string to_json(const Report& report);
[[nodiscard]] Result<Report> report_from_json(std::string_view text);

// What a hub serves of its sites; of a larger one than this, the first of them.
inline constexpr std::size_t most_served = 1500;
[[nodiscard]] std::string to_json(const ServedSites& served);
[[nodiscard]] Result<ServedSites> served_from_json(std::string_view text);

// The public part of a node's next key.
[[nodiscard]] std::string key_to_json(const PublicKey& key);
[[nodiscard]] Result<PublicKey> key_from_json(std::string_view text);

// What a node signs with its secret.
[[nodiscard]] std::string signed_message(std::string_view method, std::string_view path, std::string_view body);

}  // namespace radial::control
