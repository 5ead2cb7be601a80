#include "base/key.h"

#include <type_traits>

#include <gtest/gtest.h>

namespace radial {
namespace {

// RFC 7748 section 6.1.
TEST(PrivateKey, PublicKeyAsInRfc7748) {
  auto key = PrivateKey::parse("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->public_key().to_hex(), "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
}

TEST(Secret, IsWipedWhenMovedFromAndCannotBeCopied) {
  auto secret = Secret::random();
  const auto moved = std::move(secret);
  EXPECT_TRUE(secret.is_zero());  // NOLINT: the point of the test
  EXPECT_FALSE(moved.is_zero());
  static_assert(!std::is_copy_constructible_v<Secret>);
  static_assert(!fmt::is_formattable<Secret>::value);
}

TEST(PublicKey, RoundTripsAndNeverQuotesABadKey) {
  const auto key = PrivateKey::generate().public_key();
  EXPECT_EQ(PublicKey::parse(key.to_string()).value(), key);
  EXPECT_EQ(PublicKey::parse_hex(key.to_hex()).value(), key);
  const auto bad = PublicKey::parse("hunter2");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().message.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace radial
