// A machine whose links lack an offload, or whose administrator has switched one off: radial-wire goes a step
// back and carries the same bytes. Each case is a pair of its own, as a step back is for good.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/wire_steps.h"

namespace radial::test {
namespace {

struct Lack {
  friend void PrintTo(const Lack& lack, std::ostream* out) { *out << lack.name; }
  std::string name;
  std::string link;  // what ethtool -K is given for the underlay's link
  std::string wire;  // and for the wire's
};

std::vector<Lack> lacks() {
  return {{"NoChecksums", "tx off rx off", ""},  // UDP_SEGMENT is refused then: EIO
          {"NoUdpSegmentation", "tx-udp-segmentation off", ""},
          {"NoSegmentationAtAll", "gso off tso off gro off tx-udp-segmentation off", ""},
          {"NoScatter", "sg off", ""},
          {"WireWithoutTcpSegmentation", "", "tso off"},
          {"WireWithoutChecksums", "", "tx off"},
          {"WireWithoutAny", "tx off gso off tso off gro off", "tx off gso off tso off gro off"}};
}

class WireLacks : public testing::TestWithParam<Lack> {};

TEST_P(WireLacks, NothingButSpeed) {
  const WirePair pair(radial_wire(), radial_wire());
  ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
  const auto& lack = GetParam();
  // In the midst of a session, at both ends.
  for (const auto* node : {&pair.a, &pair.b}) {
    if (!lack.link.empty()) node->sh("ethtool -K eth " + lack.link);
    if (!lack.wire.empty()) node->sh("ethtool -K " + node->wire() + " " + lack.wire);
  }
  unsigned seed = 1;
  for (const int family : {4, 6}) {
    check_tcp(pair.a, pair.b, family, 8'000'000, seed++);
    check_tcp(pair.b, pair.a, family, 2'000'000, seed++);
    EXPECT_THAT(lost_udp_echoes(pair.a, pair.b, family, 1100, 1700, 16), testing::IsEmpty());
    for (const bool segmented : {false, true}) check_udp_trains(pair.a, pair.b, family, segmented);
  }
  EXPECT_TRUE(pair.a.running() && pair.b.running());
}

INSTANTIATE_TEST_SUITE_P(Links, WireLacks, testing::ValuesIn(lacks()), [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace radial::test
