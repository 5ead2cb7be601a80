// radial-wire as a program and as an interface: what happens to its device,
// its socket and its configuration, as wg(8) and ip(8) see it.
#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <sstream>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/key.h"
#include "net/wire_lab.h"

namespace radial::test {
namespace {

constexpr std::chrono::seconds patience(30);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

using testing::HasSubstr;
using testing::Not;

bool reaches(const WireNode& from, const std::string& address) {
  return eventually([&] { return from.pings(address); }, patience);
}

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

// A raw UAPI connection.
class Uapi {
 public:
  explicit Uapi(const std::string& interface_name) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    ("/run/wireguard/" + interface_name + ".sock").copy(name.sun_path, sizeof name.sun_path - 1);
    const timeval timeout{20, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    if (::connect(fd_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name) != 0)
      throw std::runtime_error("cannot connect to the UAPI");
  }
  // Sends and reads to the first empty line.
  std::string ask(const std::string& request) {
    if (!request.empty()) ::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL);
    while (heard_.find("\n\n") == std::string::npos) {
      char chunk[4096];
      const auto got = ::recv(fd_.get(), chunk, sizeof chunk, 0);
      if (got <= 0) throw std::runtime_error("the UAPI says nothing more after: " + heard_);
      heard_.append(chunk, static_cast<std::size_t>(got));
    }
    const auto end = heard_.find("\n\n") + 2;
    auto out = heard_.substr(0, end);
    heard_.erase(0, end);
    return out;
  }

 private:
  Fd fd_;
  std::string heard_;
};

class WireDevice : public testing::Test {
 protected:
  WirePair pair_{radial_wire(), radial_wire()};
  WireNode& a_ = pair_.a;
  WireNode& b_ = pair_.b;
};

TEST_F(WireDevice, DownAndUpKeepsTheConfigurationAndMakesNewSessions) {
  ASSERT_TRUE(reaches(a_, b_.inner()));
  const auto config = a_.sh("wg showconf wg1");
  a_.sh("ip link set wg1 down");
  EXPECT_FALSE(b_.pings(a_.inner()));
  EXPECT_EQ(a_.sh("wg showconf wg1"), config);
  EXPECT_EQ(a_.sh("ss -Hlun 'sport = 51821' | wc -l"), "0\n") << "a link that is down holds no port";
  a_.sh("ip link set wg1 up");
  EXPECT_TRUE(reaches(a_, b_.inner()));
  EXPECT_EQ(a_.sh("wg showconf wg1"), config);
}

TEST_F(WireDevice, AMomentDownDoesNotLoseThePort) {
  for (int i = 0; i < 20; ++i) a_.sh("ip link set wg1 down; ip link set wg1 up");
  EXPECT_TRUE(reaches(a_, b_.inner()));
  EXPECT_EQ(a_.sh("wg show wg1 listen-port"), "51821\n");
  EXPECT_NE(a_.sh("ss -Hlun 'sport = 51821' | wc -l"), "0\n");
}

TEST_F(WireDevice, ARenameTakesTheSocketAlong) {
  ASSERT_TRUE(reaches(a_, b_.inner()));
  a_.sh("ip link set wg1 name tunnel7");
  EXPECT_TRUE(eventually([] { return std::filesystem::exists("/run/wireguard/tunnel7.sock"); }, patience));
  EXPECT_FALSE(std::filesystem::exists("/run/wireguard/wg1.sock"));
  EXPECT_THAT(a_.sh("wg show tunnel7"), HasSubstr(b_.public_key()));
  EXPECT_TRUE(reaches(a_, b_.inner()));
  a_.stop();
  EXPECT_TRUE(eventually([] { return !std::filesystem::exists("/run/wireguard/tunnel7.sock"); }, patience));
}

TEST_F(WireDevice, TheMtuMayChangeWhileItRuns) {
  for (const std::string mtu : {"1280", "1501", "1333", "9000", "1420"}) {
    for (const auto* node : {&a_, &b_}) node->sh("ip link set " + node->wire() + " mtu " + mtu);
    EXPECT_NO_THROW(check_tcp(a_, b_, 4, 3'000'000, 3)) << mtu;
    EXPECT_NO_THROW(check_tcp(b_, a_, 6, 3'000'000, 4)) << mtu;
    const auto largest = std::stoul(mtu) - 28;
    EXPECT_THAT(lost_udp_echoes(a_, b_, 4, largest - 20, largest), testing::IsEmpty()) << mtu;
  }
}

TEST_F(WireDevice, AddressesMayComeAndGo) {
  ASSERT_TRUE(reaches(a_, b_.inner()));
  a_.sh("ip addr flush dev wg1; ip addr add " + a_.inner() + "/24 dev wg1");
  EXPECT_TRUE(reaches(a_, b_.inner()));
}

TEST_F(WireDevice, InAnotherNamespaceItsSocketsStayWhereTheyWere) {
  ASSERT_TRUE(reaches(a_, b_.inner()));
  pair_.around.sh("ip netns add inner; ip -n n1 link set wg1 netns inner");
  pair_.around.sh("ip -n inner addr add " + a_.inner() + "/24 dev wg1; ip -n inner link set wg1 up");
  const auto pings = [] {
    return run_process({"ip", "netns", "exec", "inner", "ping", "-c", "1", "-W", "1", "10.0.0.2"})->ok();
  };
  EXPECT_TRUE(eventually(pings, patience));
  EXPECT_TRUE(a_.running());
  pair_.around.sh("ip -n inner link del wg1");
  EXPECT_TRUE(eventually([&] { return !a_.running(); }, patience));
}

TEST_F(WireDevice, DeletingTheDeviceEndsTheProgram) {
  a_.sh("ip link del wg1");
  EXPECT_TRUE(eventually([&] { return !a_.running(); }, patience));
  EXPECT_TRUE(eventually([] { return !std::filesystem::exists("/run/wireguard/wg1.sock"); }, patience));
}

TEST_F(WireDevice, SigtermEndsItAndLeavesNothing) {
  a_.stop();
  EXPECT_TRUE(eventually([] { return !std::filesystem::exists("/run/wireguard/wg1.sock"); }, patience));
  EXPECT_THAT(a_.sh("ip -br link"), Not(HasSubstr("wg1")));
}

TEST_F(WireDevice, EvenAKilledEngineLeavesNoSocket) {
  a_.kill();
  EXPECT_TRUE(eventually([] { return !std::filesystem::exists("/run/wireguard/wg1.sock"); }, patience));
}

TEST_F(WireDevice, RemovingTheSocketEndsIt) {
  std::filesystem::remove("/run/wireguard/wg1.sock");
  EXPECT_TRUE(eventually([&] { return !a_.running(); }, patience));
}

TEST_F(WireDevice, TheEngineRunsWithoutPrivilegesAndStillDoesWhatNeedsThem) {
  const auto status = slurp("/proc/" + std::to_string(a_.pid()) + "/status");
  EXPECT_THAT(status, HasSubstr("Uid:\t65534\t65534\t65534\t65534"));
  EXPECT_THAT(status, HasSubstr("CapEff:\t0000000000001400"));  // NET_ADMIN, NET_BIND_SERVICE
  EXPECT_THAT(status, HasSubstr("CapBnd:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  if (!sanitized) { EXPECT_THAT(status, HasSubstr("Seccomp:\t2")); }  // sanitizers' runtimes do without
  EXPECT_THAT(slurp("/proc/" + std::to_string(a_.pid()) + "/limits"), testing::ContainsRegex("Max core file size +0 "));
  // Of a process that may not be dumped the kernel gives these to root (proc(5)), not to its own user.
  struct stat memory {};
  ASSERT_EQ(::stat(("/proc/" + std::to_string(a_.pid()) + "/mem").c_str(), &memory), 0);
  EXPECT_EQ(memory.st_uid, 0U);
  struct stat socket {};
  ASSERT_EQ(::stat("/run/wireguard/wg1.sock", &socket), 0);
  EXPECT_EQ(socket.st_mode & 0777U, 0700U);
  EXPECT_EQ(socket.st_uid, 0U);

  a_.set("fwmark 0x1234 listen-port 53");
  EXPECT_THAT(a_.sh("wg show wg1 fwmark"), HasSubstr("0x1234"));
  EXPECT_EQ(a_.sh("wg show wg1 listen-port"), "53\n");
  EXPECT_TRUE(reaches(a_, b_.inner()));
  EXPECT_THAT(b_.sh("wg show wg2 endpoints"), HasSubstr("10.9.0.1:53"));
}

// In how many places of the process's memory the bytes stand.
int copies_in_memory(pid_t pid, std::string_view bytes) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  const Fd memory(::open(("/proc/" + std::to_string(pid) + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  if (!memory) throw std::runtime_error("its memory cannot be read");
  int copies = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0, to = 0;
    char access[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, access) != 3 || access[1] != 'w') continue;
    std::string content(to - from, '\0');
    const auto got = ::pread(memory.get(), content.data(), content.size(), static_cast<off_t>(from));
    if (got > 0) content.resize(static_cast<std::size_t>(got));
    for (auto at = content.find(bytes); at != std::string::npos; at = content.find(bytes, at + 1)) ++copies;
  }
  return copies;
}

TEST_F(WireDevice, KeysThatAreTakenAwayLeaveItsMemory) {
  if (sanitized) GTEST_SKIP() << "a sanitizer's shadow memory is too large to be searched";
  if (!Fd(::open(("/proc/" + std::to_string(a_.pid()) + "/mem").c_str(), O_RDONLY | O_CLOEXEC)))
    GTEST_SKIP() << "this machine lets nobody read another process's memory";
  const auto key = [&](const std::string& command) { return *Secret::parse(a_.sh(command + " | tr -d '\\n'")); };
  const auto own = key("wg show wg1 private-key");
  const auto shared = key("wg genpsk | tee /run/shared"), of_a_guest = key("wg genpsk | tee /run/of-a-guest");
  const auto guest = a_.sh("wg genkey | wg pubkey | tr -d '\\n'");
  a_.set("peer " + guest + " preshared-key /run/of-a-guest");
  for (auto* node : {&a_, &b_})
    node->set("peer " + (node == &a_ ? b_ : a_).public_key() + " preshared-key /run/shared");
  ASSERT_TRUE(reaches(a_, b_.inner()));
  a_.sh("wg showconf wg1 > /dev/null");

  const auto copies = [&](const Secret& secret) {
    const auto& bytes = secret.bytes();
    return copies_in_memory(a_.pid(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  const auto as_text = [&](const Secret& secret) { return copies_in_memory(a_.pid(), secret.reveal_hex()); };
  for (const auto* secret : {&own, &shared, &of_a_guest}) {
    EXPECT_GT(copies(*secret), 0) << "else this test finds nothing";
    EXPECT_EQ(as_text(*secret), 0) << "of what came and went by the UAPI";
  }
  a_.set("private-key /dev/null peer " + b_.public_key() + " preshared-key /dev/null peer " + guest + " remove");
  for (const auto* secret : {&own, &shared, &of_a_guest}) {
    EXPECT_TRUE(eventually([&] { return copies(*secret) == 0 && as_text(*secret) == 0; }, std::chrono::seconds(10)))
        << copies(*secret) << " left of " << (secret == &own ? "the private key" : secret == &shared ? "a preshared key" : "a guest's");
  }
}

TEST_F(WireDevice, ASetThatFailsChangesNothing) {
  a_.sh("wg set wg1 fwmark 7");
  const auto before = a_.sh("wg showconf wg1");
  Fd taken;
  a_.inside([&] {
    taken = Fd(::socket(AF_INET, SOCK_DGRAM, 0));
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(9999);
    ASSERT_EQ(::bind(taken.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  });
  const auto refused = run_process({"ip", "netns", "exec", "n1", "wg", "set", "wg1", "fwmark", "8", "listen-port", "9999",
                                    "peer", b_.public_key(), "allowed-ips", "192.0.2.0/24"});
  EXPECT_FALSE(refused->ok());
  EXPECT_THAT(refused->err, HasSubstr("Address already in use"));
  EXPECT_EQ(a_.sh("wg showconf wg1"), before);

  Uapi uapi("wg1");
  EXPECT_EQ(uapi.ask("set=1\nlisten_port=1234\nfwmark=9\npublic_key=nonsense\n\n"), "errno=-22\n\n");
  EXPECT_EQ(a_.sh("wg showconf wg1"), before);
  EXPECT_TRUE(reaches(a_, b_.inner()));
}

TEST_F(WireDevice, WgReadsWritesAndSynchronisesConfigurations) {
  const std::string config = "[Interface]\nListenPort = 4000\nFwMark = 0x5\nPrivateKey = "
                             "WEmlPpnwqQTPiMuBe2jOlHTzQqBAbh1V8jmpjFMIa0I=\n\n"
                             "[Peer]\nPublicKey = " + b_.public_key() +
                             "\nPresharedKey = 3VLo5xSrLMgWXHIcRQBBXB3NPVXWCeiCCuGjcyDYzNg=\n"
                             "AllowedIPs = 10.1.0.0/16, fd01::/32, 10.2.0.0/24\nEndpoint = [fe80::1%eth]:7\n"
                             "PersistentKeepalive = 13\n";
  std::ofstream("/run/one.conf") << config;
  a_.sh("wg setconf wg1 /run/one.conf");
  const auto shown = a_.sh("wg showconf wg1");
  for (const auto* part : {"ListenPort = 4000", "FwMark = 0x5", "WEmlPpnwqQTPiMuBe2jOlHTzQqBAbh1V8jmpjFMIa0I=",
                           "3VLo5xSrLMgWXHIcRQBBXB3NPVXWCeiCCuGjcyDYzNg=", "10.1.0.0/16", "fd01::/32", "10.2.0.0/24",
                           "PersistentKeepalive = 13"})
    EXPECT_THAT(shown, HasSubstr(part));
  EXPECT_THAT(a_.sh("wg show wg1 endpoints"), HasSubstr("[fe80::1%eth]:7"));

  // Synchronising leaves exactly what is in the file.
  const auto other = std::string(42, 'a') + "A=";
  std::ofstream("/run/two.conf") << "[Interface]\nPrivateKey = WEmlPpnwqQTPiMuBe2jOlHTzQqBAbh1V8jmpjFMIa0I=\n[Peer]\nPublicKey = "
                                 << b_.public_key() << "\nAllowedIPs = 10.3.0.0/16\n[Peer]\nPublicKey = " << other
                                 << "\nAllowedIPs = 10.4.0.0/16\n";
  a_.sh("wg syncconf wg1 /run/two.conf");
  const auto dump = a_.sh("wg show all dump");
  EXPECT_THAT(dump, HasSubstr("10.3.0.0/16"));
  EXPECT_THAT(dump, HasSubstr("10.4.0.0/16"));
  EXPECT_THAT(dump, Not(HasSubstr("10.1.0.0/16")));

  // A prefix belongs to one peer and moves silently.
  a_.set("peer " + other + " allowed-ips 10.3.0.0/16");
  EXPECT_THAT(a_.sh("wg show wg1 allowed-ips"), HasSubstr(b_.public_key() + "\t(none)"));
  a_.set("peer " + other + " remove");
  EXPECT_THAT(a_.sh("wg show wg1 peers"), Not(HasSubstr(other)));
}

TEST_F(WireDevice, SynchronisingKeepsTheSessionAndItsCounters) {
  ASSERT_TRUE(reaches(a_, b_.inner()));
  const auto handshakes = [](const WireNode& node) { return node.sh("wg show " + node.wire() + " latest-handshakes"); };
  const auto received = [&] { return std::stoull(a_.sh("wg show wg1 transfer | cut -f2")); };
  a_.sh("ping -q -c 20 -i 0.01 -s 1300 " + b_.inner() + " || true");
  const auto before = received();
  ASSERT_GT(before, 20'000U);
  const auto of_a = handshakes(a_), of_b = handshakes(b_);
  Uapi watcher("wg2");
  ASSERT_EQ(watcher.ask("radial_watch=1\n\n"), "errno=0\n\n");

  // Another mark, another peer, another prefix and another keepalive of the same one.
  a_.sh("wg showconf wg1 > /run/now.conf; sed -i 's/^AllowedIPs = .*/&, 10.8.0.0\\/16\\nPersistentKeepalive = 20/; "
        "s/^ListenPort.*/&\\nFwMark = 0x9/' /run/now.conf; printf '[Peer]\\nPublicKey = " + std::string(42, 'a') +
        "A=\\nAllowedIPs = 10.4.0.0/16\\n' >> /run/now.conf; wg syncconf wg1 /run/now.conf");
  EXPECT_THAT(a_.sh("wg show wg1 allowed-ips"), testing::AllOf(HasSubstr("10.8.0.0/16"), HasSubstr("10.4.0.0/16")));
  EXPECT_THAT(a_.sh("wg show wg1 fwmark"), HasSubstr("0x9"));
  EXPECT_GE(received(), before) << "of the first peer, who stands first";
  EXPECT_THAT(handshakes(a_), HasSubstr(of_a.substr(0, of_a.find('\n'))));
  EXPECT_TRUE(reaches(a_, b_.inner()));
  EXPECT_TRUE(reaches(b_, a_.inner()));
  EXPECT_THAT(handshakes(a_), HasSubstr(of_a.substr(0, of_a.find('\n'))));
  EXPECT_EQ(handshakes(b_), of_b);
  // A new session would have been told of before this.
  a_.sh("ip addr del 10.9.0.1/24 dev eth; ip addr add 10.9.0.77/24 dev eth");
  ASSERT_TRUE(reaches(a_, b_.inner()));
  EXPECT_THAT(watcher.ask(""), HasSubstr("event=endpoint\n"));
}

TEST_F(WireDevice, OnePrefixCanBeTakenFromAPeer) {
  Uapi uapi("wg1");
  const auto key = [&] {
    const auto get = uapi.ask("get=1\n\n");
    const auto at = get.find("public_key=") + 11;
    return get.substr(at, 64);
  }();
  EXPECT_EQ(uapi.ask("set=1\npublic_key=" + key + "\nupdate_only=true\nallowed_ip=-10.0.0.2/32\n\n"), "errno=0\n\n");
  EXPECT_THAT(a_.sh("wg show wg1 allowed-ips"), Not(HasSubstr("10.0.0.2/32")));
  EXPECT_THAT(a_.sh("wg show wg1 allowed-ips"), HasSubstr("fd00::2/128"));
  EXPECT_FALSE(a_.pings(b_.inner()));
  EXPECT_TRUE(reaches(a_, b_.inner(6)));
}

TEST_F(WireDevice, EventsArePushedAndCountersShown) {
  Uapi watcher("wg2");
  EXPECT_EQ(watcher.ask("radial_watch=1\n\n"), "errno=0\n\n");
  ASSERT_TRUE(reaches(a_, b_.inner()));
  EXPECT_THAT(watcher.ask(""), HasSubstr("event=handshake\npublic_key="));
  a_.sh("ip addr del 10.9.0.1/24 dev eth; ip addr add 10.9.0.77/24 dev eth");
  ASSERT_TRUE(reaches(a_, b_.inner()));
  for (std::string event; event.find("endpoint=10.9.0.77:51821") == std::string::npos;) event = watcher.ask("");
  Uapi uapi("wg1");
  EXPECT_THAT(uapi.ask("radial_get=1\n\n"), testing::ContainsRegex("radial_rx_packets=[1-9]"));
  // What the source filter drops is pushed within seconds, with the counters.
  a_.sh("ip addr add 10.0.0.66/32 dev wg1; ping -c 3 -i 0.2 -W 1 -I 10.0.0.66 " + b_.inner() + " || true");
  std::string counters;
  while (!counters.starts_with("event=counters\n")) counters = watcher.ask("");
  EXPECT_THAT(counters, testing::ContainsRegex("radial_rx_bad_source=[1-3]\n"));
}

TEST_F(WireDevice, TenThousandPeersAreSetAndShownAndOneOfThemIsAlive) {
  constexpr int peers = 10'000;
  ASSERT_TRUE(reaches(a_, b_.inner()));
  a_.sh("wg showconf wg1 > /run/few.conf; cp /run/few.conf /run/many.conf; echo >> /run/many.conf");
  std::ofstream config("/run/many.conf", std::ios::app);
  const auto key_of = [](int i) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string key(42, 'b');
    for (std::size_t at = 0; at < 4; ++at, i /= 64) key[at] = digits[i % 64];
    return key + "A=";
  };
  for (int i = 0; i < peers; ++i)
    config << "[Peer]\nPublicKey = " << key_of(i) << "\nAllowedIPs = 10." << 100 + i / 256 << "." << i % 256
           << ".0/24, fd77:" << std::hex << i << std::dec << "::/48\n";
  config.close();
  const auto begin = std::chrono::steady_clock::now();
  a_.sh("wg setconf wg1 /run/many.conf");
  EXPECT_EQ(a_.sh("wg show wg1 peers | wc -l"), std::to_string(peers + 1) + "\n");
  EXPECT_EQ(a_.sh("wg show wg1 allowed-ips | tr '\\t ' '\\n\\n' | grep -cE '/(24|48)$'"), std::to_string(peers * 2) + "\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  EXPECT_TRUE(reaches(a_, b_.inner()));
  EXPECT_NO_THROW(check_tcp(b_, a_, 4, 3'000'000, 5));
  const auto status = slurp("/proc/" + std::to_string(a_.pid()) + "/status");
  const auto resident = std::stol(status.substr(status.find("VmRSS:") + 6));
  if (!sanitized) { EXPECT_LT(resident, 80'000) << "kB"; }  // sanitizers keep a record of all memory beside it
  // All but the one that is alive go.
  a_.sh("wg syncconf wg1 /run/few.conf");
  EXPECT_EQ(a_.sh("wg show wg1 peers"), b_.public_key() + "\n");
  EXPECT_TRUE(reaches(a_, b_.inner()));
}

// A third node, which like b is a peer of a's, and sockets that are in groups.
class WireMulticast : public WireDevice {
 protected:
  WireMulticast() {
    c_.start();
    c_.up();
    a_.add_peer(c_);
    c_.add_peer(a_);
  }
  static void ask_for_multicast(const WireNode& node) {
    EXPECT_EQ(Uapi(node.wire()).ask("set=1\nradial_multicast=true\n\n"), "errno=0\n\n");
  }

  static sockaddr_storage name_of(const std::string& address) {
    sockaddr_storage name{};
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&name);
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&name);
    if (::inet_pton(AF_INET, address.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(5555);
    } else {
      EXPECT_EQ(::inet_pton(AF_INET6, address.c_str(), &v6->sin6_addr), 1) << address;
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(5555);
    }
    return name;
  }
  static int index_of(const WireNode& node) { return std::stoi(node.sh("cat /sys/class/net/" + node.wire() + "/ifindex")); }

  // A socket of the node that is in the group on its wire.
  static Fd member(const WireNode& node, const std::string& group) {
    Fd socket;
    auto name = name_of(group);
    const int index = index_of(node);
    node.inside([&] {
      socket = Fd(::socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      if (name.ss_family == AF_INET) {
        ip_mreqn request{};
        request.imr_multiaddr = reinterpret_cast<const sockaddr_in&>(name).sin_addr;
        request.imr_ifindex = index;
        ASSERT_EQ(::setsockopt(socket.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request), 0);
      } else {
        ipv6_mreq request{};
        request.ipv6mr_multiaddr = reinterpret_cast<const sockaddr_in6&>(name).sin6_addr;
        request.ipv6mr_interface = static_cast<unsigned>(index);
        ASSERT_EQ(::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof request), 0);
        reinterpret_cast<sockaddr_in6&>(name).sin6_scope_id = static_cast<unsigned>(index);
      }
      ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    });
    return socket;
  }
  static void say(const WireNode& node, const std::string& group, const std::string& source) {
    auto name = name_of(group), own = name_of(source);
    reinterpret_cast<sockaddr_in&>(own).sin_port = 0;  // where IPv6's is, too
    const int index = index_of(node);
    node.inside([&] {
      const Fd socket(::socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      ASSERT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
      if (name.ss_family == AF_INET) {
        ip_mreqn out{};
        out.imr_ifindex = index;
        ASSERT_EQ(::setsockopt(socket.get(), IPPROTO_IP, IP_MULTICAST_IF, &out, sizeof out), 0);
      } else {
        ASSERT_EQ(::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index), 0);
      }
      ASSERT_EQ(::sendto(socket.get(), "hello", 5, 0, reinterpret_cast<const sockaddr*>(&name), sizeof name), 5);
    });
  }
  static bool heard(const Fd& socket, std::chrono::milliseconds limit = std::chrono::milliseconds(1500)) {
    char bytes[16];
    return eventually([&] { return ::recv(socket.get(), bytes, sizeof bytes, MSG_DONTWAIT) == 5; }, limit);
  }

  WireNode c_{pair_.around, 3, radial_wire()};
};

TEST_F(WireMulticast, OfTheLinkReachesEveryLivePeerWhenAskedFor) {
  ASSERT_TRUE(reaches(a_, b_.inner()));
  ASSERT_TRUE(reaches(a_, c_.inner()));
  const std::string group = "224.0.0.5";
  const Fd at_b = member(b_, group);
  const Fd at_c = member(c_, group);
  say(a_, group, a_.inner());
  EXPECT_FALSE(heard(at_b)) << "not asked for";
  ask_for_multicast(a_);
  EXPECT_TRUE(eventually([&] {
    say(a_, group, a_.inner());
    return heard(at_b) && heard(at_c);
  }, patience));

  // The other way: the source filter binds what comes by multicast too.
  const Fd at_a = member(a_, group);
  ask_for_multicast(c_);
  EXPECT_TRUE(eventually([&] {
    say(c_, group, c_.inner());
    return heard(at_a);
  }, patience));
  while (heard(at_a)) {
  }
  c_.sh("ip addr add 10.0.0.66/32 dev wg3");
  for (int i = 0; i < 3; ++i) say(c_, group, "10.0.0.66");
  EXPECT_FALSE(heard(at_a)) << "10.0.0.66 is not c's";
  EXPECT_THAT(Uapi("wg1").ask("radial_get=1\n\n"), testing::ContainsRegex("radial_rx_bad_source=[1-9]"));
}

// 224.0.0.0/24 and ff02::/16, and nothing wider.
TEST_F(WireMulticast, OnlyThatOfTheLinkIsCopied) {
  ASSERT_TRUE(reaches(a_, b_.inner()));
  ASSERT_TRUE(reaches(a_, c_.inner()));
  ask_for_multicast(a_);
  for (const std::string group : {"224.0.0.5", "224.0.0.255", "ff02::5", "ff02::1:ff00:77"}) {
    const auto source = group.front() == '2' ? a_.inner() : a_.inner(6);
    const Fd at_b = member(b_, group);
    const Fd at_c = member(c_, group);
    EXPECT_TRUE(eventually([&] {
      say(a_, group, source);
      return heard(at_b) && heard(at_c);
    }, patience)) << group;
  }
  for (const std::string group : {"224.0.1.5", "224.1.0.5", "239.0.0.5", "ff05::5", "ff0e::5"}) {
    const auto source = group.front() == '2' ? a_.inner() : a_.inner(6);
    const Fd at_b = member(b_, group);
    for (int i = 0; i < 3; ++i) say(a_, group, source);
    EXPECT_FALSE(heard(at_b, std::chrono::milliseconds(300))) << group;
  }
}

// What a peer sends to everybody is the host's to hear, and nobody else's.
TEST_F(WireMulticast, NothingIsCopiedFromPeerToPeer) {
  ask_for_multicast(a_);
  ask_for_multicast(c_);
  // The source filter of b would not be what keeps it out.
  b_.set("peer " + a_.public_key() + " allowed-ips 10.0.0.0/24,fd00::/64");
  ASSERT_TRUE(reaches(a_, b_.inner()));
  ASSERT_TRUE(reaches(a_, c_.inner()));
  for (const std::string group : {"224.0.0.5", "ff02::5"}) {
    const int family = group.front() == '2' ? 4 : 6;
    const Fd at_a = member(a_, group);
    const Fd at_b = member(b_, group);
    EXPECT_TRUE(eventually([&] {
      say(c_, group, c_.inner(family));
      return heard(at_a);
    }, patience)) << group;
    EXPECT_FALSE(heard(at_b)) << group;
    EXPECT_TRUE(eventually([&] {
      say(a_, group, a_.inner(family));
      return heard(at_b);
    }, patience)) << group << " of a itself";
  }
}

TEST_F(WireDevice, HandshakesAndRoamingArePushedToWhoeverWatches) {
  Uapi watcher("wg1");
  ASSERT_EQ(watcher.ask("radial_watch=1\n\n"), "errno=0\n\n");
  const auto heard = [&](const std::string& event, const std::string& more) {
    for (;;) {  // ask() throws when nothing comes
      const auto block = watcher.ask("");
      if (block.starts_with("event=" + event + "\npublic_key=") && block.find(more) != std::string::npos) return true;
    }
  };
  ASSERT_TRUE(reaches(a_, b_.inner()));
  EXPECT_TRUE(heard("handshake", "endpoint=" + b_.endpoint()));
  b_.set("listen-port 4444");
  ASSERT_TRUE(reaches(b_, a_.inner()));
  EXPECT_TRUE(heard("endpoint", "endpoint=" + b_.outer() + ":4444"));
}

// RFC 6040: what the network says by the outer header reaches the inner one,
// if the inner one can hear it.
TEST_F(WireDevice, CongestionMarksOfTheUnderlayReachThePacketsInside) {
  ASSERT_TRUE(reaches(a_, b_.inner()));
  a_.sh("nft 'add table ip marking; add chain ip marking out { type filter hook output priority 0; }; add rule ip marking out udp dport 51822 ip ecn set ce'");
  for (const auto& [sent, expected] : {std::pair{0, 0}, std::pair{2, 3}, std::pair{1, 3}, std::pair{3, 3}}) {
    Fd listener;
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(6000);
    name.sin_addr.s_addr = htonl(0x0a000002);
    b_.inside([&] {
      listener = Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      const int on = 1;
      ::setsockopt(listener.get(), IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
      ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    });
    a_.inside([&, tos = sent] {
      const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      ::setsockopt(socket.get(), IPPROTO_IP, IP_TOS, &tos, sizeof tos);
      ASSERT_EQ(::sendto(socket.get(), "x", 1, 0, reinterpret_cast<sockaddr*>(&name), sizeof name), 1);
    });
    char byte = 0;
    iovec data{&byte, 1};
    std::array<char, 64> control{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ASSERT_TRUE(eventually([&] { return ::recvmsg(listener.get(), &message, MSG_DONTWAIT) == 1; }, patience));
    const cmsghdr* const tos = CMSG_FIRSTHDR(&message);
    ASSERT_NE(tos, nullptr);
    EXPECT_EQ(*CMSG_DATA(tos) & 3, expected) << "sent with " << sent;
  }
}

TEST(WireProgram, DescriptorsOfAnotherProgramAreTakenOver) {
  const PrivateNamespace around;
  Fd tun(::open("/dev/net/tun", O_RDWR));
  ifreq request{};
  std::string("given0").copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  ASSERT_EQ(::ioctl(tun.get(), TUNSETIFF, &request), 0);
  Fd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  std::string("/run/wireguard/given0.sock").copy(name.sun_path, sizeof name.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
  ASSERT_EQ(::listen(listener.get(), 5), 0);
  around.sh("WG_TUN_FD=" + std::to_string(tun.get()) + " WG_UAPI_FD=" + std::to_string(listener.get()) + " " +
            radial_wire().path + " given0 > /dev/null 2>&1");
  tun.reset();
  listener.reset();
  struct End {
    ~End() { static_cast<void>(run_process({"ip", "link", "del", "given0"})); }
  } const end;  // the program ends with its device, also when an expectation fails
  EXPECT_THAT(run_process({"wg", "show"}, std::chrono::seconds(10))->out, HasSubstr("given0"));
  around.sh("ip link set given0 up; wg set given0 listen-port 777");
  EXPECT_TRUE(eventually([&] { return around.sh("ss -Hlun 'sport = 777' | wc -l") == "2\n"; }, patience));
  around.sh("ip link del given0");
  EXPECT_TRUE(eventually([] { return !std::filesystem::exists("/run/wireguard/given0.sock"); }, patience));
}

// The program in the foreground, as a child of the test.
class Foreground {
 public:
  explicit Foreground(const std::string& wire) : wire_(wire) {
    const auto path = radial_wire().path;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::execl(path.c_str(), path.c_str(), "-f", wire.c_str(), nullptr);
      ::_exit(127);
    }
  }
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;
  ~Foreground() {
    if (ended()) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, &status_, 0);
  }
  [[nodiscard]] bool serves() const {
    return eventually([&] { return run_process({"wg", "show", wire_})->ok(); }, patience);
  }
  void signal(int number) const { ::kill(pid_, number); }
  [[nodiscard]] bool ended() {
    over_ = over_ || ::waitpid(pid_, &status_, WNOHANG) == pid_;
    return over_;
  }
  // Waits for its end; -1: a signal killed it, or it goes on.
  [[nodiscard]] int exit_code() {
    return eventually([&] { return ended(); }, patience) && WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
  }

 private:
  std::string wire_;
  pid_t pid_ = -1;
  int status_ = -1;
  bool over_ = false;
};

TEST(WireProgram, InTheForegroundItEndsWellOnSigtermAndSigintAndIgnoresSighup) {
  const PrivateNamespace around;
  for (const int number : {SIGTERM, SIGINT}) {
    Foreground program("front0");
    ASSERT_TRUE(program.serves());
    program.signal(SIGHUP);
    for (int i = 0; i < 5; ++i) EXPECT_NO_THROW(around.sh("wg set front0 fwmark " + std::to_string(i + 1)));
    EXPECT_FALSE(program.ended());
    program.signal(number);
    EXPECT_EQ(program.exit_code(), 0) << number;
    EXPECT_TRUE(eventually([] { return !std::filesystem::exists("/run/wireguard/front0.sock"); }, patience));
    EXPECT_THAT(around.sh("ip -br link"), Not(HasSubstr("front0")));
  }
}

TEST(WireProgram, AnInterfaceThatIsServedAlreadyIsLeftAlone) {
  for (const std::string queues : {"RADIAL_WIRE_QUEUES=1", "RADIAL_WIRE_QUEUES=4"}) {
    WirePair pair(radial_wire(queues), radial_wire());
    ASSERT_TRUE(reaches(pair.a, pair.b.inner()));
    pair.a.sh("ip link set wg1 mtu 1333");
    for (int i = 0; i < 3; ++i) {
      const auto second = run_process({"ip", "netns", "exec", "n1", "env", queues, radial_wire().path, "wg1"});
      EXPECT_EQ(second->exit_code, 1);
      EXPECT_THAT(second->err, HasSubstr("wg1")) << queues;
    }
    EXPECT_EQ(pair.a.sh("cat /sys/class/net/wg1/mtu"), "1333\n") << queues;
    EXPECT_THAT(pair.a.sh("wg show wg1"), HasSubstr(pair.b.public_key()));
    EXPECT_TRUE(reaches(pair.a, pair.b.inner()));
    EXPECT_TRUE(pair.a.running());
  }
}

TEST(WireProgram, ErrorsReachWhoeverStartedIt) {
  const PrivateNamespace around;
  const auto start = [](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), radial_wire().path);
    return *run_process(arguments);
  };
  EXPECT_EQ(start({}).exit_code, 1);
  EXPECT_EQ(start({"a", "b"}).exit_code, 1);
  EXPECT_THAT(start({"--version"}).out, HasSubstr("radial-wire"));
  const auto twice = start({"lo"});
  EXPECT_EQ(twice.exit_code, 1);
  EXPECT_THAT(twice.err, HasSubstr("lo"));
  const auto too_long = start({"a-name-of-more-than-15"});
  EXPECT_EQ(too_long.exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists("/run/wireguard/lo.sock"));
  // Descriptors that are none, or not what they should be, in front and in the background.
  for (const std::string given : {"WG_TUN_FD=99", "WG_TUN_FD=0", "WG_TUN_FD=tun", "WG_TUN_FD=-1", "WG_UAPI_FD=99", "WG_UAPI_FD=0x3"}) {
    for (const std::string where : {"--foreground", "bad0"}) {
      std::vector<std::string> command{"env", given, radial_wire().path};
      if (where != "bad0") command.push_back(where);
      command.push_back("bad0");
      const auto result = run_process(command, std::chrono::seconds(10));
      ASSERT_TRUE(result) << given << ": it serves";
      EXPECT_EQ(result->exit_code, 1) << given << " " << where;
      EXPECT_THAT(result->err, HasSubstr("radial-wire: ")) << given << " " << where;
      EXPECT_FALSE(std::filesystem::exists("/run/wireguard/bad0.sock")) << given;
      EXPECT_THAT(around.sh("ip -br link"), Not(HasSubstr("bad0"))) << given;
    }
  }
}

}  // namespace
}  // namespace radial::test
