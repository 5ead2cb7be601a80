// The same work for many items, a few at a time. Private to the room.
#pragma once

#include <cstddef>
#include <functional>

#include "base/result.h"

namespace radial::lab {

// Calls work(0) ... work(count - 1) from `threads` threads (0: one for each
// processor, and one). After a failure nothing new is begun; the first failure is the
// result. `done`, when there is one, is called after each success, one at a time.
[[nodiscard]] Status for_each_parallel(std::size_t count, unsigned threads,
                                       const std::function<Status(std::size_t)>& work,
                                       const std::function<void(std::size_t done)>& done = {});

}  // namespace radial::lab
