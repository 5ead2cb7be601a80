#include "engine/uapi/request.h"

#include <random>

#include <gtest/gtest.h>

namespace radial::engine::uapi {
namespace {

const std::string key_a(64, 'a');
const std::string key_b(64, 'b');

int error_of(std::string_view body) {
  const auto request = parse_set(body);
  return request ? 0 : request.error().sys_errno;
}

TEST(UapiSet, EveryKeyIsTaken) {
  const auto request = parse_set("private_key=" + key_a +
                                 "\nlisten_port=51820\nfwmark=4660\nreplace_peers=true\nradial_multicast=true\n"
                                 "public_key=" + key_b +
                                 "\nupdate_only=true\npreshared_key=" + key_a +
                                 "\nendpoint=192.0.2.1:7\npersistent_keepalive_interval=25\nreplace_allowed_ips=true\n"
                                 "allowed_ip=10.0.0.0/8\nallowed_ip=-fd00::/8\nprotocol_version=1\n"
                                 "public_key=" + key_a + "\nremove=true\nendpoint=[2001:db8::1]:65535\n");
  ASSERT_TRUE(request) << request.error().message;
  EXPECT_EQ(request->device.private_key->reveal_hex(), key_a);
  EXPECT_EQ(request->listen_port, 51820);
  EXPECT_EQ(request->fwmark, 4660U);
  EXPECT_EQ(request->multicast, true);
  EXPECT_TRUE(request->device.replace_peers);
  ASSERT_EQ(request->device.peers.size(), 2U);
  const auto& first = request->device.peers[0];
  EXPECT_EQ(first.key.to_hex(), key_b);
  EXPECT_TRUE(first.update_only);
  EXPECT_FALSE(first.remove);
  EXPECT_EQ(first.preshared_key->reveal_hex(), key_a);
  EXPECT_EQ(first.endpoint->to_string(), "192.0.2.1:7");
  EXPECT_EQ(first.persistent_keepalive, 25);
  EXPECT_TRUE(first.replace_allowed_ips);
  ASSERT_EQ(first.allowed_ips.size(), 2U);
  EXPECT_EQ(first.allowed_ips[0].prefix.to_string(), "10.0.0.0/8");
  EXPECT_FALSE(first.allowed_ips[0].remove);
  EXPECT_EQ(first.allowed_ips[1].prefix.to_string(), "fd00::/8");
  EXPECT_TRUE(first.allowed_ips[1].remove);
  const auto& second = request->device.peers[1];
  EXPECT_TRUE(second.remove);
  EXPECT_EQ(second.endpoint->to_string(), "[2001:db8::1]:65535");
}

TEST(UapiSet, NothingIsARequestThatChangesNothing) {
  const auto request = parse_set("");
  ASSERT_TRUE(request);
  EXPECT_FALSE(request->device.private_key);
  EXPECT_FALSE(request->listen_port);
  EXPECT_TRUE(request->device.peers.empty());
}

TEST(UapiSet, HostBitsOfAnAllowedAddressAreCleared) {
  const auto request = parse_set("public_key=" + key_a + "\nallowed_ip=10.1.2.3/8\nallowed_ip=fd00::1/64\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->device.peers[0].allowed_ips[0].prefix.to_string(), "10.0.0.0/8");
  EXPECT_EQ(request->device.peers[0].allowed_ips[1].prefix.to_string(), "fd00::/64");
}

TEST(UapiSet, AZeroPrivateKeyIsAKey) {
  const auto request = parse_set("private_key=" + std::string(64, '0') + "\n");
  ASSERT_TRUE(request);
  EXPECT_TRUE(request->device.private_key->is_zero());
}

TEST(UapiSet, ALinkLocalEndpointHasAZone) {
  const auto request = parse_set("public_key=" + key_a + "\nendpoint=[fe80::1%lo]:9\n");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->device.peers[0].endpoint->scope(), 1U);
  EXPECT_EQ(error_of("public_key=" + key_a + "\nendpoint=[fe80::1%no-such-link]:9\n"), EINVAL);
}

TEST(UapiSet, WhatIsWrongIsRefusedWithItsErrno) {
  const std::string peer = "public_key=" + key_a + "\n";
  for (const auto& [body, error] : std::vector<std::pair<std::string, int>>{
           {"no equals sign", EPROTO},
           {"listen_port=1\n\n", EPROTO},
           {"unknown=1", EINVAL},
           {"listen_port=", EINVAL},
           {"listen_port=65536", EINVAL},
           {"listen_port=-1", EINVAL},
           {"listen_port= 1", EINVAL},
           {"listen_port=1x", EINVAL},
           {"fwmark=4294967296", EINVAL},
           {"fwmark=0x10", EINVAL},
           {"replace_peers=false", EINVAL},
           {"replace_peers=1", EINVAL},
           {"radial_multicast=yes", EINVAL},
           {"private_key=" + std::string(63, 'a'), EINVAL},
           {"private_key=" + std::string(64, 'g'), EINVAL},
           {"public_key=abc", EINVAL},
           {"preshared_key=" + key_a, EINVAL},      // before a peer
           {"allowed_ip=10.0.0.0/8", EINVAL},       // before a peer
           {peer + "listen_port=1", EINVAL},         // after a peer
           {peer + "private_key=" + key_a, EINVAL},  // after a peer
           {peer + "remove=false", EINVAL},
           {peer + "protocol_version=2", EINVAL},
           {peer + "preshared_key=", EINVAL},
           {peer + "persistent_keepalive_interval=65536", EINVAL},
           {peer + "persistent_keepalive_interval=off", EINVAL},
           {peer + "endpoint=192.0.2.1", EINVAL},
           {peer + "endpoint=192.0.2.1:", EINVAL},
           {peer + "endpoint=192.0.2.1:70000", EINVAL},
           {peer + "endpoint=2001:db8::1:1", EINVAL},
           {peer + "endpoint=[192.0.2.1]:1", EINVAL},
           {peer + "endpoint=example.com:1", EINVAL},
           {peer + "allowed_ip=10.0.0.0", EINVAL},
           {peer + "allowed_ip=10.0.0.0/33", EINVAL},
           {peer + "allowed_ip=fd00::/129", EINVAL},
           {peer + "allowed_ip=10.0.0.0/-1", EINVAL},
           {peer + "allowed_ip=--10.0.0.0/8", EINVAL},
           {peer + "allowed_ip=/8", EINVAL},
       })
    EXPECT_EQ(error_of(body), error) << body;
}

TEST(UapiSet, AnErrorNamesTheLineAndNeverTheValue) {
  const auto request = parse_set("listen_port=1\nprivate_key=" + std::string(62, 'a') + "zz\n");
  ASSERT_FALSE(request);
  EXPECT_NE(request.error().message.find("line 3"), std::string::npos) << request.error().message;
  EXPECT_NE(request.error().message.find("private_key"), std::string::npos);
  EXPECT_EQ(request.error().message.find("aaaa"), std::string::npos);
}

TEST(UapiSet, RandomTextIsRefusedOrTakenButNeverCrashes) {
  std::mt19937 random(1);
  const std::vector<std::string> words = {"private_key", "public_key", "endpoint", "allowed_ip", "=", "\n", key_a, "10.0.0.0/8",
                                          "[::1]:1", "true", "listen_port", "%", "-", "/", "[", "]", ":", "99999999999999999999"};
  for (int round = 0; round < 20000; ++round) {
    std::string body;
    for (auto count = random() % 30; count > 0; --count) {
      if (random() % 10 == 0) body += static_cast<char>(random());
      else body += words[random() % words.size()];
    }
    const auto error = error_of(body);
    ASSERT_TRUE(error == 0 || error == EINVAL || error == EPROTO);
  }
}

}  // namespace
}  // namespace radial::engine::uapi
