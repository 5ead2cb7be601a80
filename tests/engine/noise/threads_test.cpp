// Data threads against the slow path: sessions renewed, prefixes moved, peers
// removed and added while packets flow. What matters is that ThreadSanitizer
// and AddressSanitizer find nothing, and that nothing wrong is delivered.
#include <atomic>
#include <deque>
#include <thread>

#include <gtest/gtest.h>

#include "world.h"

namespace radial::engine::world {
namespace {

TEST(Epochs, AnObjectLivesAsLongAsASectionThatMayHoldIt) {
  EpochDomain domain;
  EpochDomain::Reader one(domain);
  EpochDomain::Reader two(domain);
  bool first_freed = false;
  bool second_freed = false;
  {
    const auto section = one.enter();
    domain.retire([&] { first_freed = true; });
    const auto later = two.enter();
    domain.retire([&] { second_freed = true; });
    domain.collect();
    EXPECT_FALSE(first_freed);
  }
  domain.collect();
  EXPECT_TRUE(first_freed);
  EXPECT_TRUE(second_freed);
}

TEST(Epochs, ALateSectionDoesNotHoldWhatWasRetiredBefore) {
  EpochDomain domain;
  EpochDomain::Reader reader(domain);
  bool freed = false;
  domain.retire([&] { freed = true; });
  const auto section = reader.enter();
  domain.collect();
  EXPECT_TRUE(freed);
}

TEST(Epochs, TheDomainFreesTheRest) {
  bool freed = false;
  {
    EpochDomain domain;
    domain.retire([&] { freed = true; });
  }
  EXPECT_TRUE(freed);
}

// A queue between the two engines; bounded, so that it also loses packets.
class Pipe {
 public:
  void push(Buffer bytes) {
    const std::lock_guard lock(mutex_);
    if (queue_.size() < 256) queue_.push_back(std::move(bytes));
  }
  std::vector<Buffer> take() {
    const std::lock_guard lock(mutex_);
    std::vector<Buffer> all(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
    queue_.clear();
    return all;
  }

 private:
  std::mutex mutex_;
  std::deque<Buffer> queue_;
};

class Host {
 public:
  Host(int number, const ProtocolLimits& limits) : device({limits, system_entropy()}), number_(number) {}

  // The clock runs ten times as fast, so that sessions come and go; not faster,
  // or on a busy machine an answer takes longer than rekey_timeout.
  static Now now() {
    const auto real = std::chrono::steady_clock::now().time_since_epoch();
    return {Instant(real * 10), WallTime(real * 10)};
  }
  [[nodiscard]] UdpPath address() const {
    return UdpPath::to(IpAddress::from_v4(0xc0000200U + static_cast<std::uint32_t>(number_)), 1);
  }
  [[nodiscard]] Secret secret() const { return test_key(static_cast<std::uint8_t>(number_)); }
  [[nodiscard]] IpAddress inner(std::uint32_t low) const {
    return IpAddress::from_v4(0x0a000000U + (static_cast<std::uint32_t>(number_) << 16U) + low);
  }

  void flush(Actions& actions, Pipe& out) const {
    for (auto& datagram : actions.datagrams) out.push(std::move(datagram.bytes));
    actions.clear();
  }

  Device device;
  Pipe inbox;
  std::atomic<std::uint64_t> delivered{0}, wrong{0};

 private:
  int number_;
};

PeerChange describe(const Host& host) {
  PeerChange change;
  change.key = x25519_public(host.secret());
  change.endpoint = host.address();
  change.allowed_ips.push_back({Prefix::of(host.inner(0), 16)});
  return change;
}

void start(Host& host, const Host& other) {
  Actions actions;
  DeviceChange change;
  change.private_key = host.secret();
  change.peers.push_back(describe(other));
  host.device.configure(std::move(change), Host::now(), actions);
  host.device.up(Host::now(), actions);
}

void send_some(DataPath& path, Host& host, Host& other, std::uint32_t& number, Actions& actions) {
  constexpr std::size_t count = 16;
  std::array<Buffer, count> messages;
  std::array<Outbound, count> batch{};
  const auto section = path.enter();
  for (std::size_t i = 0; i < count; ++i, ++number) {
    const auto packet = make_packet(host.inner(1 + number % 7), other.inner(1 + number % 5), number, 60 + number % 900);
    messages[i].assign(data::header_size, 0);
    messages[i].insert(messages[i].end(), packet.begin(), packet.end());
    messages[i].resize(messages[i].size() + 32);
    batch[i].peer = path.route(packet);
    batch[i].message = messages[i].data();
    batch[i].length = static_cast<std::uint32_t>(packet.size());
  }
  path.seal(batch, Host::now(), actions);
  for (std::size_t i = 0; i < count; ++i) {
    if (batch[i].verdict != Outbound::Verdict::sealed) continue;
    messages[i].resize(batch[i].message_length);
    other.inbox.push(std::move(messages[i]));
  }
}

void receive_some(DataPath& path, Host& host, const Host& other, Actions& actions) {
  auto messages = host.inbox.take();
  std::vector<Inbound> batch(messages.size());
  const auto from = other.address();
  std::vector<std::size_t> handshakes;
  {
    const auto section = path.enter();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      batch[i].message = messages[i].data();
      batch[i].length = static_cast<std::uint32_t>(messages[i].size());
      batch[i].from = &from;
    }
    path.open(batch, Host::now(), actions);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (batch[i].verdict == Inbound::Verdict::handshake) handshakes.push_back(i);
      if (batch[i].verdict != Inbound::Verdict::deliver) continue;
      const auto inner = batch[i].inner;
      const auto source = IpAddress::from_bytes(inner.subspan(12, 4));
      const auto target = IpAddress::from_bytes(inner.subspan(16, 4));
      const auto expected = make_packet(source, target, number_of(inner), inner.size());
      std::equal(inner.begin(), inner.end(), expected.begin(), expected.end()) ? ++host.delivered : ++host.wrong;
    }
  }
  for (const auto i : handshakes) host.device.receive_handshake(messages[i], from, false, Host::now(), actions);
}

TEST(Threads, DataFlowsWhileEverythingChanges) {
  ProtocolLimits limits;
  limits.rekey_after_messages = 2000;
  Host one(1, limits);
  Host two(2, limits);
  start(one, two);
  start(two, one);

  std::atomic<bool> stop{false};
  const auto data_thread = [&stop](Host& host, Host& other) {
    DataPath path(host.device, make_best_aead());
    std::uint32_t number = 0;
    Actions actions;
    while (!stop) {
      send_some(path, host, other, number, actions);
      receive_some(path, host, other, actions);
      host.flush(actions, other.inbox);
    }
    path.idle();
  };
  const auto slow_thread = [&stop](Host& host, Host& other) {
    Actions actions;
    for (int round = 0; !stop; ++round) {
      host.device.poll(Host::now(), actions);
      DeviceChange change;
      auto& peer = change.peers.emplace_back();
      peer.key = x25519_public(other.secret());
      peer.allowed_ips.push_back({Prefix::of(other.inner(static_cast<std::uint32_t>(round % 5)), 32), round % 2 == 1});
      if (round % 64 == 63) {
        peer.remove = true;
        change.peers.push_back(describe(other));
      }
      host.device.configure(std::move(change), Host::now(), actions);
      EXPECT_EQ(host.device.status().peers.size(), 1U);
      host.flush(actions, other.inbox);
      (void)host.device.next_poll(Host::now().boot);
      std::this_thread::yield();
    }
  };

  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back(data_thread, std::ref(one), std::ref(two));
    threads.emplace_back(data_thread, std::ref(two), std::ref(one));
  }
  threads.emplace_back(slow_thread, std::ref(one), std::ref(two));
  threads.emplace_back(slow_thread, std::ref(two), std::ref(one));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while ((one.delivered < 5000 || two.delivered < 5000) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  stop = true;
  for (auto& thread : threads) thread.join();
  EXPECT_GE(one.delivered, 5000U);
  EXPECT_GE(two.delivered, 5000U);
  EXPECT_EQ(one.wrong, 0U);
  EXPECT_EQ(two.wrong, 0U);
  Actions actions;
  one.device.poll(Host::now(), actions);
  EXPECT_EQ(one.device.epochs().pending(), 0U);
}

}  // namespace
}  // namespace radial::engine::world
