#include <algorithm>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "host/network.h"

namespace radial::host {
namespace {

using testing::ElementsAre;

InterfaceAddress at(const char* text) { return InterfaceAddress::parse(text).value(); }

// What an interface holds, as the kernel would after a change.
struct Model {
  Link link{7, "wg0", "tun", 1420, true, true};
  std::vector<HeldAddress> addresses;

  void apply(const LinkChange& change) {
    if (change.mtu) link.mtu = *change.mtu;
    if (change.bring_up) link.up = true;
    for (const auto& address : change.add) addresses.push_back({change.interface, address, false});
    for (const auto& address : change.remove)
      std::erase_if(addresses, [&](const auto& held) { return held.interface == change.interface && held.address == address; });
  }
};

TEST(DiffLink, NothingToDoIsNothing) {
  const DesiredLink desired{"wg0", 1420, {at("10.255.0.1/24"), at("fe80::1/64")}};
  Model model;
  model.addresses = {{"wg0", at("fe80::1/64"), true}, {"wg0", at("10.255.0.1/24"), false}, {"eth0", at("192.0.2.1/24"), false}};
  const auto change = diff_link(desired, model.link, model.addresses);
  EXPECT_TRUE(change.empty());
  EXPECT_THAT(change.describe(), ElementsAre());
}

TEST(DiffLink, SaysEverythingAsIpIsTold) {
  const DesiredLink desired{"wg0", 1380, {at("10.255.0.1/24"), at("fd00:255::1/64")}};
  Model model;
  model.link.up = false;
  model.addresses = {{"wg0", at("10.255.0.9/24"), false}, {"wg0", at("fe80::abcd/64"), true}};
  EXPECT_THAT(diff_link(desired, model.link, model.addresses).describe(),
              ElementsAre("ip link set dev wg0 mtu 1380", "ip address add 10.255.0.1/24 dev wg0",
                          "ip address add fd00:255::1/64 dev wg0", "ip address del 10.255.0.9/24 dev wg0",
                          "ip address del fe80::abcd/64 dev wg0", "ip link set dev wg0 up"));
}

TEST(DiffLink, AnMtuOfZeroMeansAnyMtu) {
  EXPECT_TRUE(diff_link({"wg0", 0, {}}, Model().link, {}).empty());
}

TEST(DiffLink, AnotherLengthIsAnotherAddress) {
  const auto change = diff_link({"wg0", 1420, {at("fd00::1/64")}}, Model().link, {{"wg0", at("fd00::1/128"), false}});
  EXPECT_THAT(change.add, ElementsAre(at("fd00::1/64")));
  EXPECT_THAT(change.remove, ElementsAre(at("fd00::1/128")));
}

TEST(DiffLink, AfterItTheInterfaceIsAsDesiredAndASecondDiffIsEmpty) {
  std::mt19937 random(20);  // NOLINT(cert-msc51-cpp): the same cases every time
  const auto some_addresses = [&] {
    std::vector<InterfaceAddress> addresses;
    for (auto n = random() % 6; n > 0; --n) {
      const auto host = static_cast<std::uint32_t>(random() % 4 + 1);
      if (random() % 2 == 0) addresses.push_back({IpAddress::from_v4(0x0aff0000U + host), random() % 2 == 0 ? 24 : 32});
      else addresses.push_back({IpAddress::parse(fmt::format("fd00::{}", host)).value(), random() % 2 == 0 ? 64 : 128});
    }
    return addresses;
  };
  for (int round = 0; round < 2000; ++round) {
    Model model;
    model.link.mtu = random() % 2 == 0 ? 1420 : 1380;
    model.link.up = random() % 2 == 0;
    for (const auto& address : some_addresses()) model.addresses.push_back({"wg0", address, false});
    for (const auto& address : some_addresses()) model.addresses.push_back({"eth0", address, false});
    const auto elsewhere = [&] {
      std::vector<HeldAddress> others;
      for (const auto& held : model.addresses)
        if (held.interface != "wg0") others.push_back(held);
      return others;
    };
    const auto others = elsewhere();
    const DesiredLink desired{"wg0", random() % 2 == 0 ? 1420 : 1380, some_addresses()};

    const auto change = diff_link(desired, model.link, model.addresses);
    EXPECT_EQ(change.empty(), change.describe().empty());
    model.apply(change);

    EXPECT_EQ(model.link.mtu, desired.mtu);
    EXPECT_TRUE(model.link.up);
    std::set<InterfaceAddress> held;
    for (const auto& address : model.addresses)
      if (address.interface == "wg0") held.insert(address.address);
    EXPECT_EQ(held, std::set<InterfaceAddress>(desired.addresses.begin(), desired.addresses.end()));
    EXPECT_EQ(elsewhere(), others);
    EXPECT_TRUE(diff_link(desired, model.link, model.addresses).empty());
  }
}

}  // namespace
}  // namespace radial::host
