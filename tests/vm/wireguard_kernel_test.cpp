// Radial's netlink client against the kernel's real WireGuard. Runs inside a
// virtual machine (run-in-vm), or on any machine whose kernel has WireGuard.
#include <algorithm>

#include <gmock/gmock.h>
#include <linux/genetlink.h>
#include <net/if.h>
#include <sys/utsname.h>

#include "host/netlink_attributes.h"
#include "host/wg_kernel.h"
#include "support/wireguard_semantics.h"

namespace radial::test {
namespace {

const Implementation kernel{"kernel", [] { return host::open_kernel_wireguard(); }};

INSTANTIATE_TEST_SUITE_P(Kernel, WireGuardSemantics, testing::Values(kernel), testing::PrintToStringParamName());

TEST(KernelWireGuard, IsChosenWhereItIsAndAskingLeavesNothing) {
  const PrivateNamespace space;
  const auto links = space.sh("ip link");
  const auto chosen = host::open_wireguard({"wireguard-go"});
  ASSERT_TRUE(chosen) << chosen.error().message;
  EXPECT_EQ((*chosen)->implementation(), "kernel");
  EXPECT_EQ(space.sh("ip link"), links);
}

// An upgraded machine may have both: what wireguard-go made is not the kernel's.
TEST(KernelWireGuard, LeavesAUserspaceWireAlone) {
  const PrivateNamespace space;
  auto userspace = host::open_userspace_wireguard("wireguard-go");
  const auto created = userspace->create("wg0");
  ASSERT_TRUE(created) << created.error().message;
  auto wireguard = host::open_kernel_wireguard().value();
  EXPECT_EQ(wireguard->observe("wg0").error().code, Errc::not_found);
  EXPECT_EQ(wireguard->remove("wg0").error().code, Errc::not_found);
  EXPECT_NE(::if_nametoindex("wg0"), 0U);
  ASSERT_TRUE(userspace->remove("wg0"));
}

TEST(KernelWireGuard, KnowsWhetherThisKernelRemovesOnePrefix) {
  const PrivateNamespace space;
  auto wireguard = host::open_kernel_wireguard().value();
  ASSERT_TRUE(wireguard->create("wg0"));
  utsname name{};
  ASSERT_EQ(::uname(&name), 0);
  int major = 0;
  int minor = 0;
  ASSERT_EQ(std::sscanf(name.release, "%d.%d", &major, &minor), 2);
  const auto can = wireguard->can_remove_one_prefix("wg0");
  ASSERT_TRUE(can) << can.error().message;
  EXPECT_EQ(*can, std::pair(major, minor) >= std::pair(6, 16)) << name.release;
  EXPECT_TRUE(wireguard->observe("wg0")->peers.empty());
}

// Changes the wire when the first part of a dump has been read.
class Interrupter final : public host::NetlinkTransport {
 public:
  Interrupter(std::function<void()> change, int& interrupted)
      : transport_(host::open_netlink_transport(NETLINK_GENERIC).value()), change_(std::move(change)),
        interrupted_(interrupted) {}

  Status send(std::span<const std::uint8_t> datagram) override { return transport_->send(datagram); }
  Status set_option(int option, bool on) override { return transport_->set_option(option, on); }
  Result<std::size_t> receive(std::span<std::uint8_t> buffer) override {
    auto got = transport_->receive(buffer);
    const auto& first = *reinterpret_cast<const nlmsghdr*>(buffer.data());
    if ((first.nlmsg_flags & NLM_F_DUMP_INTR) != 0) ++interrupted_;
    if ((first.nlmsg_flags & NLM_F_MULTI) != 0 && change_) std::exchange(change_, nullptr)();
    return got;
  }

 private:
  std::unique_ptr<host::NetlinkTransport> transport_;
  std::function<void()> change_;
  int& interrupted_;
};

std::uint16_t wireguard_family() {
  auto socket = host::NetlinkSocket::open(NETLINK_GENERIC).value();
  host::NetlinkMessage request(GENL_ID_CTRL);
  request.put_header(genlmsghdr{CTRL_CMD_GETFAMILY, 1, 0});
  request.put_string(CTRL_ATTR_FAMILY_NAME, "wireguard");
  std::uint16_t family = 0;
  EXPECT_TRUE(socket.request(request, [&](const nlmsghdr& message) -> Status {
    for (const auto& attribute : host::attributes_of(message, sizeof(genlmsghdr)))
      if (attribute.type == CTRL_ATTR_FAMILY_ID) family = attribute.value<std::uint16_t>().value();
    return {};
  }));
  return family;
}

TEST(KernelWireGuard, ReadsAgainWhatChangedWhileItWasRead) {
  const PrivateNamespace space;
  auto wireguard = host::open_kernel_wireguard().value();
  ASSERT_TRUE(wireguard->create("wg0"));
  host::WireChange change;
  change.interface = "wg0";
  for (unsigned number = 0; number < 600; ++number) {
    auto& peer = change.peers.emplace_back();
    peer.public_key = PrivateKey::generate().public_key();
    peer.add = true;
    for (unsigned i = 0; i < 5; ++i)
      peer.add_allowed_ips.push_back(Prefix::of(IpAddress::from_v4(0x0a000000 + ((number * 5 + i) << 8U)), 24));
  }
  ASSERT_TRUE(wireguard->apply(change));

  // From the first peer, which the dump has passed, to the last.
  host::PeerChange to;
  to.public_key = change.peers.back().public_key;
  to.add_allowed_ips = {change.peers.front().add_allowed_ips.front()};
  const auto move = [&] { EXPECT_TRUE(wireguard->apply({"wg0", nullptr, {}, {}, {}, {to}})); };
  int interrupted = 0;
  auto reader = host::make_kernel_wireguard(host::NetlinkSocket(std::make_unique<Interrupter>(move, interrupted)),
                                            wireguard_family());
  const auto seen = reader->observe("wg0");
  ASSERT_TRUE(seen) << seen.error().message;
  EXPECT_GT(interrupted, 0) << "the kernel did not say so: the dump was one message, or nothing changed";
  std::size_t all = 0;
  for (const auto& peer : seen->peers) {
    all += peer.allowed_ips.size();
    EXPECT_EQ(std::count(peer.allowed_ips.begin(), peer.allowed_ips.end(), to.add_allowed_ips.front()),
              peer.public_key == to.public_key ? 1 : 0);
  }
  EXPECT_EQ(seen->peers.size(), 600U);
  EXPECT_EQ(all, 3000U);
}

}  // namespace
}  // namespace radial::test
