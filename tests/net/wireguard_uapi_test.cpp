// Radial's UAPI client against a real userspace WireGuard (wireguard-go of the
// distribution, or what RADIAL_TEST_WIREGUARD names) in a private namespace.
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "support/wireguard_semantics.h"

namespace radial::test {
namespace {

std::string program() {
  const char* named = std::getenv("RADIAL_TEST_WIREGUARD");
  return named != nullptr ? named : "wireguard-go";
}

const Implementation userspace{"userspace", []() -> Result<std::unique_ptr<host::WireGuard>> {
  return host::open_userspace_wireguard(program());
}};

INSTANTIATE_TEST_SUITE_P(Userspace, WireGuardSemantics, testing::Values(userspace), testing::PrintToStringParamName());

class UapiTest : public WireGuardTest {
 protected:
  void SetUp() override { start(userspace); }

  // The process that serves `interface` in this network namespace.
  static pid_t daemon_of(const std::string& interface) {
    const auto here = std::filesystem::read_symlink("/proc/thread-self/ns/net");
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::error_code gone;
      if (std::filesystem::read_symlink(entry.path() / "ns/net", gone) != here || gone) continue;
      std::ifstream file(entry.path() / "cmdline");
      const std::string command((std::istreambuf_iterator<char>(file)), {});
      if (command == program() + '\0' + interface + '\0') return std::atoi(entry.path().filename().c_str());
    }
    return 0;
  }
};

TEST_F(UapiTest, TheDaemonOwesNothingToWhoStartedIt) {
  ::setenv("RADIAL_TEST_LEAK", "1", 1);
  const Fd leak(::open("/etc/hostname", O_RDONLY));  // without close-on-exec, on purpose
  create("wg0");
  ::unsetenv("RADIAL_TEST_LEAK");
  const auto pid = daemon_of("wg0");
  ASSERT_GT(pid, 0);
  EXPECT_NE(::getsid(pid), ::getsid(0));
  const auto folder = std::filesystem::path(fmt::format("/proc/{}", pid));
  EXPECT_EQ(std::filesystem::read_symlink(folder / "cwd"), "/");
  for (const auto& fd : std::filesystem::directory_iterator(folder / "fd"))
    EXPECT_NE(std::filesystem::read_symlink(fd), "/etc/hostname");
  std::ifstream file(folder / "environ");
  const std::string environment((std::istreambuf_iterator<char>(file)), {});
  EXPECT_THAT(environment, testing::Not(testing::HasSubstr("RADIAL_TEST_LEAK")));
}

TEST_F(UapiTest, ADaemonThatWasKilledIsReplaced) {
  create("wg0");
  const auto key = PrivateKey::generate();
  ASSERT_TRUE(wireguard->apply(diff_wire({"wg0", &key, 0, 0, {}}, wireguard->observe("wg0").value())));
  for (int round = 0; round < 3; ++round) {
    const auto pid = daemon_of("wg0");
    ASSERT_GT(pid, 0);
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] { return !wireguard->observe("wg0"); }));
    EXPECT_EQ(wireguard->observe("wg0").error().code, Errc::not_found);
    // wireguard-go leaves its socket behind; radial-wire's goes a moment later,
    // perhaps after its successor has bound its own.
    create("wg0");
    EXPECT_FALSE(wireguard->observe("wg0")->public_key) << "a new process knows no key";
  }
}

TEST_F(UapiTest, RemovalEndsTheProcessAndItsSocket) {
  create("wg0");
  const auto pid = daemon_of("wg0");
  ASSERT_GT(pid, 0);
  ASSERT_TRUE(wireguard->remove("wg0"));
  EXPECT_FALSE(std::filesystem::exists("/run/wireguard/wg0.sock"));
  EXPECT_TRUE(eventually([&] { return daemon_of("wg0") == 0; }));
}

TEST_F(UapiTest, TheProcessThatHangsIsReportedInBoundedTime) {
  // A socket that accepts and never answers.
  const Fd hanging(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string("/run/wireguard/wg0.sock").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(hanging.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(hanging.get(), 1), 0);
  const auto wire = wireguard->observe("wg0");
  ASSERT_FALSE(wire);
  EXPECT_EQ(wire.error().code, Errc::timeout) << wire.error().message;
}

TEST_F(UapiTest, AProgramThatCannotStartSaysWhy) {
  auto absent = host::open_userspace_wireguard("no-such-wireguard");
  const auto status = absent->create("wg0");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::not_found);
  EXPECT_THAT(status.error().message, testing::HasSubstr("no-such-wireguard"));

  // In a folder of ours: a program that complains and gives up.
  space.sh("printf '#!/bin/sh\\necho \"no tun for $1\" >&2\\nexit 3\\n' > /run/broken-wireguard");
  space.sh("chmod +x /run/broken-wireguard");
  const auto broken = host::open_userspace_wireguard("/run/broken-wireguard")->create("wg0");
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, testing::HasSubstr("no tun for wg0"));
}

TEST_F(UapiTest, RadialWireguardInTheEnvironmentDecides) {
  ::setenv("RADIAL_WIREGUARD", "wireguard-go", 1);
  const auto named = host::open_wireguard({"radial-wire"});
  ::setenv("RADIAL_WIREGUARD", "magic", 1);
  const auto unknown = host::open_wireguard({});
  ::setenv("RADIAL_WIREGUARD", "/no/such/program", 1);
  const auto absent = host::open_wireguard({});
  ::unsetenv("RADIAL_WIREGUARD");
  ASSERT_TRUE(named) << named.error().message;
  EXPECT_EQ((*named)->implementation(), "wireguard-go");
  EXPECT_EQ(unknown.error().code, Errc::invalid_argument);
  EXPECT_EQ(absent.error().code, Errc::not_found);
  const auto chosen = host::open_wireguard({"no-such-wireguard", "wireguard-go"});
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_THAT((*chosen)->implementation(), testing::AnyOf("kernel", "wireguard-go"));
}

}  // namespace
}  // namespace radial::test
