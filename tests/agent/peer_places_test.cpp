#include "agent/peer_places.h"

#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "support/temporary_folder.h"

namespace radial::agent {
namespace {

using namespace std::chrono_literals;

PublicKey key(std::uint8_t byte) {
  std::array<std::uint8_t, key_size> bytes{};
  bytes.fill(byte);
  return PublicKey(bytes);
}

class Places : public ::testing::Test {
 protected:
  test::TemporaryFolder folder_;
  std::filesystem::path file_ = folder_.path() / "peer-places.json";
  Endpoint four_{"198.51.100.7", 51820};
  Endpoint six_{"2001:db8::7", 4500};
};

TEST_F(Places, SurviveARestart) {
  {
    PeerPlaces places(file_);
    EXPECT_EQ(places.of(key(1)), std::nullopt);
    places.remember(key(1), four_);
    places.remember(key(2), four_);
    places.remember(key(2), six_);
    ASSERT_TRUE(places.save());
  }
  PeerPlaces places(file_);
  EXPECT_EQ(places.of(key(1)), four_);
  EXPECT_EQ(places.of(key(2)), six_);
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U) << "where people are is nobody's business";
}

TEST_F(Places, OfWhoIsNoPeerAnyMoreAreForgotten) {
  PeerPlaces places(file_);
  places.remember(key(1), four_);
  places.remember(key(2), six_);
  places.keep_only({key(2)});
  ASSERT_TRUE(places.save());
  PeerPlaces again(file_);
  EXPECT_EQ(again.of(key(1)), std::nullopt);
  EXPECT_EQ(again.of(key(2)), six_);
}

TEST_F(Places, ADamagedFileIsAsNone) {
  for (const auto* text : {"", "{", "[]", R"({"version":2,"places":{}})", R"({"version":1,"places":{"no key":"198.51.100.7:51820"}})",
                           R"({"version":1,"places":{"xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=":7}})"}) {
    std::ofstream(file_) << text;
    PeerPlaces places(file_);
    EXPECT_EQ(places.of(key(1)), std::nullopt) << text;
    places.remember(key(1), four_);
    ASSERT_TRUE(places.save());
    EXPECT_EQ(PeerPlaces(file_).of(key(1)), four_) << text;
  }
}

TEST_F(Places, AreWrittenOnceAMinuteAtMost) {
  PeerPlaces places(file_);
  const PeerPlaces::Time start{};
  EXPECT_FALSE(places.due(start)) << "nothing changed";
  places.remember(key(1), four_);
  EXPECT_TRUE(places.due(start));
  ASSERT_TRUE(places.save());
  places.remember(key(1), four_);
  EXPECT_FALSE(places.due(start + 2min)) << "the same again is no change";
  places.remember(key(1), six_);
  EXPECT_TRUE(places.due(start + 2min));
  places.remember(key(2), six_);
  EXPECT_FALSE(places.due(start + 2min + 59s));
  EXPECT_TRUE(places.due(start + 3min));
}

}  // namespace
}  // namespace radial::agent
