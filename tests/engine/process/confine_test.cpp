// What is left to a process that restrict_calls() has confined. Each case runs in
// a child, since there is no way back.
#include "engine/process/confine.h"

#include <cerrno>
#include <functional>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

namespace radial::engine {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool confined = false;  // sanitizers' runtimes do without
#else
constexpr bool confined = true;
#endif

// The errno with which `call` (which returns -1 then) fails in a confined child;
// 0: it does not. Its routing socket is given to it.
int error_of(const std::function<long(int routing)>& call) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int routing = ::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (!restrict_calls(routing)) ::_exit(255);
    errno = 0;
    ::_exit(call(routing) == -1 ? errno : 0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status)) << "it was killed";
  return WEXITSTATUS(status);
}

TEST(Confine, WhatTheEngineNeverDoesIsRefused) {
  if (!confined) GTEST_SKIP() << "no filter under a sanitizer";
  static char program[] = "/bin/true";
  static char* const arguments[] = {program, nullptr};
  static char* const environment[] = {nullptr};
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  const std::pair<const char*, std::function<long(int)>> cases[] = {
      {"open to read", [](int) { return ::open("/etc/hostname", O_RDONLY); }},
      {"open to write", [](int) { return ::open("/tmp/radial-confined", O_WRONLY | O_CREAT, 0600); }},
      {"execve", [](int) { return ::execve(program, arguments, environment); }},
      {"fork", [](int) { return ::fork(); }},
      {"a TCP socket", [](int) { return ::socket(AF_INET, SOCK_STREAM, 0); }},
      {"a TCP socket, IPv6", [](int) { return ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0); }},
      {"a raw socket", [](int) { return ::socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); }},
      {"a packet socket", [](int) { return ::socket(AF_PACKET, SOCK_DGRAM, 0); }},
      {"a UNIX socket", [](int) { return ::socket(AF_UNIX, SOCK_STREAM, 0); }},
      {"another routing socket", [](int) { return ::socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }},
      {"to speak by its routing socket",
       [&](int routing) {
         return ::sendto(routing, "x", 1, 0, reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel);
       }},
      {"memory that can be run",
       [](int) {
         const auto* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         return memory == MAP_FAILED ? -1L : 0L;
       }},
      {"a namespace", [](int) { return ::unshare(CLONE_NEWUTS); }},
      {"another user", [](int) { return ::setuid(0); }},
      {"to signal others", [](int) { return ::kill(::getppid(), 0); }},
  };
  for (const auto& [what, call] : cases) EXPECT_EQ(error_of(call), EPERM) << what;
}

TEST(Confine, WhatItDoesIsLeftToIt) {
  constexpr int datagrams = SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  for (const int family : {AF_INET, AF_INET6})
    EXPECT_NE(error_of([&](int) { return ::socket(family, datagrams, 0); }), EPERM) << family;
  EXPECT_EQ(error_of([](int) {
              void* const memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return memory == MAP_FAILED ? -1L : static_cast<long>(::munmap(memory, 4096));
            }),
            0);
  // It may be told of links, though not ask.
  EXPECT_EQ(error_of([](int routing) {
              char byte = 0;
              return ::recv(routing, &byte, 1, MSG_DONTWAIT);
            }),
            EAGAIN);
}

}  // namespace
}  // namespace radial::engine
