#include "lab/parallel.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace radial::lab {

Status for_each_parallel(std::size_t count, unsigned threads, const std::function<Status(std::size_t)>& work,
                         const std::function<void(std::size_t done)>& done) {
  if (threads == 0) threads = std::max(1U, std::thread::hardware_concurrency()) + 1;
  std::mutex mutex;
  std::size_t next = 0;
  std::size_t finished = 0;
  std::optional<Error> first_failure;
  const auto worker = [&] {
    for (;;) {
      std::unique_lock lock(mutex);
      if (next == count || first_failure) return;
      const auto mine = next++;
      lock.unlock();
      auto status = work(mine);
      lock.lock();
      if (!status) {
        if (!first_failure) first_failure = std::move(status.error());
        return;
      }
      ++finished;
      if (done) done(finished);
    }
  };
  {
    std::vector<std::jthread> pool;
    for (std::size_t i = 0; i < std::min<std::size_t>(threads, count); ++i) pool.emplace_back(worker);
  }
  if (first_failure) return forward_error(std::move(*first_failure));
  return {};
}

}  // namespace radial::lab
