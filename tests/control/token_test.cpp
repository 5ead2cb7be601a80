#include "control/token.h"

#include <random>

#include <gtest/gtest.h>

namespace radial::control {
namespace {

Token example() {
  Token token;
  token.fabric = "acme";
  token.site = "berlin";
  token.hub = "fra1";
  token.hub_key = PrivateKey::generate().public_key();
  token.endpoints = {Endpoint::parse("vpn.example.com:51820").value(), Endpoint::parse("[2001:db8::1]:51820").value()};
  token.ephemeral = PrivateKey::generate();
  token.preshared = Secret::random();
  token.address = IpAddress::parse("10.255.0.254").value();
  token.controller = IpAddress::parse("10.255.0.1").value();
  token.port = 51821;
  token.mtu = 1420;
  token.expires = 1'800'000'000;
  return token;
}

TEST(Token, ComesBackAsItWas) {
  const auto token = example();
  const auto text = to_text(token);
  EXPECT_LT(text.size(), 400U);
  const auto back = parse_token("  " + text + "\n");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->fabric, token.fabric);
  EXPECT_EQ(back->site, token.site);
  EXPECT_EQ(back->hub, token.hub);
  EXPECT_EQ(back->hub_key, token.hub_key);
  EXPECT_EQ(back->endpoints, token.endpoints);
  EXPECT_TRUE(back->ephemeral.equals(token.ephemeral));
  EXPECT_TRUE(back->preshared.equals(token.preshared));
  EXPECT_EQ(back->address, token.address);
  EXPECT_EQ(back->controller, token.controller);
  EXPECT_EQ(back->port, token.port);
  EXPECT_EQ(back->mtu, token.mtu);
  EXPECT_EQ(back->expires, token.expires);
  EXPECT_EQ(digest_of_token(text), digest_of_token(text + "\n"));
}

TEST(Token, EveryChangedCharacterIsFoundAndNothingOfItIsTold) {
  const auto text = to_text(example());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto altered = text;
    altered[i] = altered[i] == 'A' ? 'B' : 'A';
    const auto result = parse_token(altered);
    ASSERT_FALSE(result) << i;
    EXPECT_EQ(result.error().message.find(text.substr(20, 12)), std::string::npos);
  }
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(parse_token(text.substr(0, size)));
  EXPECT_FALSE(parse_token(text + "AAAA"));
}

TEST(Token, NoiseIsRefused) {
  std::mt19937 random(1);
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (int round = 0; round < 2000; ++round) {
    std::string text = "radial1.";
    for (auto i = random() % 400; i > 0; --i) text += letters[random() % letters.size()];
    EXPECT_FALSE(parse_token(text));
  }
  EXPECT_EQ(parse_token("radial2.AAAA").error().code, Errc::unsupported);
  EXPECT_EQ(parse_token("hello").error().code, Errc::invalid_argument);
}

TEST(Mac, FollowsTheRfc) {
  // RFC 4231 has no 32-byte key; OpenSSL of 32 bytes 0x0b over "Hi There".
  std::array<std::uint8_t, 32> key{};
  key.fill(0x0b);
  const auto secret = Secret::from_bytes(key);
  EXPECT_EQ(mac_of(secret, "Hi There"), "198a607eb44bfbc69903a0f1cf2bbdc5ba0aa3f3d9ae3c1c7a3b1696a0b68cf7");
  EXPECT_TRUE(mac_is_right(secret, "Hi There", mac_of(secret, "Hi There")));
  EXPECT_FALSE(mac_is_right(secret, "Hi there", mac_of(secret, "Hi There")));
  EXPECT_FALSE(mac_is_right(Secret::random(), "Hi There", mac_of(secret, "Hi There")));
  EXPECT_FALSE(mac_is_right(secret, "Hi There", ""));
}

}  // namespace
}  // namespace radial::control
