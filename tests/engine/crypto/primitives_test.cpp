#include "engine/crypto/primitives.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests_hex.h"

namespace radial::engine {
namespace {

using testing_hex::from_hex;
using testing_hex::to_hex;

Bytes text(std::string_view value) { return {reinterpret_cast<const std::uint8_t*>(value.data()), value.size()}; }

template <class Key>
Key key_of(std::string_view hex) {
  std::array<std::uint8_t, 32> bytes{};
  const auto source = from_hex(hex);
  std::copy_n(source.begin(), bytes.size(), bytes.begin());
  if constexpr (std::is_same_v<Key, Secret>) {
    return Secret::from_bytes(bytes);
  } else {
    return Key(bytes);
  }
}

// 00 01 02 ... 1f
Secret counting_key() { return key_of<Secret>("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"); }

TEST(Blake2s, Rfc7693AppendixB) {
  EXPECT_EQ(to_hex(blake2s({text("abc")})), "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982");
  EXPECT_EQ(blake2s({text("a"), {}, text("bc")}), blake2s({text("abc")}));
}

// Expected values below, where no RFC has one, were computed with Python's
// hashlib and hmac, which use the BLAKE2 authors' own code.
TEST(Blake2s, KeyedWith16BytesOfOutput) {
  const auto key = counting_key();
  EXPECT_EQ(to_hex(blake2s_mac(key.bytes(), {text("radial")})), "83e330fb011ff267c26de4da93db3184");
  EXPECT_EQ(to_hex(blake2s_mac(Bytes(key.bytes()).first(16), {text("rad"), text("ial")})),
            "11bbb29234738a37d64bee970952676f");
}

TEST(HmacBlake2s, MatchesPython) {
  EXPECT_EQ(to_hex(hmac_blake2s(counting_key().bytes(), {text("radial")}).bytes()),
            "b93dd11fed4b2c50c66bc2df74f01ed10d9efe0b9b2b0d95a4388d6faa2eed30");
}

TEST(Kdf, OneToThreeOutputs) {
  const std::string first = "87b7f70b24183c6db5dc4f6d9f4c47cdb203321aa2a0bef714896adb3107a040";
  const std::string second = "538a02e1eb2e31b7e4d4b82476d1fe2acf50085d3fb584537279195f5d1f5824";
  const std::string third = "9ad858025593be88de0f9442a589cfe84a88dc19e4753d93684d1c5efc4837f9";
  const auto key = counting_key();
  EXPECT_EQ(to_hex(kdf1(key, text("input")).bytes()), first);
  const auto two = kdf2(key, text("input"));
  EXPECT_EQ(to_hex(two.first.bytes()), first);
  EXPECT_EQ(to_hex(two.second.bytes()), second);
  const auto three = kdf3(key, text("input"));
  EXPECT_EQ(to_hex(three.first.bytes()), first);
  EXPECT_EQ(to_hex(three.second.bytes()), second);
  EXPECT_EQ(to_hex(three.third.bytes()), third);
}

TEST(X25519, Rfc7748Section5Vector) {
  Secret shared;
  ASSERT_TRUE(x25519(key_of<Secret>("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
                     key_of<PublicKey>("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"), shared));
  EXPECT_EQ(to_hex(shared.bytes()), "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552");
}

TEST(X25519, BothSidesAgree) {
  const auto entropy = system_entropy();
  const auto a = x25519_private(entropy);
  const auto b = x25519_private(entropy);
  Secret ab;
  Secret ba;
  ASSERT_TRUE(x25519(a, x25519_public(b), ab));
  ASSERT_TRUE(x25519(b, x25519_public(a), ba));
  EXPECT_TRUE(ab.equals(ba));
  EXPECT_EQ(a.bytes()[0] & 7, 0);
  EXPECT_EQ(a.bytes()[31] & 0xc0, 0x40);
}

TEST(X25519, ZeroResultIsRefused) {
  Secret shared = counting_key();
  EXPECT_FALSE(x25519(counting_key(), PublicKey(), shared));
  EXPECT_TRUE(shared.is_zero());
  // A point of order 8 (RFC 7748's curve).
  const auto small = key_of<PublicKey>("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800");
  EXPECT_FALSE(x25519(counting_key(), small, shared));
}

TEST(XChaCha20Poly1305, DraftAppendixA3) {
  const std::string plain =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be "
      "it.";
  const auto key = from_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
  const auto nonce = from_hex("404142434445464748494a4b4c4d4e4f5051525354555657");
  const auto associated = from_hex("50515253c0c1c2c3c4c5c6c7");
  std::vector<std::uint8_t> sealed(plain.size() + 16);
  xaead_seal(key, nonce, text(plain), associated, sealed);
  EXPECT_EQ(to_hex(std::span(sealed).first(16)), "bd6d179d3e83d43b9576579493c0e939");
  EXPECT_EQ(to_hex(std::span(sealed).last(16)), "c0875924c1c7987947deafd8780acf49");
  std::vector<std::uint8_t> opened(plain.size());
  EXPECT_TRUE(xaead_open(key, nonce, sealed, associated, opened));
  EXPECT_EQ(std::string(opened.begin(), opened.end()), plain);
  sealed[3] ^= 1;
  EXPECT_FALSE(xaead_open(key, nonce, sealed, associated, opened));
}

TEST(ConstantTime, Equality) {
  EXPECT_TRUE(equal_in_constant_time(text("abc"), text("abc")));
  EXPECT_FALSE(equal_in_constant_time(text("abc"), text("abd")));
  EXPECT_FALSE(equal_in_constant_time(text("abc"), text("ab")));
}

}  // namespace
}  // namespace radial::engine
