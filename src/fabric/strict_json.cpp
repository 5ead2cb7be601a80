#include "fabric/strict_json.h"

#include <set>
#include <vector>

#include <fmt/format.h>

namespace radial {

Result<nlohmann::json> parse_strict_json(std::string_view text, const JsonLimits& limits) {
  using Event = nlohmann::json::parse_event_t;
  if (text.size() > limits.max_bytes)
    return fail(Errc::invalid_argument, "the JSON text has {} bytes; at most {} are read", text.size(),
                limits.max_bytes);
  struct Refused {
    std::string why;
  };
  std::vector<std::set<std::string>> keys;  // of each object that is open
  int depth = 0;
  const auto watch = [&](int, Event event, nlohmann::json& parsed) {
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        if (++depth > limits.max_depth)
          throw Refused{fmt::format("JSON nests deeper than {} levels", limits.max_depth)};
        if (event == Event::object_start) keys.emplace_back();
        break;
      case Event::object_end:
        keys.pop_back();
        --depth;
        break;
      case Event::array_end:
        --depth;
        break;
      case Event::key:
        if (const auto& key = parsed.get_ref<const std::string&>(); !keys.back().insert(key).second)
          throw Refused{fmt::format("the JSON key '{}' is written twice", key.substr(0, 80))};
        break;
      case Event::value:
        break;
    }
    return true;
  };
  try {
    return nlohmann::json::parse(text.begin(), text.end(), watch);
  } catch (const Refused& refused) {
    return fail(Errc::invalid_argument, "{}", refused.why);
  } catch (const nlohmann::json::exception& error) {
    return fail(Errc::invalid_argument, "this is not JSON: {}", std::string_view(error.what()).substr(0, 300));
  }
}

}  // namespace radial
