// What the AEAD costs: nanoseconds a packet, for each backend that works on
// this machine, sealing and opening batches of 64 packets of one session and
// of 64 sessions (a hub's many peers). CPU time; backends take turns within each
// round. Printed: the median and the least over the rounds, and the ratio of the
// medians to the first backend.
//
//   aead_bench [rounds]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include <time.h>

#include "engine/crypto/aead.h"

namespace {

using namespace radial::engine;

constexpr std::size_t batch = 64;
constexpr std::size_t stride = 2048;

// CPU time of this thread: the machine may have other work.
double cpu_ns() {
  timespec at{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
  return static_cast<double>(at.tv_sec) * 1e9 + static_cast<double>(at.tv_nsec);
}

double time_ns(Aead& aead, std::vector<AeadJob>& jobs, bool open) {
  constexpr int repeats = 20;
  const auto start = cpu_ns();
  for (int i = 0; i < repeats; ++i) open ? aead.open(jobs) : aead.seal(jobs);
  return (cpu_ns() - start) / repeats / batch;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(1, std::atoi(argv[1])) : 101;
  std::vector<std::unique_ptr<Aead>> backends;
  for (const auto backend : available_aead_backends()) backends.push_back(make_aead(backend));
  std::vector<std::unique_ptr<AeadKey>> keys;
  for (std::size_t i = 0; i < batch; ++i) keys.push_back(std::make_unique<AeadKey>(radial::Secret::random()));
  std::vector<std::uint8_t> in(batch * stride, 0x55);
  std::vector<std::uint8_t> out(batch * stride);

  std::printf("%-20s %8s %6s %6s %10s %7s %7s\n", "backend", "sessions", "bytes", "", "ns/packet", "least", "ratio");
  for (const std::size_t sessions : {std::size_t{1}, batch}) {
    for (const std::size_t size : {std::size_t{64}, std::size_t{256}, std::size_t{512}, std::size_t{1440}}) {
      for (const bool open : {false, true}) {
        std::vector<AeadJob> jobs(batch);
        for (std::size_t i = 0; i < batch; ++i) {
          jobs[i] = {keys[i % sessions].get(), i, in.data() + i * stride, out.data() + i * stride, size};
        }
        if (open) {  // what is opened must have its right tag: a library may stop at a wrong one
          backends[0]->seal(jobs);
          for (auto& job : jobs) std::copy_n(job.out, size + aead_tag_size, in.data() + (job.out - out.data()));
        }
        std::vector<std::vector<double>> times(backends.size());
        for (int round = 0; round < rounds; ++round) {
          for (std::size_t b = 0; b < backends.size(); ++b) times[b].push_back(time_ns(*backends[b], jobs, open));
        }
        const auto first = median(times[0]);
        for (std::size_t b = 0; b < backends.size(); ++b) {
          const auto ns = median(times[b]);
          const auto name = to_string(backends[b]->backend());
          std::printf("%-20.*s %8zu %6zu %6s %10.0f %7.0f %7.2f\n", static_cast<int>(name.size()), name.data(), sessions,
                      size, open ? "open" : "seal", ns, *std::min_element(times[b].begin(), times[b].end()), ns / first);
        }
      }
    }
  }
  return 0;
}
