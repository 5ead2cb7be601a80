#include "fabric/file/scalars.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

namespace radial::file {
namespace {

constexpr std::size_t longest_label = 63;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_digit); }

// Digits of at most ten places; nothing when they overflow 32 bits.
std::optional<std::uint32_t> decimal(std::string_view digits) {
  std::uint64_t number = 0;
  for (const char c : digits) {
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
    if (number > UINT32_MAX) return std::nullopt;
  }
  return static_cast<std::uint32_t>(number);
}

// A name near the written one; empty where letters would have to be guessed.
std::string suggest_name(std::string_view name) {
  std::string better;
  if (std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return better;
  for (const char c : name.substr(0, longest_label)) {
    if (c >= 'A' && c <= 'Z')
      better += static_cast<char>(c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || is_digit(c))
      better += c;
    else if (!better.empty() && better.back() != '-')
      better += '-';
  }
  while (!better.empty() && better.back() == '-') better.pop_back();
  return better;
}

void complain_prefix(const Place& place, MistakeList& mistakes) {
  const std::string& text = place.node->text;
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(std::string_view(text).substr(0, slash));
  if (!address) {
    complain(mistakes, place.spot, text, "is not a prefix", "write it like 192.168.20.0/24 or fd00:20::/64");
    return;
  }
  if (slash == std::string::npos) {
    const auto network = Prefix::of(*address, address->is_v4() ? 24 : 64);
    complain(mistakes, place.spot, text, "has no prefix length",
             fmt::format("write {} for its network or {} for this one address", network.to_string(),
                         Prefix::host(*address).to_string()));
    return;
  }
  const auto length_text = std::string_view(text).substr(slash + 1);
  const auto length = all_digits(length_text) && (length_text.size() == 1 || length_text[0] != '0')
                          ? decimal(length_text)
                          : std::nullopt;
  if (!length || *length > static_cast<std::uint32_t>(bits_of(address->family()))) {
    complain(mistakes, place.spot, text, "has a bad prefix length",
             fmt::format("write a length of 0 to {} after the /", bits_of(address->family())));
    return;
  }
  complain(mistakes, place.spot, text, "has host bits set",
           fmt::format("write {}", Prefix::of(*address, static_cast<int>(*length)).to_string()));
}

}  // namespace

std::optional<std::string_view> read_word(const Place& place, std::string_view wanted, std::string fix,
                                          MistakeList& mistakes) {
  if (place.is_scalar()) return place.node->text;
  complain_kind(mistakes, place, wanted, std::move(fix));
  return std::nullopt;
}

std::optional<std::uint32_t> read_digits(const Place& place, const std::string& fix, MistakeList& mistakes) {
  const auto text = read_word(place, "a number", fix, mistakes);
  if (!text) return std::nullopt;
  if (!all_digits(*text)) {
    complain(mistakes, place.spot, *text, "is not a decimal number", fix);
    return std::nullopt;
  }
  if (text->size() > 1 && text->front() == '0') {
    const auto meant = text->substr(std::min(text->find_first_not_of('0'), text->size() - 1));
    complain(mistakes, place.spot, *text, "has a leading zero, which some YAML readers take for octal",
             fmt::format("write {}", meant.substr(0, 20)));
    return std::nullopt;
  }
  const auto number = decimal(*text);
  if (!number) complain(mistakes, place.spot, *text, "is out of range", fix);
  return number;
}

std::optional<std::uint32_t> read_number(const Place& place, std::uint32_t least, std::uint32_t most,
                                         std::string_view why, MistakeList& mistakes) {
  const auto range = fmt::format("write a number from {} to {}{}", least, most, why);
  const auto number = read_digits(place, range, mistakes);
  if (!number || (*number >= least && *number <= most)) return number;
  complain(mistakes, place.spot, place.node->text, "is out of range", range);
  return std::nullopt;
}

std::optional<bool> read_bool(const Place& place, MistakeList& mistakes) {
  const auto text = read_word(place, "true or false", "write true or false", mistakes);
  if (!text) return std::nullopt;
  if (*text == "true") return true;
  if (*text == "false") return false;
  complain(mistakes, place.spot, *text, "is neither true nor false", "write true or false");
  return std::nullopt;
}

std::optional<Prefix> read_prefix(const Place& place, MistakeList& mistakes) {
  const auto text = read_word(place, "a prefix", "write a prefix like 192.168.20.0/24", mistakes);
  if (!text) return std::nullopt;
  auto prefix = Prefix::parse(*text);
  if (prefix) return *prefix;
  complain_prefix(place, mistakes);
  return std::nullopt;
}

std::optional<IpAddress> read_v4_address(const Place& place, MistakeList& mistakes) {
  const auto text = read_word(place, "an address", "write an IPv4 address like 10.255.0.20", mistakes);
  if (!text) return std::nullopt;
  const auto address = IpAddress::parse(*text);
  if (address && address->is_v4()) return *address;
  if (address)
    complain(mistakes, place.spot, *text, "is an IPv6 address",
             "pin the IPv4 address; the IPv6 one takes the same place in its own prefix");
  else
    complain(mistakes, place.spot, *text, "is not an IPv4 address", "write it like 10.255.0.20, without a length");
  return std::nullopt;
}

std::optional<Endpoint> read_endpoint(const Place& place, std::uint16_t default_port, MistakeList& mistakes) {
  constexpr std::string_view form = "write it like vpn.example.com:51820 or [2001:db8::1]:51820";
  const auto text = read_word(place, "an endpoint", std::string(form), mistakes);
  if (!text) return std::nullopt;
  std::string whole(*text);
  if (const auto address = IpAddress::parse(*text); address && address->is_v6()) {
    complain(mistakes, place.spot, *text, "is an IPv6 address without brackets",
             fmt::format("write {}", Endpoint::of(*address, default_port).to_string()));
    return std::nullopt;
  }
  const bool bracketed = !whole.empty() && whole.front() == '[';
  if (bracketed ? whole.back() == ']' : whole.find(':') == std::string::npos)
    whole += fmt::format(":{}", default_port);
  auto endpoint = Endpoint::parse(whole);
  if (endpoint) return std::move(*endpoint);
  const auto colon = text->rfind(':');
  const auto port = colon == std::string_view::npos ? std::string_view() : text->substr(colon + 1);
  if (colon != std::string_view::npos && Endpoint::parse(whole.substr(0, colon) + ":1"))
    complain(mistakes, place.spot, *text, fmt::format("has a bad port '{}'", port.substr(0, 20)),
             "write a port from 1 to 65535 without leading zeros");
  else
    complain(mistakes, place.spot, *text, "is not a host with a port", std::string(form));
  return std::nullopt;
}

bool check_name(const Spot& spot, std::string_view name, MistakeList& mistakes) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; };
  std::string problem;
  if (name.empty())
    problem = "is empty";
  else if (name.size() > longest_label)
    problem = fmt::format("has {} characters; a name has at most {}", name.size(), longest_label);
  else if (!std::all_of(name.begin(), name.end(), plain))
    problem = "is not a name: only lower-case letters, digits and hyphens";
  else if (name.front() == '-' || name.back() == '-')
    problem = "begins or ends with a hyphen";
  else
    return true;
  const auto better = suggest_name(name);
  complain(mistakes, spot, name, std::move(problem),
           better.empty() ? "write a name like berlin" : fmt::format("write {}", better));
  return false;
}

std::optional<std::string> special_range(const Prefix& prefix) {
  struct Range {
    std::string_view text;
    std::string_view use;
  };
  static constexpr std::array ranges{
      Range{"0.0.0.0/8", "\"this network\" range"}, Range{"127.0.0.0/8", "loopback range"},
      Range{"169.254.0.0/16", "link-local range"},  Range{"224.0.0.0/4", "multicast range"},
      Range{"240.0.0.0/4", "reserved range"},       Range{"::1/128", "loopback address"},
      Range{"::/128", "unspecified address"},       Range{"::ffff:0:0/96", "IPv4-mapped range"},
      Range{"fe80::/10", "link-local range"},       Range{"ff00::/8", "multicast range"}};
  static const std::vector<Prefix> prefixes = [] {
    std::vector<Prefix> parsed;
    for (const auto& range : ranges) parsed.push_back(Prefix::parse(range.text).value());
    return parsed;
  }();
  for (std::size_t i = 0; i < ranges.size(); ++i)
    if (prefixes[i].overlaps(prefix)) return fmt::format("the {} {}", ranges[i].use, ranges[i].text);
  return std::nullopt;
}

}  // namespace radial::file
