#include "base/ip.h"

#include <gtest/gtest.h>

namespace radial {
namespace {

Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }
IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(IpAddress, ParsesAndPrintsCanonically) {
  EXPECT_EQ(address("10.0.0.1").to_string(), "10.0.0.1");
  EXPECT_EQ(address("2001:DB8:0:0::1").to_string(), "2001:db8::1");
}

TEST(IpAddress, RefusesWhatIsAmbiguousOrWrong) {
  for (const auto* text : {"", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", "::1%eth0", ":::", "1.2.3.4.5"})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
}

TEST(IpAddress, PlusCarriesAndStopsAtTheEnd) {
  EXPECT_EQ(address("10.0.0.255").plus(1), address("10.0.1.0"));
  EXPECT_EQ(address("fd00::ffff").plus(1), address("fd00::1:0"));
  EXPECT_EQ(address("255.255.255.255").plus(1), std::nullopt);
}

TEST(Prefix, RefusesHostBitsAndNamesTheFix) {
  const auto bad = Prefix::parse("10.0.0.1/8");
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("10.0.0.0/8"), std::string::npos);
}

TEST(Prefix, ContainsAndOverlaps) {
  EXPECT_TRUE(prefix("10.0.0.0/8").contains(prefix("10.1.0.0/16")));
  EXPECT_FALSE(prefix("10.1.0.0/16").contains(prefix("10.0.0.0/8")));
  EXPECT_TRUE(prefix("10.1.0.0/16").overlaps(prefix("10.0.0.0/8")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("::1")));
  EXPECT_TRUE(prefix("::/0").contains(address("::1")));
  EXPECT_TRUE(prefix("192.168.1.128/25").contains(address("192.168.1.200")));
  EXPECT_FALSE(prefix("192.168.1.128/25").contains(address("192.168.1.100")));
}

TEST(Endpoint, ParsesNamesAndBothFamilies) {
  EXPECT_EQ(Endpoint::parse("vpn.example.com:51820").value(), (Endpoint{"vpn.example.com", 51820}));
  EXPECT_EQ(Endpoint::parse("[2001:db8::1]:1").value().to_string(), "[2001:db8::1]:1");
  EXPECT_EQ(Endpoint::parse("192.0.2.1:65535").value().address(), address("192.0.2.1"));
}

TEST(Endpoint, RefusesBadOnes) {
  for (const auto* text : {"", "host", "host:", "host:0", "host:65536", "host:05", "2001:db8::1:5", "[::1]", "a b:1",
                           "-a:1", "a-:1", "a..b:1", "1.2.3:5", "[1.2.3.4]:5"})
    EXPECT_FALSE(Endpoint::parse(text)) << text;
}

}  // namespace
}  // namespace radial
