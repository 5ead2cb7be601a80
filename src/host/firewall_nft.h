// One nftables command by libnftables, as values. Private to host.
//
// A context lives for one command: nothing is cached between two, so an
// answer is never older than the question, and an error leaves no state
// behind. Some versions of libnftables keep tables that are global to the
// process in a context, so that no two may exist at once: a mutex sees to it.
// Threading: any thread; the command acts on the network namespace of the
// calling thread.
#pragma once

#include <string>

#include "base/result.h"

namespace radial::host {

enum class NftOutput {
  full,       // as nft prints it
  stateless,  // without the values of counters, quotas and limits
};

// What the command printed. An error carries nft's own words.
[[nodiscard]] Result<std::string> run_nft(const std::string& command, NftOutput output = NftOutput::full);

// The stateless listing of `table` (one `table inet radial {...}`) as the
// kernel would give it, found by loading it in an empty network namespace
// made for the purpose: the live one is not touched. Costs some milliseconds.
// Needs CAP_SYS_ADMIN.
[[nodiscard]] Result<std::string> canonical_table(const std::string& table);

}  // namespace radial::host
