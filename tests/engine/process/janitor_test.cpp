#include "engine/process/janitor.h"

#include <filesystem>
#include <optional>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "engine/uapi/socket_file.h"
#include "support/temporary_folder.h"

namespace radial::engine {
namespace {

class JanitorTest : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = uapi::listen_on(socket_).value();
    auto started = Janitor::start(socket_);
    ASSERT_TRUE(started) << started.error().message;
    janitor_.emplace(std::move(*started));
    // It answers once it has closed what it inherited, the listener among it.
    ASSERT_TRUE(janitor_->rename_to(socket_));
  }
  // The engine ends, and the janitor after it.
  void end() {
    listener_.reset();
    janitor_.reset();
    int status = -1;
    ASSERT_GT(::wait(&status), 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }

  test::TemporaryFolder folder_;
  const std::filesystem::path socket_ = folder_.path() / "wg0.sock";
  Fd listener_;
  std::optional<Janitor> janitor_;
};

TEST_F(JanitorTest, RemovesItsSocket) {
  end();
  EXPECT_FALSE(std::filesystem::exists(socket_));
}

TEST_F(JanitorTest, FollowsARename) {
  ASSERT_TRUE(janitor_->rename_to(folder_.path() / "wg7.sock"));
  EXPECT_FALSE(std::filesystem::exists(socket_));
  EXPECT_TRUE(std::filesystem::exists(folder_.path() / "wg7.sock"));
  end();
  EXPECT_FALSE(std::filesystem::exists(folder_.path() / "wg7.sock"));
}

TEST_F(JanitorTest, RenamesWithinItsFolderOnly) {
  EXPECT_FALSE(janitor_->rename_to("/.."));
  EXPECT_TRUE(std::filesystem::exists(socket_));
  end();
}

TEST_F(JanitorTest, LeavesASuccessorsSocketAlone) {
  listener_.reset();
  const auto successor = uapi::listen_on(socket_);  // finds the stale socket, and binds its own
  ASSERT_TRUE(successor) << successor.error().message;
  end();
  EXPECT_TRUE(std::filesystem::exists(socket_));
}

}  // namespace
}  // namespace radial::engine
