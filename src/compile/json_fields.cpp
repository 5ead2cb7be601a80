#include "compile/json_fields.h"

#include <algorithm>

namespace radial {

using nlohmann::json;

namespace {

constexpr std::size_t longest_text = 64U << 10U;   // of one line
constexpr std::size_t longest_block = 16U << 20U;  // of several

bool printable(std::string_view text, bool multi_line) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || (multi_line && (c == '\n' || c == '\t'));
  });
}

}  // namespace

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

}  // namespace radial
