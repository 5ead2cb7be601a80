// What is not well at a node, as a change of the fabric is judged by it: what was so before is not the
// change's doing. Pure.
#pragma once

#include <map>
#include <string>

#include "observe/snapshot.h"

namespace radial::agent {

// By what it is about.
using Complaints = std::map<std::string, std::string>;
[[nodiscard]] Complaints complaints_of(const observe::Snapshot& diagnosed);
// What is not well now and was before, or is about a neighbour that was not
// well before in another way, is not the change's doing. Empty: nothing is.
[[nodiscard]] std::string worse_than(const Complaints& before, const Complaints& now);

}  // namespace radial::agent
