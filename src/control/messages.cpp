#include "control/messages.h"

#include "base/digest.h"
#include "compile/json.h"
#include "fabric/strict_json.h"

namespace radial::control {
namespace {

using Json = nlohmann::json;

constexpr std::size_t most_request_bytes = 16U << 10U;
constexpr std::size_t longest_program = 64;
constexpr std::size_t most_served_bytes = 64U << 10U;
constexpr std::size_t most_bundle_bytes = 8U << 20U;

Result<std::string> text_of(const Json& object, const char* key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string())
    return fail(Errc::invalid_argument, "'{}' is missing or no text", key);
  return object[key].get<std::string>();
}

Result<Json> request_of(std::string_view text, std::size_t most_bytes) {
  RADIAL_ASSIGN(auto json, parse_strict_json(text, {most_bytes, 4}));
  if (!json.is_object() || json.value("version", Json()) != 1)
    return fail(Errc::unsupported, "the controller knows version 1 of this request");
  return json;
}

std::string written(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

constexpr std::array steps = {std::pair{RotationStep::none, "none"}, std::pair{RotationStep::make_key, "make"},
                              std::pair{RotationStep::wait, "wait"}, std::pair{RotationStep::switch_key, "switch"}};

Json revealed(const Secret& secret) { return secret.reveal_base64(); }

}  // namespace

std::string to_json(const JoinRequest& request) {
  Json json{{"version", 1},
            {"site", request.site},
            {"public_key", request.public_key.to_string()},
            {"token", request.token},
            {"proof", request.proof}};
  if (request.frr) json["frr"] = fmt::format("{}.{}", request.frr->major, request.frr->minor);
  if (!request.wireguard.empty()) json["wireguard"] = request.wireguard;
  return written(json);
}

Result<JoinRequest> join_request_from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto json, request_of(text, most_request_bytes));
  JoinRequest request;
  RADIAL_ASSIGN(request.site, text_of(json, "site"));
  RADIAL_ASSIGN(const auto key, text_of(json, "public_key"));
  RADIAL_ASSIGN(request.public_key, PublicKey::parse(key));
  RADIAL_ASSIGN(request.token, text_of(json, "token"));
  RADIAL_ASSIGN(request.proof, text_of(json, "proof"));
  if (json.contains("frr")) {
    RADIAL_ASSIGN(const auto frr, text_of(json, "frr"));
    RADIAL_ASSIGN(request.frr, FrrVersion::parse(frr));
  }
  if (json.contains("wireguard")) { RADIAL_ASSIGN(request.wireguard, text_of(json, "wireguard")); }
  if (request.wireguard.size() > longest_program) return fail(Errc::invalid_argument, "'wireguard' is no program's name");
  return request;
}

std::string to_json(const Bundle& bundle) { return to_json(bundle, radial::to_json(bundle.config)); }

std::string to_json(const Bundle& bundle, std::string_view config) {
  Json keys = Json::object();
  for (const auto& [peer, key] : bundle.preshared) keys[peer.to_string()] = revealed(key);
  Json json{{"version", 1},
            {"revision", bundle.revision},
            {"config", config},
            {"secret", revealed(bundle.node_secret)},
            {"rotation", std::string(to_string(bundle.rotation))},
            {"preshared", std::move(keys)}};
  if (bundle.next_key) json["next_key"] = bundle.next_key->to_string();
  return written(json);
}

std::string unchanged_to_json(std::int64_t revision) {
  return written({{"version", 1}, {"revision", revision}, {"unchanged", true}});
}

bool says_unchanged(std::string_view text) {
  constexpr std::size_t longest = 200;  // a bundle need not be read twice
  if (text.size() > longest) return false;
  const auto json = parse_strict_json(text, {longest, 1});
  return json && json->is_object() && json->value("version", Json()) == 1 && json->value("unchanged", Json()) == true;
}

Result<Bundle> bundle_from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto json, parse_strict_json(text, {most_bundle_bytes, 4}));
  if (!json.is_object() || json.value("version", Json()) != 1)
    return fail(Errc::protocol, "the controller's answer is of another version of Radial");
  Bundle bundle;
  if (!json.contains("revision")) return fail(Errc::protocol, "the controller's answer lacks its revision");
  RADIAL_ASSIGN(bundle.revision, json_integer<std::int64_t>(json["revision"], "revision", 0));
  RADIAL_ASSIGN(const auto config, text_of(json, "config"));
  RADIAL_ASSIGN(bundle.config, node_config_from_json(config));
  bundle.digest = hex_digest(config);
  RADIAL_ASSIGN(auto secret, text_of(json, "secret"));
  RADIAL_ASSIGN(bundle.node_secret, Secret::parse(secret));
  wipe(secret);
  if (json.contains("rotation")) {
    RADIAL_ASSIGN(const auto step, text_of(json, "rotation"));
    for (const auto& [value, word] : steps)
      if (step == word) bundle.rotation = value;
  }
  if (json.contains("next_key")) {
    RADIAL_ASSIGN(const auto next, text_of(json, "next_key"));
    RADIAL_ASSIGN(bundle.next_key, PublicKey::parse(next));
  }
  if (!json.contains("preshared") || !json["preshared"].is_object())
    return fail(Errc::protocol, "the controller's answer lacks its preshared keys");
  for (const auto& [peer, value] : json["preshared"].items()) {
    RADIAL_ASSIGN(const auto key, PublicKey::parse(peer));
    if (!value.is_string()) return fail(Errc::protocol, "a preshared key is no text");
    RADIAL_ASSIGN(auto preshared, Secret::parse(value.get<std::string>()));
    bundle.preshared.emplace(key, std::move(preshared));
  }
  return bundle;
}

std::string_view to_string(RotationStep step) {
  for (const auto& [value, word] : steps)
    if (value == step) return word;
  return "none";
}

std::string to_json(const Report& report) {
  Json json{{"version", 1},
            {"public_key", report.key.to_string()},
            {"applied", report.applied},
            {"wireguard", report.wireguard},
            {"findings", report.findings}};
  if (report.held_back != 0) json["held_back"] = report.held_back;
  if (!report.radial.empty()) json["radial"] = report.radial;
  if (!report.answer.empty()) json["answer"] = report.answer;
  if (report.frr) json["frr"] = fmt::format("{}.{}", report.frr->major, report.frr->minor);
  return written(json);
}

Result<Report> report_from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto json, request_of(text, most_request_bytes));
  Report report;
  RADIAL_ASSIGN(const auto key, text_of(json, "public_key"));
  RADIAL_ASSIGN(report.key, PublicKey::parse(key));
  RADIAL_ASSIGN(report.applied, text_of(json, "applied"));
  RADIAL_ASSIGN(report.wireguard, text_of(json, "wireguard"));
  if (report.wireguard.size() > longest_program) return fail(Errc::invalid_argument, "'wireguard' is no program's name");
  if (json.contains("frr")) {
    RADIAL_ASSIGN(const auto frr, text_of(json, "frr"));
    RADIAL_ASSIGN(report.frr, FrrVersion::parse(frr));
  }
  if (json.contains("held_back")) { RADIAL_ASSIGN(report.held_back, json_integer<std::int64_t>(json["held_back"], "held_back", 0)); }
  if (json.contains("radial")) { RADIAL_ASSIGN(report.radial, text_of(json, "radial")); }
  if (report.radial.size() > longest_program) return fail(Errc::invalid_argument, "'radial' is no version");
  if (json.contains("answer")) { RADIAL_ASSIGN(report.answer, text_of(json, "answer")); }
  if (report.answer.size() > longest_program) return fail(Errc::invalid_argument, "'answer' is no digest");
  if (!json.contains("findings") || !json["findings"].is_array())
    return fail(Errc::invalid_argument, "'findings' is missing or no list");
  for (const auto& one : json["findings"]) {
    if (!one.is_string()) return fail(Errc::invalid_argument, "'findings' holds something that is no text");
    report.findings.push_back(one.get<std::string>());
  }
  return report;
}

std::string to_json(const ServedSites& served) {
  Json sites = Json::object();
  std::size_t left = most_served;
  for (const auto& [site, prefixes] : served)
    for (const auto& prefix : prefixes) {
      if (left == 0) break;
      --left;
      sites[site].push_back(prefix.to_string());
    }
  return written({{"version", 1}, {"served", std::move(sites)}});
}

Result<ServedSites> served_from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto json, request_of(text, most_served_bytes));
  if (!json.contains("served") || !json["served"].is_object())
    return fail(Errc::invalid_argument, "'served' is missing or no object");
  ServedSites served;
  std::size_t count = 0;
  for (const auto& [site, prefixes] : json["served"].items()) {
    if (!prefixes.is_array()) return fail(Errc::invalid_argument, "'served' has no list of prefixes for {}", site.substr(0, 64));
    for (const auto& one : prefixes) {
      if (!one.is_string()) return fail(Errc::invalid_argument, "'served' holds something that is no text");
      RADIAL_ASSIGN(const auto prefix, Prefix::parse(one.get<std::string>()));
      served[site].insert(prefix);
      if (++count > most_served) return fail(Errc::invalid_argument, "'served' holds more than {} prefixes", most_served);
    }
  }
  return served;
}

std::string key_to_json(const PublicKey& key) { return written({{"version", 1}, {"public_key", key.to_string()}}); }

Result<PublicKey> key_from_json(std::string_view text) {
  RADIAL_ASSIGN(const auto json, request_of(text, most_request_bytes));
  RADIAL_ASSIGN(const auto key, text_of(json, "public_key"));
  return PublicKey::parse(key);
}

std::string signed_message(std::string_view method, std::string_view path, std::string_view body) {
  return fmt::format("radial node 1\n{}\n{}\n{}", method, path, body);
}

}  // namespace radial::control
