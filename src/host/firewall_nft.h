// One nftables command by libnftables, as values. Private to host.
//
// Each command runs in a child process of its own. libnftables reads all
// tables of the machine, and some versions crash on what a newer nft has put
// there (1.0.6 on an interval set of 1.1.3), keep tables that are global to
// the process in a context, and leak what their parser had in hand at a syntax
// error: none of that may happen to an agent. A child costs about a
// millisecond and needs no program on disk. Other threads may hold a lock as it is
// forked (seen with AddressSanitizer's allocator, held by the resolver's thread), so a child
// that does not come to an end within `patience` is ended by its own alarm(2).
//
// Threading: any thread; the command acts on the network namespace of the
// calling thread and blocks for the kernel's answer.
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace radial::host {

inline constexpr std::chrono::seconds nft_patience(20);

// What the command printed, without the values of counters, quotas and limits. An
// error carries nft's own words; unavailable: libnftables crashed, or hung.
[[nodiscard]] Result<std::string> run_nft(const std::string& command, std::chrono::seconds patience = nft_patience);

// The listing of `table` (one `table inet radial {...}`) as the
// kernel would give it, found by loading it in an empty network namespace
// made for the purpose: the live one is not touched. Costs some milliseconds.
// Needs CAP_SYS_ADMIN or permission to make user namespaces.
[[nodiscard]] Result<std::string> canonical_table(const std::string& table);

}  // namespace radial::host
