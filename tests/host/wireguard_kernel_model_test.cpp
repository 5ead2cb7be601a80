// The kernel side of WireGuard against a model of the kernel: what is encoded
// is what is decoded, whatever the number and the size of messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_wireguard_kernel.h"
#include "host/wg_kernel.h"

namespace radial::host {
namespace {

struct Machine {
  std::shared_ptr<FakeWireGuardKernel::State> kernel = std::make_shared<FakeWireGuardKernel::State>();
  std::unique_ptr<WireGuard> wireguard;

  explicit Machine(std::size_t message_limit = wg_message_limit)
      : wireguard(make_kernel_wireguard(NetlinkSocket(std::make_unique<FakeWireGuardKernel>(kernel)), fake_family,
                                        message_limit)) {}
};

void expect_same(const ObservedWire& seen, const ObservedWire& model) {
  EXPECT_EQ(seen.interface, model.interface);
  EXPECT_EQ(seen.public_key, model.public_key);
  EXPECT_EQ(seen.listen_port, model.listen_port);
  EXPECT_EQ(seen.fwmark, model.fwmark);
  ASSERT_EQ(seen.peers.size(), model.peers.size());
  for (std::size_t i = 0; i < seen.peers.size(); ++i) {
    EXPECT_EQ(seen.peers[i].public_key, model.peers[i].public_key);
    EXPECT_EQ(seen.peers[i].has_preshared_key, model.peers[i].has_preshared_key);
    EXPECT_EQ(seen.peers[i].preshared_digest, model.peers[i].preshared_digest);
    EXPECT_EQ(seen.peers[i].endpoint, model.peers[i].endpoint);
    EXPECT_EQ(seen.peers[i].keepalive, model.peers[i].keepalive);
    EXPECT_EQ(seen.peers[i].allowed_ips, model.peers[i].allowed_ips);
  }
}

// Message limit, whether the kernel can remove one prefix.
class KernelProperty : public testing::TestWithParam<std::tuple<std::size_t, bool>> {};

TEST_P(KernelProperty, WhatIsAppliedIsWhatIsObserved) {
  const auto [limit, knows_removal] = GetParam();
  Machine machine(limit);
  machine.kernel->knows_removal = knows_removal;
  std::mt19937 random(7);
  RandomWire source;
  for (int round = 0; round < 400; ++round) {
    machine.kernel->allowed_ips_a_message = 1 + random() % 12;
    machine.kernel->interrupted_dumps = static_cast<int>(random() % 3);
    const auto desired = source.draw(random);
    const auto before = machine.wireguard->observe("wg0");
    ASSERT_TRUE(before) << before.error().message;
    const auto status = machine.wireguard->apply(diff_wire(desired, *before));
    ASSERT_TRUE(status) << status.error().message;
    const auto after = machine.wireguard->observe("wg0");
    ASSERT_TRUE(after);
    expect_same(*after, machine.kernel->model.observe());
    ASSERT_TRUE(diff_wire(desired, *after).empty());
    ASSERT_EQ(machine.kernel->model.peers.size(), desired.peers.size()) << "a passing peer stayed";
    if (HasFailure()) return;
  }
  EXPECT_EQ(machine.wireguard->can_remove_one_prefix("wg0").value(), knows_removal);
  EXPECT_LE(*std::max_element(machine.kernel->set_sizes.begin(), machine.kernel->set_sizes.end()), limit);
}

INSTANTIATE_TEST_SUITE_P(SmallAndLargeMessages, KernelProperty,
                         testing::Combine(testing::Values(512, 700, wg_message_limit), testing::Bool()));

WireChange big_change(unsigned peers, unsigned prefixes) {
  WireChange change;
  change.interface = "wg0";
  for (unsigned number = 0; number < peers; ++number) {
    auto& peer = change.peers.emplace_back();
    peer.public_key = test_key(number);
    peer.add = true;
    for (unsigned i = 0; i < prefixes; ++i)
      peer.add_allowed_ips.push_back(Prefix::of(IpAddress::from_v4(0x0a000000 + ((number * prefixes + i) << 4U)), 28));
  }
  return change;
}

TEST(KernelWireGuard, ALargeDeviceTakesFewFullMessages) {
  Machine machine;
  machine.kernel->allowed_ips_a_message = 500;
  ASSERT_TRUE(machine.wireguard->apply(big_change(2000, 5)));
  EXPECT_EQ(machine.kernel->model.peers.size(), 2000U);
  EXPECT_EQ(machine.kernel->model.owners.size(), 10000U);
  std::size_t total = 0;
  for (const auto size : machine.kernel->set_sizes) {
    EXPECT_LE(size, wg_message_limit);
    total += size;
  }
  EXPECT_LE(machine.kernel->set_sizes.size(), total / wg_message_limit + 2) << "messages are not filled";
  const auto seen = machine.wireguard->observe("wg0");
  ASSERT_TRUE(seen);
  expect_same(*seen, machine.kernel->model.observe());
}

TEST(KernelWireGuard, AReplacedListThatIsSplitIsReplacedOnce) {
  Machine machine(512);
  const auto key = test_key(1);
  ASSERT_TRUE(machine.wireguard->apply(big_change(2, 3)));
  machine.kernel->set_peers.clear();
  WireChange change;
  change.interface = "wg0";
  auto& peer = change.peers.emplace_back();
  peer.public_key = key;
  peer.replace_allowed_ips.emplace();
  for (unsigned i = 0; i < 100; ++i)
    peer.replace_allowed_ips->push_back(Prefix::of(IpAddress::from_v4(0xc0000000 + (i << 8U)), 24));
  ASSERT_TRUE(machine.wireguard->apply(change));
  EXPECT_EQ(machine.kernel->model.observe().peers.at(1).allowed_ips, *peer.replace_allowed_ips);
  ASSERT_GT(machine.kernel->set_peers.size(), 2U);
  for (std::size_t i = 0; i < machine.kernel->set_peers.size(); ++i) {
    ASSERT_EQ(machine.kernel->set_peers[i].size(), 1U);
    EXPECT_EQ(machine.kernel->set_peers[i][0].second & WGPEER_F_REPLACE_ALLOWEDIPS,
              i == 0 ? static_cast<unsigned>(WGPEER_F_REPLACE_ALLOWEDIPS) : 0U);
    if (i > 0) {
      EXPECT_EQ(machine.kernel->set_peers[i][0].second, static_cast<unsigned>(WGPEER_F_UPDATE_ONLY));
    }
  }
}

TEST(KernelWireGuard, AMoveIsOneMessage) {
  Machine machine;
  ASSERT_TRUE(machine.wireguard->apply(big_change(10, 3)));
  machine.kernel->set_sizes.clear();
  WireChange change;
  change.interface = "wg0";
  auto& peer = change.peers.emplace_back();
  peer.public_key = test_key(9);
  peer.add_allowed_ips = {test_prefix("10.0.0.0/28")};
  ASSERT_TRUE(machine.wireguard->apply(change));
  EXPECT_EQ(machine.kernel->set_sizes.size(), 1U);
  EXPECT_EQ(machine.kernel->model.owners.at(test_prefix("10.0.0.0/28")), test_key(9));
}

TEST(KernelWireGuard, AnUpdateOfAPeerThatWentAwayDoesNotBringItBack) {
  Machine machine;
  WireChange change;
  change.interface = "wg0";
  auto& peer = change.peers.emplace_back();
  peer.public_key = test_key(1);
  peer.add_allowed_ips = {test_prefix("10.0.0.0/8")};
  ASSERT_TRUE(machine.wireguard->apply(change));
  EXPECT_TRUE(machine.kernel->model.peers.empty());
}

TEST(KernelWireGuard, AChangeOfNothingSendsNothing) {
  Machine machine;
  WireChange change;
  change.interface = "wg0";
  ASSERT_TRUE(machine.wireguard->apply(change));
  EXPECT_TRUE(machine.kernel->set_sizes.empty());
}

TEST(KernelWireGuard, ErrorsNameTheInterface) {
  Machine machine;
  const auto absent = machine.wireguard->observe("wg9");
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().code, Errc::not_found);
  EXPECT_THAT(absent.error().message, testing::HasSubstr("wg9"));

  machine.kernel->refuse_sets_after = 1;
  const auto halfway = machine.wireguard->apply(big_change(2000, 5));
  ASSERT_FALSE(halfway);
  EXPECT_EQ(halfway.error().code, Errc::permission_denied);
  EXPECT_THAT(halfway.error().message, testing::HasSubstr("wg0"));

  EXPECT_EQ(machine.wireguard->observe("../../etc").error().code, Errc::invalid_argument);
}

TEST(WgDeviceDecoder, RefusesMalformedAnswers) {
  const auto read = [](const std::function<void(NetlinkMessage&)>& fill) {
    NetlinkMessage message(fake_family);
    message.put_header(genlmsghdr{WG_CMD_GET_DEVICE, 1, 0});
    fill(message);
    WgDeviceDecoder decoder;
    return decoder.read(*reinterpret_cast<const nlmsghdr*>(message.finish(1, 0).data()));
  };
  const auto read_peer = [&](const std::function<void(NetlinkMessage&)>& fill) {
    return read([&](NetlinkMessage& message) {
      const auto peers = message.begin_nest(WGDEVICE_A_PEERS);
      const auto peer = message.begin_nest(0);
      fill(message);
      message.end_nest(peer);
      message.end_nest(peers);
    });
  };
  const std::array<std::uint8_t, 32> key{7};
  EXPECT_TRUE(read_peer([&](auto& message) { message.put(WGPEER_A_PUBLIC_KEY, key); }));
  EXPECT_TRUE(read([](auto& message) { message.put_u32(200, 1); })) << "attributes of a newer kernel are passed over";
  EXPECT_FALSE(read([](auto& message) { message.put_u32(WGDEVICE_A_LISTEN_PORT, 1); }));
  EXPECT_FALSE(read([](auto& message) { message.put_u32(WGDEVICE_A_PUBLIC_KEY, 1); }));
  EXPECT_FALSE(read_peer([](auto& message) { message.put_u16(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 1); }));
  EXPECT_FALSE(read_peer([&](auto& message) {
    message.put(WGPEER_A_PUBLIC_KEY, key);
    message.put_u8(WGPEER_A_PRESHARED_KEY, 1);
  }));
  EXPECT_FALSE(read_peer([&](auto& message) {
    message.put(WGPEER_A_PUBLIC_KEY, key);
    const auto list = message.begin_nest(WGPEER_A_ALLOWEDIPS);
    const auto entry = message.begin_nest(0);
    message.put_u16(WGALLOWEDIP_A_FAMILY, AF_INET);
    message.put_u8(WGALLOWEDIP_A_CIDR_MASK, 33);
    message.put_u32(WGALLOWEDIP_A_IPADDR, 0);
    message.end_nest(entry);
    message.end_nest(list);
  }));
}

}  // namespace
}  // namespace radial::host
