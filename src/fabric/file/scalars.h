// Scalars of the file, strictly read. Each function reports what is wrong and
// returns nothing then; a value refused before is passed over in silence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "fabric/file/section.h"

namespace radial::file {

// The text of a scalar. `wanted` completes "is a list, not ...".
[[nodiscard]] std::optional<std::string_view> read_word(const Place& place, std::string_view wanted, std::string fix,
                                                        MistakeList& mistakes);

// Decimal digits only: no sign, no leading zero, no other base; at most 32 bits.
[[nodiscard]] std::optional<std::uint32_t> read_digits(const Place& place, const std::string& fix,
                                                       MistakeList& mistakes);

// The same within bounds. `why` is added to the fix of a number out of range.
[[nodiscard]] std::optional<std::uint32_t> read_number(const Place& place, std::uint32_t least, std::uint32_t most,
                                                       std::string_view why, MistakeList& mistakes);

// true or false, spelled so.
[[nodiscard]] std::optional<bool> read_bool(const Place& place, MistakeList& mistakes);

// A prefix in CIDR form without host bits.
[[nodiscard]] std::optional<Prefix> read_prefix(const Place& place, MistakeList& mistakes);

[[nodiscard]] std::optional<IpAddress> read_v4_address(const Place& place, MistakeList& mistakes);

// HOST:PORT, [IPV6]:PORT, HOST or [IPV6]; without a port, `default_port`.
[[nodiscard]] std::optional<Endpoint> read_endpoint(const Place& place, std::uint16_t default_port,
                                                    MistakeList& mistakes);

// The name of a fabric or node: a DNS label (RFC 1123) in lower case, for it
// becomes part of file, namespace and host names.
[[nodiscard]] bool check_name(const Spot& spot, std::string_view name, MistakeList& mistakes);

// The range of special use that `prefix` overlaps ("the loopback range
// 127.0.0.0/8"), where no host of a network can live; RFC 6890.
[[nodiscard]] std::optional<std::string> special_range(const Prefix& prefix);

}  // namespace radial::file
