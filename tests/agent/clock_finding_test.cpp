#include "agent/clock_finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "support/temporary_folder.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

observe::Snapshot with_handshake(std::optional<std::int64_t> age) {
  observe::PeerHealth peer;
  peer.handshake_age = age;
  observe::WireHealth wire;
  wire.peers = {peer};
  observe::Snapshot snapshot;
  snapshot.wires = {wire};
  return snapshot;
}

TEST(ClockFinding, AClockThatWentBackIsNamedWhileAPeerDoesNotAnswer) {
  test::TemporaryFolder folder;
  Paths paths;
  paths.state = folder.path();
  const auto now = std::chrono::system_clock::now();
  const auto boot = std::chrono::system_clock::from_time_t(30);  // the first of January 1970
  EXPECT_FALSE(clock_finding(paths, with_handshake(std::nullopt), boot)) << "there is nothing to tell it by";
  ASSERT_TRUE(write_file_atomically(paths.last_good(), "{}", 0600));
  EXPECT_FALSE(clock_finding(paths, with_handshake(std::nullopt), now));
  EXPECT_FALSE(clock_finding(paths, with_handshake(20), boot)) << "the peer takes it";
  for (const auto age : {std::optional<std::int64_t>(), std::optional<std::int64_t>(500)}) {
    const auto finding = clock_finding(paths, with_handshake(age), boot);
    ASSERT_TRUE(finding);
    EXPECT_THAT(finding->what, HasSubstr("says 1970-01-01 00:00:30, and radiald wrote files here at 20"));
  }
  EXPECT_FALSE(clock_finding(paths, with_handshake(std::nullopt), now - 30s)) << "set right by a moment";
}

}  // namespace
}  // namespace radial::agent
