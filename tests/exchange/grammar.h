// Types of values in the routers' documented grammars (grammar_vyos.h,
// grammar_mikrotik.h, grammar_opnsense.h), and what the three checkers share.
//
// A checker takes an exported text and returns what it finds wrong, one
// complaint each: a line that no entry of its table allows, or several do; a
// part that the router wants and that is not there. Empty: the text is sound.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "base/ip.h"
#include "base/key.h"

namespace radial::exchange::grammar {

using Complaints = std::vector<std::string>;

inline std::vector<std::string> split(std::string_view text, std::string_view at) {
  std::vector<std::string> parts;
  for (std::size_t from = 0;;) {
    const auto end = text.find(at, from);
    parts.emplace_back(text.substr(from, end == std::string_view::npos ? end : end - from));
    if (end == std::string_view::npos) return parts;
    from = end + at.size();
  }
}

inline std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

inline bool made_of(std::string_view text, std::string_view others) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || others.find(c) != std::string_view::npos;
  });
}

// "wg" and digits.
inline bool stem_and_number(std::string_view text, std::string_view stem) {
  return text.starts_with(stem) && number(text.substr(stem.size()));
}

inline bool is_fqdn(std::string_view text) {
  if (text.find_first_not_of("0123456789.") == std::string_view::npos) return false;
  return std::ranges::all_of(split(text, "."), [](const auto& label) {
    return label.size() <= 63 && made_of(label, "-") && label.front() != '-' && label.back() != '-';
  });
}

// "1s", "2m": digits and a unit, one or several times.
inline bool is_time(std::string_view text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const auto digits = text.find_first_not_of("0123456789");
    if (digits == 0 || digits == std::string_view::npos || std::string_view("smhdw").find(text[digits]) == std::string_view::npos)
      return false;
    text.remove_prefix(digits + 1);
  }
  return true;
}

// "68-16000" is a range, "strict|loose" one of several (types or words),
// "list:T" values of T parted by commas; the rest are words of their own or stand below.
inline bool fits(std::string_view type, std::string_view value) {
  if (const auto bar = type.find('|'); bar != std::string_view::npos)
    return fits(type.substr(0, bar), value) || fits(type.substr(bar + 1), value);
  if (type.starts_with("list:")) {
    const auto values = split(value, value.find(", ") != std::string_view::npos ? ", " : ",");
    return std::ranges::all_of(values, [&](const auto& one) { return fits(type.substr(5), one); });
  }
  if (const auto dash = type.find('-'); dash != std::string_view::npos && number(type.substr(0, dash))) {
    const auto found = number(value);
    return found && *found >= *number(type.substr(0, dash)) && *found <= *number(type.substr(dash + 1));
  }
  const auto address = IpAddress::parse(value);
  const auto held = InterfaceAddress::parse(value);
  const auto prefix = Prefix::parse(value);
  if (type == "ip") return address.has_value();
  if (type == "ip4") return address && address->is_v4();
  if (type == "address/length") return held.has_value();
  if (type == "address4/length") return held && held->address.is_v4();
  if (type == "address6/length") return held && held->address.is_v6();
  if (type == "prefix") return prefix.has_value();
  if (type == "prefix4") return prefix && prefix->family() == Family::v4;
  if (type == "key") return PublicKey::parse(value).has_value();
  if (type == "preshared-key")
    return PresharedKey::parse(value).has_value() || (value.starts_with("<PRESHARED_KEY_WITH_") && value.ends_with(">"));
  if (type == "private-key")  // or the placeholder that stands for it
    return PrivateKey::parse(value).has_value() || (value.starts_with("<PRIVATE_KEY_OF_") && value.ends_with(">"));
  if (type == "fqdn") return is_fqdn(value);
  if (type == "time") return is_time(value);
  if (type == "string") return !value.empty();
  if (type == "name") return value.size() <= 64 && made_of(value, "._-");
  return type == value;
}

// The lines that are not blank and no comment, each with its number.
inline std::vector<std::pair<int, std::string>> lines_of(std::string_view text) {
  std::vector<std::pair<int, std::string>> lines;
  int count = 0;
  for (auto& line : split(text, "\n"))
    if (++count; !line.empty() && line.front() != '#') lines.emplace_back(count, std::move(line));
  return lines;
}

}  // namespace radial::exchange::grammar
