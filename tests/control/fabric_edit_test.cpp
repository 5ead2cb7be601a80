#include "control/fabric_edit.h"

#include <gtest/gtest.h>

namespace radial::control {
namespace {

TEST(FirstFabric, IsValidAndTakesSites) {
  const auto text = first_fabric("acme", "fra1", {"vpn.example.com:51820"}, {"192.168.1.0/24"});
  const auto fabric = parse_or_fail(text, "fabric.yaml");
  ASSERT_TRUE(fabric) << fabric.error().message;
  EXPECT_EQ(fabric->hubs.at(0).name, "fra1");
  const auto one = add_site(text, {"berlin", {"192.168.20.0/24"}, {}});
  ASSERT_TRUE(one) << one.error().message;
  const auto two = add_site(*one, {"paris", {"192.168.30.0/24", "fd30::/64"}, {"10.30.0.0/16"}});
  ASSERT_TRUE(two) << two.error().message;
  EXPECT_EQ(line_diff(*one, *two), "+  paris: { lans: [192.168.30.0/24, \"fd30::/64\"], grant: [10.30.0.0/16] }\n");
  EXPECT_EQ(parse_or_fail(*two, "x")->sites.size(), 2U);
  const auto several = first_fabric("acme", "fra1", {"vpn.example.com:51820", "[2001:db8::1]:51820"}, {});
  EXPECT_TRUE(parse_or_fail(several, "x")) << several;
}

TEST(AddSite, KeepsEverythingElseAsItStands) {
  const std::string file =
      "fabric: acme   # ours\n"
      "sites:   # branches\n"
      "    berlin:\n"
      "        lans:\n"
      "            - 192.168.20.0/24   # upstairs\n"
      "    # more to come\n"
      "\n"
      "hubs:\n"
      "  fra1: { endpoint: \"vpn.example.com:51820\" }\n";
  const auto text = add_site(file, {"paris", {"192.168.30.0/24"}, {"any"}});
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_EQ(line_diff(file, *text), "+    paris: { lans: [192.168.30.0/24], grant: any }\n");
}

TEST(AddSite, WithoutSitesOrWithEmptyOnes) {
  for (const auto* end : {"", "sites:\n", "sites: {}\n", "sites: { }  # none yet\n"}) {
    const auto text = add_site(std::string("fabric: acme\nhubs:\n  fra1: { endpoint: \"a.example:51820\" }\n") + end,
                               {"paris", {"192.168.30.0/24"}, {}});
    ASSERT_TRUE(text) << end << text.error().message;
    EXPECT_EQ(parse_or_fail(*text, "x")->sites.at(0).name, "paris");
  }
}

TEST(AddSite, RefusesWhatItCannotDoAlone) {
  const std::string head = "fabric: acme\nhubs:\n  fra1: { endpoint: \"a.example:51820\" }\n";
  EXPECT_EQ(add_site(head + "sites: { berlin: { lans: [192.168.20.0/24] } }\n", {"paris", {"192.168.30.0/24"}, {}}).error().code,
            Errc::unsupported);
  EXPECT_EQ(add_site(head, {"fra1", {"192.168.30.0/24"}, {}}).error().code, Errc::already_exists);
  // Words that try to be more than a word.
  for (const auto* name : {"a: b", "x }\n  y: {", "\"q", "", "-", "#"})
    EXPECT_FALSE(add_site(head, {name, {"192.168.30.0/24"}, {}})) << name;
  for (const auto* lan : {"192.168.30.1/24", "10.0.0.0/8 ], grant: any", "", "*x", "\n"})
    EXPECT_FALSE(add_site(head, {"paris", {lan}, {}})) << lan;
}

TEST(LineDiff, SaysWhatDiffers) {
  EXPECT_EQ(line_diff("a\nb\nc\n", "a\nc\nd\n"), "-b\n+d\n");
  EXPECT_EQ(line_diff("a\n", "a\n"), "");
  EXPECT_EQ(line_diff("", "a\n"), "+a\n");
}

}  // namespace
}  // namespace radial::control
