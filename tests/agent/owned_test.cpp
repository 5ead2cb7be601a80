#include "agent/owned.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "base/file.h"
#include "support/temporary_folder.h"

namespace radial::agent {
namespace {

struct OwnedFile : testing::Test {
  test::TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "owned.json";
};

TEST_F(OwnedFile, RoundTripsAndVanishesWhenNothingIsOwned) {
  Owned owned;
  owned.wires = {"wg0"};
  owned.sysctls = {{"net.ipv4.ip_forward", "0"}};
  owned.frr = {{"ospfd", "router ospf", {"ospf router-id 10.255.0.1"}}};
  owned.firewall = true;
  ASSERT_TRUE(save_owned(file, owned));
  EXPECT_EQ(load_owned(file).value(), owned);
  ASSERT_TRUE(save_owned(file, {}));
  EXPECT_FALSE(std::filesystem::exists(file));
  EXPECT_TRUE(load_owned(file).value().nothing());
}

TEST_F(OwnedFile, ADamagedRecordIsAnErrorAndNotAnEmptyOne) {
  for (const auto* text : {"", "{", "{}", R"({"version":1,"wires":"wg0"})", R"({"version":99})"}) {
    ASSERT_TRUE(write_file_atomically(file, text));
    EXPECT_FALSE(load_owned(file)) << text;
  }
}

}  // namespace
}  // namespace radial::agent
