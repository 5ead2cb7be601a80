#include "engine/allowedips/trie.h"

#include <atomic>
#include <map>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include "engine/noise/peer.h"

namespace radial::engine {
namespace {

Prefix prefix(std::string_view text) { return *Prefix::parse(text); }
IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

struct Table {
  EpochDomain epochs;
  AllowedIps table{epochs};
  std::vector<std::unique_ptr<Peer>> peers;

  explicit Table(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) peers.push_back(std::make_unique<Peer>(PublicKey()));
  }
  void insert(std::string_view text, std::size_t peer) {
    AllowedIps::Transaction change(table);
    change.insert(prefix(text), peers[peer].get());
    change.commit();
  }
  // The peer's number, or -1.
  [[nodiscard]] int find(std::string_view text) const { return number(table.lookup(address(text))); }
  [[nodiscard]] int number(const Peer* peer) const {
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (peers[i].get() == peer) return static_cast<int>(i);
    }
    return -1;
  }
};

TEST(AllowedIps, TheLongestMatchWins) {
  Table t(4);
  t.insert("10.0.0.0/8", 0);
  t.insert("10.20.0.0/16", 1);
  t.insert("10.20.30.0/24", 2);
  t.insert("10.20.30.40/32", 3);
  EXPECT_EQ(t.find("10.1.1.1"), 0);
  EXPECT_EQ(t.find("10.20.1.1"), 1);
  EXPECT_EQ(t.find("10.20.30.1"), 2);
  EXPECT_EQ(t.find("10.20.30.40"), 3);
  EXPECT_EQ(t.find("11.0.0.1"), -1);
}

TEST(AllowedIps, FamiliesAreApart) {
  Table t(2);
  t.insert("0.0.0.0/0", 0);
  EXPECT_EQ(t.find("192.0.2.1"), 0);
  EXPECT_EQ(t.find("2001:db8::1"), -1);
  t.insert("::/0", 1);
  EXPECT_EQ(t.find("2001:db8::1"), 1);
  EXPECT_EQ(t.find("::"), 1);
  EXPECT_EQ(t.find("0.0.0.0"), 0);
}

TEST(AllowedIps, Ipv6PrefixesOnBothSidesOfBit64) {
  Table t(5);
  t.insert("2001:db8::/63", 0);
  t.insert("2001:db8:0:1::/64", 1);
  t.insert("2001:db8:0:1:8000::/65", 2);
  t.insert("2001:db8:0:1::5/128", 3);
  EXPECT_EQ(t.find("2001:db8::1"), 0);
  EXPECT_EQ(t.find("2001:db8:0:1::1"), 1);
  EXPECT_EQ(t.find("2001:db8:0:1:8000::1"), 2);
  EXPECT_EQ(t.find("2001:db8:0:1::5"), 3);
  EXPECT_EQ(t.find("2001:db8:0:2::1"), -1);
}

TEST(AllowedIps, InsertMovesAPrefixFromItsOwner) {
  Table t(2);
  t.insert("10.0.0.0/8", 0);
  t.insert("10.0.0.0/8", 1);
  EXPECT_EQ(t.find("10.1.1.1"), 1);
  EXPECT_TRUE(t.table.prefixes_of(t.peers[0].get()).empty());
  EXPECT_EQ(t.table.prefixes_of(t.peers[1].get()), std::vector{prefix("10.0.0.0/8")});
  EXPECT_EQ(t.table.size(), 1U);
}

TEST(AllowedIps, RemoveTakesOnlyTheOwnersPrefix) {
  Table t(2);
  t.insert("10.0.0.0/8", 0);
  t.insert("10.20.0.0/16", 1);
  {
    AllowedIps::Transaction change(t.table);
    EXPECT_FALSE(change.remove(prefix("10.20.0.0/16"), t.peers[0].get()));
    EXPECT_FALSE(change.remove(prefix("10.21.0.0/16"), t.peers[0].get()));
    EXPECT_TRUE(change.remove(prefix("10.20.0.0/16"), t.peers[1].get()));
    change.commit();
  }
  EXPECT_EQ(t.find("10.20.1.1"), 0);
}

TEST(AllowedIps, ATransactionNotCommittedChangesNothing) {
  Table t(2);
  t.insert("10.0.0.0/8", 0);
  {
    AllowedIps::Transaction change(t.table);
    change.insert(prefix("10.20.0.0/16"), t.peers[1].get());
    change.remove_all(t.peers[0].get());
    EXPECT_EQ(t.find("10.20.1.1"), 0) << "visible before commit";
  }
  EXPECT_EQ(t.find("10.20.1.1"), 0);
  EXPECT_EQ(t.table.size(), 1U);
}

TEST(AllowedIps, OneTransactionMayTouchAPrefixManyTimes) {
  Table t(3);
  t.insert("10.0.0.0/8", 0);
  AllowedIps::Transaction change(t.table);
  change.insert(prefix("10.0.0.0/8"), t.peers[1].get());
  change.remove_all(t.peers[0].get());  // has nothing any more
  change.insert(prefix("10.0.0.0/8"), t.peers[2].get());
  change.remove_all(t.peers[2].get());
  change.insert(prefix("10.0.0.0/9"), t.peers[1].get());
  change.commit();
  EXPECT_EQ(t.find("10.200.0.1"), -1);
  EXPECT_EQ(t.find("10.0.0.1"), 1);
  EXPECT_EQ(t.table.size(), 1U);
}

// A map of prefixes, searched from the longest: slow and plainly right.
struct Oracle {
  std::map<Prefix, int> owners;
  [[nodiscard]] int find(const IpAddress& at) const {
    for (int length = bits_of(at.family()); length >= 0; --length) {
      if (const auto found = owners.find(Prefix::of(at, length)); found != owners.end()) return found->second;
    }
    return -1;
  }
};

// Few distinct bits, so that prefixes nest and collide all the time.
IpAddress random_address(std::mt19937& random) {
  std::array<std::uint8_t, 16> bytes{};
  const bool v6 = random() % 2 == 0;
  const std::size_t size = v6 ? 16 : 4;
  for (int i = 0; i < 3; ++i) bytes[random() % size] = static_cast<std::uint8_t>(random());
  if (random() % 4 == 0) {
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(random());
  }
  return IpAddress::from_bytes(std::span(bytes).first(size));
}

TEST(AllowedIps, AgreesWithANaiveTable) {
  std::mt19937 random(7);
  constexpr int peer_count = 20;
  Table t(peer_count);
  Oracle oracle;
  std::vector<Prefix> known;
  for (int round = 0; round < 4000; ++round) {
    AllowedIps::Transaction change(t.table);
    auto wanted = oracle;
    for (int i = 0, n = static_cast<int>(random() % 12); i < n; ++i) {
      const int peer = static_cast<int>(random() % peer_count);
      auto* pointer = t.peers[static_cast<std::size_t>(peer)].get();
      const auto at = random_address(random);
      auto one = Prefix::of(at, static_cast<int>(random() % static_cast<unsigned>(bits_of(at.family()) + 1)));
      if (!known.empty() && random() % 2 == 0) one = known[random() % known.size()];
      if (const auto action = random() % 20; action == 0) {
        change.remove_all(pointer);
        std::erase_if(wanted.owners, [&](const auto& entry) { return entry.second == peer; });
      } else if (action < 9) {
        const auto found = wanted.owners.find(one);
        const bool there = found != wanted.owners.end() && found->second == peer;
        EXPECT_EQ(change.remove(one, pointer), there);
        if (there) wanted.owners.erase(found);
      } else {
        change.insert(one, pointer);
        wanted.owners[one] = peer;
        known.push_back(one);
      }
    }
    if (random() % 8 != 0) {
      change.commit();
      oracle = wanted;
    }
    for (int i = 0; i < 40; ++i) {
      auto at = random_address(random);
      if (!known.empty() && random() % 2 == 0) at = known[random() % known.size()].address();
      ASSERT_EQ(t.number(t.table.lookup(at)), oracle.find(at)) << at.to_string() << " in round " << round;
    }
    t.epochs.collect();
    if (known.size() > 400) known.clear();
  }
  ASSERT_EQ(t.table.size(), oracle.owners.size());
  for (int peer = 0; peer < peer_count; ++peer) {
    std::vector<Prefix> expected;
    for (const auto& [one, owner] : oracle.owners) {
      if (owner == peer) expected.push_back(one);
    }
    EXPECT_EQ(t.table.prefixes_of(t.peers[static_cast<std::size_t>(peer)].get()), expected);
  }
}

TEST(AllowedIps, TenThousandPeers) {
  Table t(10000);
  {
    AllowedIps::Transaction change(t.table);
    for (std::uint32_t i = 0; i < 10000; ++i) {
      change.insert(Prefix::of(IpAddress::from_v4(0x0a000000U + (i << 8U)), 24), t.peers[i].get());
      change.insert(Prefix::host(IpAddress::from_v4(0xc6120000U + i)), t.peers[i].get());
    }
    change.commit();
  }
  for (std::uint32_t i = 0; i < 10000; ++i) {
    ASSERT_EQ(t.table.lookup(IpAddress::from_v4(0x0a000000U + (i << 8U) + 77)), t.peers[i].get());
    ASSERT_EQ(t.table.lookup(IpAddress::from_v4(0xc6120000U + i)), t.peers[i].get());
  }
  AllowedIps::Transaction change(t.table);
  for (const auto& peer : t.peers) change.remove_all(peer.get());
  change.commit();
  EXPECT_EQ(t.table.size(), 0U);
  EXPECT_EQ(t.find("10.0.1.1"), -1);
}

// A prefix that moves from one peer to another is never nobody's.
TEST(AllowedIps, ReadersNeverSeeAGap) {
  Table t(2);
  t.insert("10.0.0.0/8", 0);
  t.insert("10.128.0.0/9", 1);
  std::atomic<bool> stop{false};
  std::atomic<long> gaps{0};
  std::atomic<long> looked{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      EpochDomain::Reader reader(t.epochs);
      const auto at = address("10.1.2.3");
      while (!stop) {
        const auto section = reader.enter();
        if (t.table.lookup(at) == nullptr) ++gaps;
        ++looked;
      }
    });
  }
  for (int round = 0; round < 3000 || looked < 1000; ++round) {
    AllowedIps::Transaction change(t.table);
    change.insert(prefix("10.0.0.0/8"), t.peers[static_cast<std::size_t>(round % 2)].get());
    change.insert(prefix("10.1.0.0/16"), t.peers[static_cast<std::size_t>(round % 2)].get());
    if (round % 3 == 0) change.remove(prefix("10.1.0.0/16"), t.peers[static_cast<std::size_t>(round % 2)].get());
    change.commit();
    t.epochs.collect();
  }
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(gaps, 0);
  t.epochs.collect();
  EXPECT_EQ(t.epochs.pending(), 0U);
}

}  // namespace
}  // namespace radial::engine
