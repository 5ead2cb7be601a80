// Radial's UAPI client against a real userspace WireGuard (wireguard-go of the
// distribution, or what RADIAL_TEST_WIREGUARD names) in a private namespace.
#include <csignal>
#include <cstdlib>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/file.h"
#include "host/wire_events.h"
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

// radial-wire says by itself that a session was made; others refuse, and the
// caller looks as before.
TEST_F(UapiTest, EventsArePushedWhereTheImplementationDoes) {
  create("wg0");
  auto events = host::WireEvents::open("wg0");
  EXPECT_EQ(host::WireEvents::open("wg9").error().code, Errc::not_found);
  if (wireguard->implementation() != "radial-wire") {
    ASSERT_FALSE(events);
    EXPECT_EQ(events.error().code, Errc::unsupported);
    return;
  }
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_TRUE(events->drain()->empty());
  create("wg1");
  space.sh("wg genkey > /run/k0; wg genkey > /run/k1; ip link set lo up; "
           "wg set wg0 private-key /run/k0 listen-port 4000; wg set wg1 private-key /run/k1 listen-port 4001; "
           "wg set wg0 peer $(wg pubkey < /run/k1) allowed-ips 10.0.0.1/32; "
           "wg set wg1 peer $(wg pubkey < /run/k0) allowed-ips 10.0.0.0/32 endpoint 127.0.0.1:4000 persistent-keepalive 1; "
           "ip link set wg0 up; ip link set wg1 up");
  std::vector<host::WireEvent> heard;
  EXPECT_TRUE(eventually([&] {
    auto some = events->drain();
    if (some) heard.insert(heard.end(), some->begin(), some->end());
    return std::any_of(heard.begin(), heard.end(), [](const auto& one) { return one.kind == host::WireEvent::Kind::handshake; });
  }, std::chrono::seconds(20)));
  ASSERT_FALSE(heard.empty());
  EXPECT_THAT(heard.back().endpoint->to_string(), testing::HasSubstr("127.0.0.1:4001"));
  ASSERT_TRUE(wireguard->remove("wg0"));
  EXPECT_TRUE(eventually([&] {
    const auto more = events->drain();
    return !more && more.error().code == Errc::unavailable;
  }));
}

}  // namespace
}  // namespace radial::test
