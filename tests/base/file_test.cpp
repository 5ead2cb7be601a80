#include "base/file.h"

#include <filesystem>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "support/temporary_folder.h"

namespace radial {
namespace {

using test::TemporaryFolder;

TEST(File, WritesAtomicallyWithTheModeAsked) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "f";
  ASSERT_TRUE(write_file_atomically(file, "one", 0600));
  ASSERT_TRUE(write_file_atomically(file, "two", 0600));
  EXPECT_EQ(read_file(file).value(), "two");
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1) << "a temporary file was left";
}

TEST(File, AFullDiskLeavesTheOldContentAndNoLitter) {
  const auto status = write_file_atomically("/dev/full/x", "one");
  EXPECT_FALSE(status);
  EXPECT_FALSE(read_file("/nonexistent"));
  EXPECT_FALSE(read_file("/dev/zero", 1000)) << "a file without an end must be refused";
}

TEST(Process, CapturesOutputCodeAndInput) {
  const auto result = run_process({"sh", "-c", "cat; echo err >&2; exit 3"}, std::chrono::seconds(10), "in\n");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->out, "in\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_EQ(result->exit_code, 3);
}

TEST(Process, KillsWhatDoesNotEndAndReportsWhatDoesNotStart) {
  const auto late = run_process({"sleep", "60"}, std::chrono::milliseconds(50));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::timeout);
  EXPECT_FALSE(run_process({"/no/such/program"}));
}

}  // namespace
}  // namespace radial
