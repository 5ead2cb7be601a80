// The FRR that a test runs on: "8.4" is Debian 12's and "10.3" Debian 13's. One
// of the two is this machine's own, the other lies in a root folder or is not here.
#pragma once

#include <string>
#include <vector>

#include "lab/frr_daemons.h"

namespace radial::test {

// Why a test cannot run here; empty when every one of `releases` can be had.
inline std::string frr_missing(const std::vector<std::string>& releases) {
  for (const auto& release : releases)
    if (const auto frr = lab::choose_frr(release); !frr) return "##### SKIPPED: " + frr.error().message + " #####";
  return {};
}

}  // namespace radial::test
