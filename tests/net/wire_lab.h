// Two or more nodes with a WireGuard each, of whatever kind, for the tests of
// radial-wire: every node is a network namespace inside the test's private
// one, joined to the others by a switch.
//
//      node 1 ── wg1          wg2 ── node 2
//        │ eth 10.9.0.1          │ eth 10.9.0.2      (fd09::N too)
//        └───────── br0 ─────────┘
//      inside the tunnel: 10.0.0.N/24 and fd00::N/64
//
// Failures throw, which fails the test. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <sys/types.h>

#include "support/namespace.h"

namespace radial::test {

// Which program makes the interface.
struct Program {
  friend void PrintTo(const Program& program, std::ostream* out) { *out << program.name; }
  std::string name;  // for the test's name
  std::string path;
  std::string environment;  // "KEY=value ..." for it
};

[[nodiscard]] Program radial_wire(const std::string& environment = {});
// A test's build, whose constants the environment can shorten:
// RADIAL_TEST_REKEY_MS, RADIAL_TEST_REKEY_MESSAGES, RADIAL_TEST_LOAD=1.
[[nodiscard]] Program radial_wire_short(const std::string& environment);
// The kernel's own, where it has it.
[[nodiscard]] Program kernel_wireguard();
[[nodiscard]] bool kernel_has_wireguard();
[[nodiscard]] Program wireguard_go_12();
// From a Debian 13 root folder (RADIAL_TRIXIE_ROOT, or where the lab keeps
// one); nothing when there is none.
[[nodiscard]] std::vector<Program> wireguard_go_13();

class WireNode {
 public:
  WireNode(const PrivateNamespace& around, int number, Program program);
  ~WireNode();
  WireNode(const WireNode&) = delete;
  WireNode& operator=(const WireNode&) = delete;

  [[nodiscard]] const std::string& wire() const { return wire_; }        // the interface's name
  [[nodiscard]] const std::string& public_key() const { return public_key_; }
  [[nodiscard]] int port() const { return 51820 + number_; }
  [[nodiscard]] std::string outer(int family = 4) const;                 // "10.9.0.1"
  [[nodiscard]] std::string inner(int family = 4) const;                 // "10.0.0.1"
  [[nodiscard]] std::string endpoint() const { return outer() + ":" + std::to_string(port()); }
  [[nodiscard]] pid_t pid() const { return pid_; }                       // of the program

  void start();   // the program; its interface is down and empty
  void stop();    // SIGTERM, waited for
  void kill();    // SIGKILL
  [[nodiscard]] bool running() const;
  void up();      // key, port, addresses, and the link up
  void add_peer(const WireNode& other, const std::string& more = {});
  void set(const std::string& arguments);  // wg set WIRE ...

  // A shell script in the namespace.
  std::string sh(const std::string& script) const;
  // Runs `work` in a thread inside the namespace and hands its result on.
  void inside(const std::function<void()>& work) const;
  // One ping of `size` bytes gets through within about a second.
  [[nodiscard]] bool pings(const std::string& address, int size = 56) const;

 private:
  [[nodiscard]] bool in_kernel() const { return program_.path == "kernel"; }

  const PrivateNamespace& around_;
  const int number_;
  const Program program_;
  const std::string wire_;
  std::string private_key_, public_key_;
  pid_t pid_ = -1;
};

// A pair with each other as peers, both up.
struct WirePair {
  WirePair(Program first, Program second, const std::string& more = {});
  PrivateNamespace around;
  WireNode a;
  WireNode b;

 private:
  static const PrivateNamespace& with_switch(const PrivateNamespace& around);
};

// Sends `bytes` pseudo-random bytes by TCP in writes of random sizes and
// compares every one at the other end. Throws when one differs or is missing.
void check_tcp(const WireNode& from, const WireNode& to, int family, std::size_t bytes, unsigned seed);

// Sends a UDP datagram of each size and waits for its echo, `window` of them
// at a time; returns the sizes that did not come back as they were sent.
[[nodiscard]] std::vector<std::size_t> lost_udp_echoes(const WireNode& from, const WireNode& to, int family,
                                                       std::size_t smallest, std::size_t largest,
                                                       std::size_t window = 1);

// Sends trains of UDP datagrams of one size, numbered and each of its own
// content, by a call each or (`segmented`) all by one with UDP_SEGMENT, and
// waits for each train. Throws when one does not come whole, once and in order.
void check_udp_trains(const WireNode& from, const WireNode& to, int family, bool segmented);

}  // namespace radial::test
