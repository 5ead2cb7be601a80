// A backup comes back as it was, or not at all.
#include "agent/backup.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "control/controller.h"
#include "control/fabric_edit.h"
#include "support/hub_facts.h"
#include "support/temporary_folder.h"

namespace radial::agent {
namespace {

using testing::HasSubstr;

class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    from_ = paths("from");
    to_ = paths("to");
  }

  [[nodiscard]] Paths paths(const std::string& name) const {
    Paths paths;
    paths.config = folder_ / name / "etc";
    paths.state = folder_ / name / "state";
    paths.run = folder_ / name / "run";
    return paths;
  }
  void make_hub() const {
    for (const auto& path : {from_.config, from_.state}) ASSERT_TRUE(make_directories(path));
    const auto key = PrivateKey::generate();
    const auto yaml = control::first_fabric("acme", "fra1", {"vpn.example.com:51820"}, {"192.168.1.0/24"});
    ASSERT_TRUE(control::Controller::create(from_.controller_store(), yaml, "fra1", test::hub_facts(key.public_key()), {}, "root", 7));
    ASSERT_TRUE(write_file_atomically(from_.private_key(), key.reveal_base64() + "\n", 0600));
    ASSERT_TRUE(write_file_atomically(from_.node(), "fra1\n"));
  }

  test::TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.path();
  Paths from_;
  Paths to_;
};

TEST_F(BackupTest, ComesBackAsItWas) {
  make_hub();
  const auto file = folder_ / "backup";
  ASSERT_TRUE(write_backup(from_, file, [](const auto&) {}));
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_FALSE(std::filesystem::exists(from_.controller_store().string() + ".backup"));
  const auto restored = restore_files(to_, file);
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_EQ(read_file(to_.private_key()).value(), read_file(from_.private_key()).value());
  EXPECT_EQ(read_file(to_.node()).value(), "fra1\n");
  EXPECT_EQ(control::Controller::open(to_.controller_store(), "fra1").value().revision(), 1);
  for (const auto& path : {to_.private_key(), to_.controller_store()}) {
    ASSERT_EQ(::stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U) << path;
  }
  EXPECT_EQ(restore_files(to_, file).error().code, Errc::already_exists);
}

TEST_F(BackupTest, ATornOrAlteredOneChangesNothing) {
  make_hub();
  const auto file = folder_ / "backup";
  ASSERT_TRUE(write_backup(from_, file, [](const auto&) {}));
  const auto whole = read_file(file).value();
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, whole.size() / 2, whole.size() - 3}) {
    ASSERT_TRUE(write_file_atomically(file, whole.substr(0, size)));
    EXPECT_THAT(restore_files(to_, file).error().message, HasSubstr("torn or damaged")) << size;
  }
  for (std::size_t at = 20; at < whole.size() - 20; at += whole.size() / 23) {
    auto altered = whole;
    altered[at] = altered[at] == 'A' ? 'B' : 'A';
    ASSERT_TRUE(write_file_atomically(file, altered));
    const auto restored = restore_files(to_, file);
    if (restored) ADD_FAILURE() << "taken although altered at " << at;
  }
  EXPECT_FALSE(std::filesystem::exists(to_.config));
}

TEST_F(BackupTest, OnlyAControllerHasOne) {
  EXPECT_EQ(write_backup(from_, folder_ / "backup", [](const auto&) {}).error().code, Errc::conflict);
}

}  // namespace
}  // namespace radial::agent
