// Pure work on the text of an nftables table (nft(8)'s language). Threading:
// plain functions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace radial::host {

// Refuses anything but exactly one `table inet radial { ... }` (comments and
// white space around it aside): a text that closes our table early could
// otherwise reach into somebody else's.
[[nodiscard]] Status check_single_table(std::string_view text);

// A listing (`nft --stateless list table ...`) without what the packets of
// the moment put there: the elements of dynamic and expiring sets.
[[nodiscard]] std::string without_learned_elements(std::string_view listing);

}  // namespace radial::host
