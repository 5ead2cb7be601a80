// What a site keeps of its controller's word survives a torn file.
#include "agent/assignment.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/guard.h"
#include "agent/kept_twice.h"
#include "agent/keyring.h"
#include "base/file.h"
#include "control/controller.h"
#include "support/temporary_folder.h"

namespace radial::agent {
namespace {

class AssignmentTest : public testing::Test {
 protected:
  AssignmentTest() { paths_.state = paths_.config = folder_.path(); }

  static Assignment numbered(std::int64_t revision) {
    Assignment assignment;
    assignment.revision = revision;
    assignment.config.fabric = "acme";
    assignment.config.node = "berlin";
    return assignment;
  }

  test::TemporaryFolder folder_;
  Paths paths_;
};

TEST_F(AssignmentTest, TheNewestCounts) {
  std::string warning;
  EXPECT_FALSE(load_assignment(paths_, warning));
  ASSERT_TRUE(save_assignment(paths_, numbered(1)));
  ASSERT_TRUE(save_assignment(paths_, numbered(2)));
  EXPECT_EQ(load_assignment(paths_, warning)->revision, 2);
  EXPECT_EQ(warning, "");
}

TEST_F(AssignmentTest, OnProbationTheProvenOneStaysTheOneBefore) {
  std::string warning;
  EXPECT_FALSE(load_on_probation(paths_));
  ASSERT_TRUE(save_assignment(paths_, numbered(5)));
  ASSERT_TRUE(save_assignment(paths_, numbered(6)));
  for (const std::int64_t revision : {7, 8}) {
    ASSERT_TRUE(save_on_probation(paths_, numbered(revision)));
    EXPECT_EQ(load_assignment(paths_, warning)->revision, revision);
    EXPECT_EQ(load_on_probation(paths_)->revision, 6);
  }
  end_probation(paths_);
  EXPECT_FALSE(load_on_probation(paths_));
  EXPECT_EQ(load_assignment(paths_, warning)->revision, 8);
}

// Under the name that the controller gave it, for it may say more than this version reads.
TEST_F(AssignmentTest, KeepsTheControllersNameOfIt) {
  auto given = numbered(1);
  given.digest = "0123";
  ASSERT_TRUE(save_assignment(paths_, given));
  std::string warning;
  EXPECT_EQ(load_assignment(paths_, warning)->digest, "0123");

  auto file = nlohmann::json::parse(*read_file(paths_.assignment(), 1U << 20U));
  file.erase("digest");
  ASSERT_TRUE(write_file_atomically(paths_.assignment(), file.dump(), 0600));
  EXPECT_EQ(load_assignment(paths_, warning)->digest, control::digest_of_config(given.config)) << "written by an older version";
  EXPECT_EQ(warning, "");
}

TEST_F(AssignmentTest, EveryTornLengthFallsBackToTheOneBefore) {
  ASSERT_TRUE(save_assignment(paths_, numbered(1)));
  ASSERT_TRUE(save_assignment(paths_, numbered(2)));
  const auto whole = read_file(paths_.assignment()).value();
  for (std::size_t size = 0; size + 1 < whole.size(); size += 7) {
    std::ofstream(paths_.assignment(), std::ios::trunc) << whole.substr(0, size);
    std::string warning;
    const auto loaded = load_assignment(paths_, warning);
    ASSERT_TRUE(loaded) << size;
    EXPECT_EQ(loaded->revision, 1);
    EXPECT_NE(warning, "");
  }
  // Altered within, it is not believed either.
  auto altered = whole;
  altered[altered.find("berlin")] = 'B';
  std::ofstream(paths_.assignment(), std::ios::trunc) << altered;
  std::string warning;
  EXPECT_EQ(load_assignment(paths_, warning)->revision, 1);
  // A torn newest does not push out the good one.
  ASSERT_TRUE(save_assignment(paths_, numbered(3)));
  std::ofstream(paths_.assignment(), std::ios::trunc) << "{";
  EXPECT_EQ(load_assignment(paths_, warning)->revision, 1);
}

TEST_F(AssignmentTest, KeyringIsPrivate) {
  Keyring keyring;
  keyring.node_secret = Secret::random();
  keyring.preshared.emplace(PrivateKey::generate().public_key(), Secret::random());
  ASSERT_TRUE(save_keyring(paths_.secrets(), keyring));
  const auto loaded = load_keyring(paths_.secrets());
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->equals(keyring));
  ::chmod(paths_.secrets().c_str(), 0644);
  EXPECT_EQ(load_keyring(paths_.secrets()).error().code, Errc::permission_denied);
  ::chmod(paths_.secrets().c_str(), 0600);
  auto text = read_file(paths_.secrets()).value();
  const auto secret = keyring.node_secret->reveal_base64();
  text.erase(text.find(secret) + 20, 3);
  std::ofstream(paths_.secrets(), std::ios::trunc) << text;
  EXPECT_TRUE(load_keyring(paths_.secrets())->equals(keyring)) << "its copy is whole";
  EXPECT_EQ(std::filesystem::status(copy_of(paths_.secrets())).permissions(), std::filesystem::perms(0600));
  std::ofstream(copy_of(paths_.secrets()), std::ios::trunc) << text;
  const auto damaged = load_keyring(paths_.secrets());
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().message.find(secret.substr(0, 10)), std::string::npos);
  EXPECT_TRUE(load_keyring(paths_.config / "none")->preshared.empty());
}

TEST_F(AssignmentTest, ATornFileOfWhereTheControllerIsOrOfWhoIsCutOffHasACopy) {
  const ControllerAddress controller{"fra1", IpAddress::parse("10.255.0.1").value(), 51821};
  ASSERT_TRUE(save_controller_address(paths_, controller));
  const CutOffs cut_offs{{"mallory", {"floods", "2026-11-24T00:00:00Z"}}};
  ASSERT_TRUE(save_cut_offs(paths_.cut_offs(), cut_offs));
  for (const auto& file : {paths_.controller_address(), paths_.cut_offs()}) {
    const auto whole = read_file(file).value();
    std::ofstream(file, std::ios::trunc) << whole.substr(0, whole.size() / 2);
  }
  EXPECT_EQ(load_controller_address(paths_).value()->hub, "fra1");
  EXPECT_EQ(load_cut_offs(paths_.cut_offs()).value(), cut_offs);
  for (const auto& file : {paths_.controller_address(), paths_.cut_offs()}) std::ofstream(copy_of(file), std::ios::trunc) << "{";
  EXPECT_FALSE(load_controller_address(paths_));
  EXPECT_FALSE(load_cut_offs(paths_.cut_offs())) << "nobody is let back by accident";
  // Removed by the operator, it stays removed.
  ASSERT_TRUE(save_cut_offs(paths_.cut_offs(), cut_offs));
  std::filesystem::remove(paths_.cut_offs());
  EXPECT_TRUE(load_cut_offs(paths_.cut_offs()).value().empty());
}

TEST_F(AssignmentTest, TheLastGoodConfigurationOfANodeOfItsOwnToo) {
  std::string warning;
  EXPECT_FALSE(load_last_good(paths_, warning));
  const auto first = numbered(0).config;
  auto second = first;
  second.node = "paris";
  ASSERT_TRUE(save_last_good(paths_, first));
  ASSERT_TRUE(save_last_good(paths_, second));
  ASSERT_TRUE(save_last_good(paths_, second));  // again: the one before stays the one before
  EXPECT_EQ(load_last_good(paths_, warning).value(), second);
  EXPECT_EQ(warning, "");
  auto text = read_file(paths_.last_good()).value();
  ASSERT_TRUE(write_file_atomically(paths_.last_good(), text.substr(0, text.size() / 2)));
  EXPECT_EQ(load_last_good(paths_, warning).value(), first);
  EXPECT_NE(warning, "");
  text[text.size() / 2] ^= 1;  // a flipped bit
  ASSERT_TRUE(write_file_atomically(paths_.last_good(), text));
  EXPECT_EQ(load_last_good(paths_, warning).value(), first);
}

}  // namespace
}  // namespace radial::agent
