// The UDP side against the kernel, over loopback only.
#include <cstring>
#include <set>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>

#include "engine/tunnel/udp/udp_port.h"

namespace radial::engine {
namespace {

using Bytes = std::vector<std::uint8_t>;

UdpPath loopback(Family family, std::uint16_t port) {
  return UdpPath::to(*IpAddress::parse(family == Family::v4 ? "127.0.0.1" : "::1"), port);
}

struct Got {
  Bytes bytes;
  UdpPath from;
  std::uint8_t ds;
};

// Waits for `count` datagrams, at most a second between two.
std::vector<Got> receive(const UdpSocket& socket, std::size_t count, std::size_t* messages = nullptr) {
  UdpInbox inbox(8);
  std::vector<Got> out;
  while (out.size() < count) {
    pollfd wait{socket.fd(), POLLIN, 0};
    if (::poll(&wait, 1, 1000) <= 0) break;
    for (const auto& message : inbox.receive(socket, 8)) {
      if (messages != nullptr) ++*messages;
      for (std::size_t at = 0; at < message.bytes.size(); at += message.segment) {
        const auto part = message.bytes.subspan(at, std::min(message.segment, message.bytes.size() - at));
        out.push_back({Bytes(part.begin(), part.end()), message.from, message.ds});
      }
    }
  }
  return out;
}

Bytes pattern(std::size_t size) {
  Bytes out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::uint8_t>(i * 31 + i / 255);
  return out;
}

class Udp : public testing::TestWithParam<Family> {
 protected:
  std::shared_ptr<UdpPort> open(UdpPort::Options options = {}) {
    auto port = UdpPort::open(options);
    EXPECT_TRUE(port) << port.error().message;
    return port ? *port : nullptr;
  }
};

TEST_P(Udp, TrainsArriveAsTheirDatagramsWithAndWithoutOffload) {
  for (const bool offload : {true, false}) {
    const auto a = open({0, 0, 1, offload});
    const auto b = open({0, 0, 1, offload});
    const Bytes data = pattern(1300 * 9 + 77);
    std::array<UdpTrain, 1> train{UdpTrain{loopback(GetParam(), b->port()), 0, data.data(),
                                           static_cast<std::uint32_t>(data.size()), 1300, false, 0}};
    a->send(0, train);
    EXPECT_EQ(train[0].error, 0);
    const auto got = receive(*b->socket(0, GetParam()), 10);
    ASSERT_EQ(got.size(), 10U);
    Bytes whole;
    for (const auto& part : got) whole.insert(whole.end(), part.bytes.begin(), part.bytes.end());
    EXPECT_EQ(whole, data);
    EXPECT_EQ(got.back().bytes.size(), 77U);
  }
}

TEST_P(Udp, TheMostThatATrainMayHoldIsTaken) {
  const auto a = open();
  const auto b = open();
  const Bytes data = pattern(UdpSocket::max_train_bytes);
  const auto segment = static_cast<std::uint16_t>((data.size() + UdpSocket::max_train_segments - 1) / UdpSocket::max_train_segments);
  std::array<UdpTrain, 1> train{UdpTrain{loopback(GetParam(), b->port()), 0, data.data(),
                                         static_cast<std::uint32_t>(data.size()), segment, false, 0}};
  a->send(0, train);
  EXPECT_EQ(train[0].error, 0);
  EXPECT_TRUE(a->socket(0, GetParam())->segments()) << "the offload was given up";
  EXPECT_EQ(receive(*b->socket(0, GetParam()), 64).size(), 64U);
}

TEST_P(Udp, TheOuterTrafficClassAndTheAddressesAreSeen) {
  const auto a = open();
  const auto b = open();
  const Bytes data = pattern(100);
  std::array<UdpTrain, 1> train{UdpTrain{loopback(GetParam(), b->port()), 0x8a, data.data(), 100, 100, false, 0}};
  a->send(0, train);
  const auto got = receive(*b->socket(0, GetParam()), 1);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0].ds, 0x8a);
  EXPECT_EQ(got[0].from.port(), a->port());
  EXPECT_TRUE(got[0].from.has_local());
  EXPECT_EQ(got[0].from.address(), loopback(GetParam(), 1).address());
}

TEST(UdpLocal, AnswersLeaveFromTheAddressThatWasAsked) {
  auto a = *UdpPort::open({});
  auto b = *UdpPort::open({});
  const Bytes data = pattern(50);
  const auto send = [&](const UdpPort& from, const UdpPath& to) {
    std::array<UdpTrain, 1> train{UdpTrain{to, 0, data.data(), 50, 50, false, 0}};
    from.send(0, train);
    return train[0];
  };
  static_cast<void>(send(*a, UdpPath::to(*IpAddress::parse("127.0.0.77"), b->port())));
  auto got = receive(*b->socket(0, Family::v4), 1);
  ASSERT_EQ(got.size(), 1U);
  static_cast<void>(send(*b, got[0].from));
  const auto answer = receive(*a->socket(0, Family::v4), 1);
  ASSERT_EQ(answer.size(), 1U);
  EXPECT_EQ(answer[0].from.address().to_string(), "127.0.0.77");

  // An address that is no longer ours: sent all the same, and said so.
  ::inet_pton(AF_INET, "203.0.113.9", &got[0].from.local.v4);
  const auto refused = send(*b, got[0].from);
  EXPECT_TRUE(refused.local_refused);
  EXPECT_EQ(refused.error, 0);
  EXPECT_EQ(receive(*a->socket(0, Family::v4), 1).size(), 1U);
}

TEST(UdpPortTest, QueuesShareOnePortAndSpreadTheSenders) {
  auto port = UdpPort::open({0, 0, 4, true});
  ASSERT_TRUE(port) << port.error().message;
  std::set<int> used;
  std::size_t total = 0;
  for (int i = 0; i < 64; ++i) {
    auto sender = *UdpPort::open({});
    const std::uint8_t byte = 1;
    std::array<UdpTrain, 1> train{UdpTrain{loopback(Family::v4, (*port)->port()), 0, &byte, 1, 1, false, 0}};
    sender->send(0, train);
    UdpInbox inbox(4);
    for (std::size_t queue = 0; queue < 4; ++queue)
      for (std::size_t got = inbox.receive(*(*port)->socket(queue, Family::v4), 4).size(); got > 0; --got) {
        used.insert(static_cast<int>(queue));
        ++total;
      }
  }
  EXPECT_EQ(total, 64U);
  EXPECT_EQ(used.size(), 4U) << "64 senders should not miss one of four queues";
}

TEST(UdpPortTest, APortInUseIsRefusedNotShared) {
  for (const std::size_t queues : {1U, 2U}) {
    auto first = UdpPort::open({0, 0, queues, true});
    ASSERT_TRUE(first);
    auto second = UdpPort::open({(*first)->port(), 0, queues, true});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().sys_errno, EADDRINUSE);
  }
}

TEST(UdpPortTest, ADatagramThatNoFamilyCanCarryIsReported) {
  auto port = *UdpPort::open({});
  const Bytes data = pattern(10);
  std::array<UdpTrain, 2> trains{
      UdpTrain{UdpPath::to(*IpAddress::parse("255.255.255.255"), 9), 0, data.data(), 10, 10, false, 0},
      UdpTrain{loopback(Family::v4, port->port()), 0, data.data(), 10, 10, false, 0}};
  port->send(0, trains);
  EXPECT_NE(trains[0].error, 0);  // broadcast is not allowed
  EXPECT_EQ(trains[1].error, 0);
  EXPECT_EQ(receive(*port->socket(0, Family::v4), 1).size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(Families, Udp, testing::Values(Family::v4, Family::v6));

}  // namespace
}  // namespace radial::engine
