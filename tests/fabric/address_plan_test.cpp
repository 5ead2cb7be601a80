#include "fabric/address_plan.h"

#include <algorithm>
#include <ctime>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "fabric/stable_hash.h"

namespace radial {
namespace {

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }

Hub hub(std::string name, std::string_view tunnel) {
  Hub made;
  made.name = std::move(name);
  made.tunnel_v4 = prefix(tunnel);
  made.tunnel_v6 = prefix("fd00:255::/64");
  return made;
}

Site site(std::string name, std::vector<std::string> hubs) {
  Site made;
  made.name = std::move(name);
  made.hubs = std::move(hubs);
  return made;
}

Fabric fabric_of(std::string_view tunnel, const std::vector<std::string>& sites) {
  Fabric fabric;
  fabric.hubs = {hub("fra1", tunnel)};
  for (const auto& name : sites) fabric.sites.push_back(site(name, {"fra1"}));
  return fabric;
}

AddressBook plan(const Fabric& fabric, const AddressBook& previous = {}) {
  auto book = plan_addresses(fabric, previous);
  if (!book) ADD_FAILURE() << book.error().message;
  return book ? *book : AddressBook{};
}

IpAddress of(const AddressBook& book, const std::string& node) { return book.at({"fra1", node}); }

void expect_sound(const Fabric& fabric, const AddressBook& book) {
  std::set<IpAddress> seen;
  std::size_t expected = 0;
  for (const auto& at : fabric.hubs) {
    expected += fabric.hubs.size();
    for (const auto& one : fabric.sites) expected += std::count(one.hubs.begin(), one.hubs.end(), at.name);
  }
  EXPECT_EQ(book.size(), expected);
  for (const auto& [wire, given] : book) {
    const auto& tunnel = fabric.find_hub(wire.first)->tunnel_v4;
    EXPECT_TRUE(tunnel.contains(given));
    EXPECT_NE(given, tunnel.address());
    EXPECT_TRUE(seen.insert(given).second) << given.to_string() << " is given twice";
  }
}

TEST(StableHash, IsFnv1a) {
  EXPECT_EQ(stable_hash(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(stable_hash("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(stable_hash("foobar"), 0x85944171f73967e8ULL);
}

TEST(AddressPlan, StaysThatOfEveryEarlierBuild) {
  const auto book = plan(fabric_of("10.255.0.0/24", {"berlin", "paris", "lisbon"}));
  EXPECT_EQ(of(book, "fra1").to_string(), "10.255.0.1");
  EXPECT_EQ(of(book, "berlin").to_string(), "10.255.0.198");
  EXPECT_EQ(of(book, "paris").to_string(), "10.255.0.173");
  EXPECT_EQ(of(book, "lisbon").to_string(), "10.255.0.19");
}

TEST(AddressPlan, GivesEachHubsWireItsOwnAddresses) {
  Fabric fabric;
  fabric.hubs = {hub("fra1", "10.255.0.0/24"), hub("ams1", "10.255.1.0/24")};
  fabric.sites = {site("berlin", {"ams1", "fra1"}), site("paris", {"ams1"})};
  const auto book = plan(fabric);
  expect_sound(fabric, book);
  EXPECT_TRUE(book.contains({"fra1", "ams1"}));
  EXPECT_TRUE(book.contains({"ams1", "fra1"}));
  EXPECT_FALSE(book.contains({"fra1", "paris"}));
  EXPECT_EQ(router_id(fabric, book, "berlin"), book.at({"ams1", "berlin"}));
  EXPECT_EQ(router_id(fabric, book, "fra1"), address("10.255.0.1"));
}

TEST(AddressPlan, NumbersAllFamiliesAlike) {
  auto fabric = fabric_of("10.255.0.0/16", {"berlin"});
  fabric.sites[0].address = address("10.255.1.2");
  const auto book = plan(fabric);
  const auto wire = wire_addresses(fabric, book, "fra1", "berlin");
  EXPECT_EQ(wire.v4, address("10.255.1.2"));
  EXPECT_EQ(wire.v6, address("fd00:255::102"));
  EXPECT_EQ(wire.link_local, address("fe80::102"));
  fabric.hubs[0].tunnel_v6.reset();
  EXPECT_EQ(wire_addresses(fabric, book, "fra1", "berlin").v6, std::nullopt);
}

TEST(AddressPlan, PinsGoFirst) {
  auto fabric = fabric_of("10.255.0.0/24", {"berlin"});
  const auto free_choice = of(plan(fabric), "berlin");
  fabric.sites.push_back(site("paris", {"fra1"}));
  fabric.sites[1].address = free_choice;
  fabric.hubs[0].address = address("10.255.0.200");
  const auto book = plan(fabric);
  expect_sound(fabric, book);
  EXPECT_EQ(of(book, "paris"), free_choice);
  EXPECT_EQ(of(book, "fra1"), address("10.255.0.200"));
  EXPECT_NE(of(book, "berlin"), free_choice);
}

TEST(AddressPlan, TellsConflictsWithTheBook) {
  auto fabric = fabric_of("10.255.0.0/24", {"berlin", "paris"});
  const auto book = plan(fabric);
  auto pinned = fabric;
  pinned.sites[1].address = of(book, "berlin");
  const auto clash = plan_addresses(pinned, book);
  ASSERT_FALSE(clash);
  EXPECT_EQ(clash.error().code, Errc::conflict);
  EXPECT_NE(clash.error().message.find("berlin"), std::string::npos);
  EXPECT_NE(clash.error().message.find("paris"), std::string::npos);
  auto moved = fabric;
  moved.hubs[0].tunnel_v4 = prefix("10.254.0.0/24");
  EXPECT_FALSE(plan_addresses(moved, book));
  AddressBook twice = book;
  twice[{"fra1", "paris"}] = of(book, "berlin");
  EXPECT_FALSE(plan_addresses(fabric, twice));
  AddressBook broadcast = book;
  broadcast[{"fra1", "paris"}] = address("10.255.0.255");
  EXPECT_FALSE(plan_addresses(fabric, broadcast));
  // Of nodes that are gone nothing is asked, and nothing is kept.
  AddressBook old = book;
  old[{"fra1", "gone"}] = address("192.0.2.1");
  old[{"ams1", "berlin"}] = address("192.0.2.2");
  EXPECT_EQ(plan(fabric, old), book);
}

TEST(AddressPlan, FillsAPrefixToTheLastAddressAndNotBeyond) {
  std::vector<std::string> names;
  for (int i = 0; i < 253; ++i) names.push_back(fmt::format("site-{}", i));
  const auto full = fabric_of("10.255.0.0/24", names);
  expect_sound(full, plan(full));
  names.push_back("one-more");
  const auto beyond = plan_addresses(fabric_of("10.255.0.0/24", names), {});
  ASSERT_FALSE(beyond);
  EXPECT_NE(beyond.error().message.find("10.255.0.0/24"), std::string::npos);
  expect_sound(fabric_of("10.255.0.0/30", {"a"}), plan(fabric_of("10.255.0.0/30", {"a"})));
  EXPECT_FALSE(plan_addresses(fabric_of("10.255.0.0/30", {"a", "b"}), {}));
  EXPECT_FALSE(plan_addresses(fabric_of("10.255.0.0/32", {}), {}));
}

TEST(AddressPlan, FillsASixteenWithinSeconds) {
  std::vector<std::string> names;
  for (int i = 0; i < 65533; ++i) names.push_back(fmt::format("site-{}", i));
  const auto fabric = fabric_of("10.255.0.0/16", names);
  const auto start = std::clock();
  const auto book = plan(fabric);
  const double taken = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_EQ(book.size(), 65534U);
  EXPECT_LT(taken, 10.0);
}

// Random sequences of sites added and removed, on a crowded prefix.
class Stability : public testing::TestWithParam<unsigned> {};

std::vector<std::string> next_sites(std::vector<std::string> sites, std::mt19937& random, int& serial) {
  const std::size_t changes = 1 + random() % 4;
  for (std::size_t i = 0; i < changes; ++i) {
    if (sites.size() < 50 && (sites.empty() || random() % 5 < 3))
      sites.insert(sites.begin() + static_cast<std::ptrdiff_t>(random() % (sites.size() + 1)),
                   fmt::format("site-{}", serial++));
    else
      sites.erase(sites.begin() + static_cast<std::ptrdiff_t>(random() % sites.size()));
  }
  return sites;
}

TEST_P(Stability, WithTheBookNobodyEverMoves) {
  std::mt19937 random(GetParam());
  std::vector<std::string> sites;
  AddressBook book;
  int serial = 0;
  for (int step = 0; step < 200; ++step) {
    sites = next_sites(std::move(sites), random, serial);
    const auto fabric = fabric_of("10.255.0.0/26", sites);
    const auto next = plan(fabric, book);
    expect_sound(fabric, next);
    for (const auto& [wire, given] : next) {
      const auto before = book.find(wire);
      EXPECT_TRUE(before == book.end() || before->second == given) << wire.second;
    }
    EXPECT_EQ(plan(fabric, next), next);
    book = next;
  }
}

TEST_P(Stability, WithoutABookOnlyThoseWhoseHashesCollideMove) {
  std::mt19937 random(GetParam());
  std::vector<std::string> sites;
  int serial = 0;
  const auto home = [](const std::string& name) { return stable_hash(name) % 62 + 1; };
  for (int step = 0; step < 200; ++step) {
    sites = next_sites(std::move(sites), random, serial);
    const auto fabric = fabric_of("10.255.0.0/26", sites);
    const auto book = plan(fabric);
    expect_sound(fabric, book);
    std::map<std::uint64_t, int> claims{{1, 1}};  // the hub's own
    for (const auto& name : sites) ++claims[home(name)];
    for (const auto& name : sites) {
      const bool at_home = of(book, name) == *address("10.255.0.0").plus(home(name));
      EXPECT_TRUE(at_home || claims[home(name)] > 1) << name;
    }
    auto shuffled = sites;
    std::shuffle(shuffled.begin(), shuffled.end(), random);
    EXPECT_EQ(plan(fabric_of("10.255.0.0/26", shuffled)), book);
  }
}

INSTANTIATE_TEST_SUITE_P(Random, Stability, testing::Range(1U, 9U));

}  // namespace
}  // namespace radial
