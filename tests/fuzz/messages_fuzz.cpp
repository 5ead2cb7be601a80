// What a node and the controller, and hubs, say to each other, from any bytes: each
// message is refused, or written as it was read; and what anybody sends to the API as a body. No
// exception leaves.
#include <cstdint>
#include <cstdlib>

#include "agent/daemon.h"
#include "agent/hub_talk.h"
#include "agent/openapi.h"
#include "compile/json.h"
#include "control/messages.h"
#include "control/rollout.h"

namespace {

using namespace radial;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto join = control::join_request_from_json(text)) {
    const auto again = control::join_request_from_json(control::to_json(*join));
    require(again && again->public_key == join->public_key && again->frr == join->frr);
  }
  if (const auto report = control::report_from_json(text)) {
    const auto again = control::report_from_json(control::to_json(*report));
    require(again && again->key == report->key && again->findings.size() == report->findings.size() && again->held_back == report->held_back && again->radial == report->radial);
  }
  if (const auto key = control::key_from_json(text)) require(control::key_from_json(control::key_to_json(*key)) == *key);
  if (const auto bundle = control::bundle_from_json(text)) {
    const auto again = control::bundle_from_json(control::to_json(*bundle));
    require(again && again->config == bundle->config && again->node_secret.equals(bundle->node_secret) &&
            again->rotation == bundle->rotation && again->preshared.size() == bundle->preshared.size());
  }
  if (const auto report = control::node_report_from_json(text)) require(control::node_report_from_json(control::to_json(*report)) == *report);
  if (const auto instruction = control::instruction_from_json(text)) {
    const auto again = control::instruction_from_json(control::to_json(*instruction));
    require(again && again->step == instruction->step && again->change == instruction->change && again->config == instruction->config);
  }
  static const auto routes = agent::api_routes();
  for (const auto& route : routes)
    if (const auto body = agent::request_body(route, text)) require(body->is_object());
  if (const auto message = agent::hub_message_from_json(text)) require(agent::hub_message_from_json(agent::to_json(*message)) == *message);
  if (const auto config = node_config_from_json(text)) require(node_config_from_json(to_json(*config)) == *config);
  return 0;
}
