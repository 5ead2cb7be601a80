// Reading a JSON object field by field with types and ranges checked. The
// first problem is kept with its path ("wires[2].peers[0].keepalive") and
// everything after it yields defaults, so that a reader is a plain list of
// fields and looks at the problem once, at its end. A key that nobody asks for is
// passed over: a newer writer may have put it there.
//
// Not part of the room's public headers.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/result.h"

namespace radial {

class Fields {
 public:
  // Borrows `value` and `problem`. Anything but an object is a problem.
  Fields(const nlohmann::json& value, std::string path, std::optional<Error>& problem);

  [[nodiscard]] bool has(const char* key) const { return value_.is_object() && value_.contains(key); }

  std::string text(const char* key, bool multi_line = false);
  bool flag(const char* key);

  template <class Integer>
  Integer integer(const char* key, std::int64_t min = std::numeric_limits<Integer>::min(),
                  std::int64_t max = std::numeric_limits<Integer>::max()) {
    return static_cast<Integer>(checked_integer(key, min, max));
  }

  // A string that Parse (a function Result<T>(std::string_view)) turns into a value.
  template <class Parse>
  auto parsed(const char* key, Parse parse) {
    return convert(text(key), key, parse);
  }

  // One of the words of `names`, at the place of its value.
  template <class Enum, std::size_t N>
  Enum word(const char* key, const std::array<std::pair<Enum, std::string_view>, N>& names) {
    const auto wanted = text(key);
    for (const auto& [value, name] : names)
      if (name == wanted) return value;
    fail_at(key, fmt::format("'{}' is not known here", wanted.substr(0, 64)));
    return names.front().first;
  }

  // Each element of an array, through `read(const json&, path)`.
  template <class Read>
  auto list(const char* key, Read read) {
    std::vector<decltype(read(value_, std::string()))> result;
    const auto* array = field(key);
    if (array == nullptr) return result;
    if (!array->is_array()) {
      fail_at(key, "must be a list");
      return result;
    }
    for (std::size_t i = 0; i < array->size() && !problem_; ++i)
      result.push_back(read((*array)[i], fmt::format("{}[{}]", at(key), i)));
    return result;
  }

  template <class Parse>
  auto parsed_list(const char* key, Parse parse) {
    return list(key, [&](const nlohmann::json& element, const std::string& path) {
      return convert(line(element, path, false), path, parse);
    });
  }
  std::vector<std::string> text_list(const char* key);
  const nlohmann::json& object(const char* key);  // an empty object when it is not there
  [[nodiscard]] std::string at(std::string_view key) const;

  void fail_at(std::string_view key, std::string_view what);

 private:
  template <class Parse>
  auto convert(const std::string& words, std::string_view where, Parse parse) {
    using Value = typename decltype(parse(std::string_view()))::value_type;
    if (problem_) return Value{};
    auto value = parse(std::string_view(words));
    if (value) return std::move(*value);
    problem_ = std::move(value.error()).within(where);
    return Value{};
  }

  const nlohmann::json* field(const char* key);
  std::int64_t checked_integer(const char* key, std::int64_t min, std::int64_t max);
  std::string line(const nlohmann::json& value, std::string_view path, bool multi_line);

  const nlohmann::json& value_;
  std::string path_;
  std::optional<Error>& problem_;
};

}  // namespace radial
