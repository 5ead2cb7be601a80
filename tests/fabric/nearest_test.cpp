#include "fabric/nearest.h"

#include <vector>

#include <gtest/gtest.h>

namespace radial {
namespace {

const std::vector<std::string> names{"lans", "grant", "hubs", "mtu", "keepalive"};

TEST(EditDistance, CountsEditsAndSwapsOfNeighbours) {
  EXPECT_EQ(edit_distance("", ""), 0U);
  EXPECT_EQ(edit_distance("lans", "lans"), 0U);
  EXPECT_EQ(edit_distance("lnas", "lans"), 1U);
  EXPECT_EQ(edit_distance("lan", "lans"), 1U);
  EXPECT_EQ(edit_distance("lamps", "lans"), 2U);
  EXPECT_EQ(edit_distance("", "lans"), 4U);
  EXPECT_EQ(edit_distance("ca", "abc"), 3U);  // no part is edited twice
  EXPECT_EQ(edit_distance("LANS", "lans"), 0U);
}

TEST(NearestName, IsFoundWithinAThirdOfTheWord) {
  EXPECT_EQ(nearest_name("lnas", names), "lans");
  EXPECT_EQ(nearest_name("mut", names), "mtu");
  EXPECT_EQ(nearest_name("keep-alive", names), "keepalive");
  EXPECT_EQ(nearest_name("MTU", names), "mtu");
  EXPECT_EQ(nearest_name("address", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(65, 'a'), names), std::nullopt);
}

}  // namespace
}  // namespace radial
