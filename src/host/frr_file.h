// Our lines in a start-up configuration file of FRR (frr.conf): a text edit
// that leaves every other byte as it was. Pure. Private to the room.
#pragma once

#include <string>
#include <string_view>

#include "host/frr.h"

namespace radial::host::frr {

// `text` with the lines of `desired` in it and those of `owned` that are no
// longer desired out of it, by the rules of diff_frr.
[[nodiscard]] std::string merge_config(std::string_view text, std::vector<FrrLines> desired,
                                       std::vector<FrrLines> owned);

}  // namespace radial::host::frr
