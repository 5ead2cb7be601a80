#include "compile/json_fields.h"

#include <algorithm>

namespace radial {

using nlohmann::json;

namespace {

constexpr std::size_t longest_text = 64U << 10U;         // of one line
constexpr std::size_t longest_block = 16U << 20U;        // of several

bool printable(std::string_view text, bool multi_line) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || (multi_line && (c == '\n' || c == '\t'));
  });
}

// Watches the parser: depth, and keys that come twice in one object.
class Watch {
 public:
  explicit Watch(int max_depth) : max_depth_(max_depth) {}

  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    // The parser counts an opening bracket before it enters it.
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= max_depth_) {
      if (problem.empty()) problem = fmt::format("is nested deeper than {} levels", max_depth_);
      return false;
    }
    if (event == json::parse_event_t::object_start) keys_.emplace_back();
    if (event == json::parse_event_t::object_end && !keys_.empty()) keys_.pop_back();
    if (event == json::parse_event_t::key && !keys_.empty()) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!keys_.back().insert(key).second && problem.empty())
        problem = fmt::format("has the key '{}' twice in one object", key.substr(0, 64));
    }
    return true;
  }

  std::string problem;

 private:
  int max_depth_;
  std::vector<std::set<std::string>> keys_;
};

}  // namespace

Result<json> parse_bounded_json(std::string_view text, std::size_t max_bytes, int max_depth) {
  if (text.size() > max_bytes)
    return fail(Errc::invalid_argument, "the JSON text has {} bytes; at most {} are read", text.size(), max_bytes);
  Watch watch(max_depth);
  auto value = json::parse(text, std::ref(watch), /*allow_exceptions=*/false);
  if (!watch.problem.empty()) return fail(Errc::invalid_argument, "the JSON text {}", watch.problem);
  if (value.is_discarded()) return fail(Errc::invalid_argument, "the text is not JSON (RFC 8259) in UTF-8");
  return value;
}

Fields::Fields(const json& value, std::string path, std::optional<Error>& problem)
    : value_(value), path_(std::move(path)), problem_(problem) {
  if (!value_.is_object()) fail_at("", "must be an object");
}

std::string Fields::at(std::string_view key) const {
  if (path_.empty() || key.empty()) return path_ + std::string(key);
  return fmt::format("{}.{}", path_, key);
}

void Fields::fail_at(std::string_view key, std::string_view what) {
  if (problem_) return;
  const auto where = at(key);
  problem_ = Error{Errc::invalid_argument, fmt::format("{}: {}", where.empty() ? "the whole" : where, what), 0};
}

const json* Fields::field(const char* key) {
  seen_.insert(key);
  if (problem_) return nullptr;
  const auto found = value_.find(key);
  if (found != value_.end()) return &*found;
  fail_at(key, "is missing");
  return nullptr;
}

std::string Fields::line(const json& value, std::string_view path, bool multi_line) {
  if (problem_) return {};
  const auto bad = [&](std::string_view what) {
    problem_ = Error{Errc::invalid_argument, fmt::format("{}: {}", path, what), 0};
    return std::string();
  };
  if (!value.is_string()) return bad("must be a string");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > (multi_line ? longest_block : longest_text)) return bad("is too long");
  if (!printable(text, multi_line)) return bad("holds control characters");
  return text;
}

std::string Fields::text(const char* key, bool multi_line) {
  const auto* value = field(key);
  return value == nullptr ? std::string() : line(*value, at(key), multi_line);
}

std::vector<std::string> Fields::text_list(const char* key) {
  return list(key, [&](const json& element, const std::string& path) { return line(element, path, false); });
}

bool Fields::flag(const char* key) {
  const auto* value = field(key);
  if (value == nullptr) return false;
  if (!value->is_boolean()) {
    fail_at(key, "must be true or false");
    return false;
  }
  return value->get<bool>();
}

const json& Fields::object(const char* key) {
  static const json empty = json::object();
  const auto* value = field(key);
  return value == nullptr ? empty : *value;
}

std::int64_t Fields::checked_integer(const char* key, std::int64_t min, std::int64_t max) {
  const auto* value = field(key);
  if (value == nullptr) return min;
  // is_number_integer is true of both kinds; only unsigned ones can exceed int64.
  const bool whole = value->is_number_integer();
  const bool fits = whole && (!value->is_number_unsigned() ||
                              value->get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()});
  if (fits && value->get<std::int64_t>() >= min && value->get<std::int64_t>() <= max) return value->get<std::int64_t>();
  fail_at(key, fmt::format("must be a whole number from {} to {}", min, max));
  return min;
}

void Fields::finish() {
  if (problem_) return;
  for (const auto& [key, ignored] : value_.items()) {
    if (seen_.contains(key)) continue;
    fail_at(key.substr(0, 64), "is not known to this version of Radial");
    return;
  }
}

}  // namespace radial
