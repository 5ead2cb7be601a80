// The memory of what Radial itself made on this machine, so that `radial down`
// and every repair touch that and nothing else. Written before the thing is
// made (a crash in between leaves a record of something absent, which is
// harmless; the other order would leave an orphan).
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "host/frr.h"

namespace radial::agent {

struct Owned {
  std::set<std::string> wires;                    // interfaces that we created
  std::map<std::string, std::string> sysctls;     // key -> value before we changed it
  std::vector<host::FrrLines> frr;                // lines that were not there before us
  bool firewall = false;                          // our nft table
  bool operator==(const Owned&) const = default;

  [[nodiscard]] bool nothing() const { return *this == Owned{}; }
};

// Nothing when the file is absent. A damaged file is an error: guessing what
// is ours could remove what is not.
[[nodiscard]] Result<Owned> load_owned(const std::filesystem::path& file);
// Removes the file when nothing is owned.
[[nodiscard]] Status save_owned(const std::filesystem::path& file, const Owned& owned);

}  // namespace radial::agent
