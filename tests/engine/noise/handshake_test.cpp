// The handshake against a model of it that shares no code with the engine:
// written down from section 5.4 of the paper on libsodium and OpenSSL's digest,
// with its own HMAC and HKDF.
#include "engine/noise/handshake.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "engine/noise/cookie.h"
#include "world.h"

namespace radial::engine {
namespace {

namespace model {

using B = std::vector<std::uint8_t>;

B operator+(B a, const B& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
B text(std::string_view s) { return {s.begin(), s.end()}; }

B hash(const B& input) {
  B out(32);
  unsigned size = 0;
  EVP_Digest(input.data(), input.size(), out.data(), &size, EVP_blake2s256(), nullptr);
  return out;
}
B hmac(B key, const B& input) {
  key.resize(64);
  B inner = key;
  B outer = key;
  for (auto& byte : inner) byte ^= 0x36;
  for (auto& byte : outer) byte ^= 0x5c;
  return hash(outer + hash(inner + input));
}
std::vector<B> kdf(int n, const B& key, const B& input) {
  const auto secret = hmac(key, input);
  std::vector<B> outputs;
  B previous;
  for (int i = 1; i <= n; ++i) {
    previous = hmac(secret, previous + B{static_cast<std::uint8_t>(i)});
    outputs.push_back(previous);
  }
  return outputs;
}
B dh(const B& secret, const B& pub) {
  B out(32);
  EXPECT_EQ(crypto_scalarmult(out.data(), secret.data(), pub.data()), 0);
  return out;
}
B pub(const B& secret) {
  B out(32);
  crypto_scalarmult_base(out.data(), secret.data());
  return out;
}
B aead(const B& key, const B& plain, const B& associated) {
  const B nonce(12);
  B out(plain.size() + 16);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plain.data(), plain.size(), associated.data(),
                                            associated.size(), nullptr, nonce.data(), key.data());
  return out;
}

// Keyed BLAKE2s of 16 bytes, which the tests of the primitives hold against its authors'.
B mac(const B& key, const B& input) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> algorithm(EVP_MAC_fetch(nullptr, "BLAKE2SMAC", nullptr),
                                                                    &EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(EVP_MAC_CTX_new(algorithm.get()),
                                                                          &EVP_MAC_CTX_free);
  B out(16);
  std::size_t size = out.size();
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
  EXPECT_EQ(EVP_MAC_init(context.get(), key.data(), key.size(), parameters), 1);
  EXPECT_EQ(EVP_MAC_update(context.get(), input.data(), input.size()), 1);
  EXPECT_EQ(EVP_MAC_final(context.get(), out.data(), &size, out.size()), 1);
  return out;
}
B mac1(const B& receiver, const B& message) { return mac(hash(text("mac1----") + receiver), message); }

// From section 5.4.7: the reply to a message with this mac1.
B cookie_reply(const B& index, const B& nonce, const B& cookie, const B& sender, const B& last_mac1) {
  const auto key = hash(text("cookie--") + sender);
  B sealed(32);
  crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data(), nullptr, cookie.data(), cookie.size(), last_mac1.data(),
                                             last_mac1.size(), nullptr, nonce.data(), key.data());
  return B{3, 0, 0, 0} + index + nonce + sealed;
}

struct Result {
  B initiation, response;  // up to, without, the MACs
  B initiator_sends, initiator_receives;
};

Result run(const B& si, const B& sr, const B& ei, const B& er, const B& psk, const B& timestamp, const B& index_i,
           const B& index_r) {
  Result result;
  auto c = hash(text("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"));
  auto h = hash(c + text("WireGuard v1 zx2c4 Jason@zx2c4.com"));
  h = hash(h + pub(sr));

  c = kdf(1, c, pub(ei))[0];
  h = hash(h + pub(ei));
  auto ck = kdf(2, c, dh(ei, pub(sr)));
  const auto sealed_static = aead(ck[1], pub(si), h);
  h = hash(h + sealed_static);
  ck = kdf(2, ck[0], dh(si, pub(sr)));
  const auto sealed_timestamp = aead(ck[1], timestamp, h);
  h = hash(h + sealed_timestamp);
  result.initiation = B{1, 0, 0, 0} + index_i + pub(ei) + sealed_static + sealed_timestamp;

  c = kdf(1, ck[0], pub(er))[0];
  h = hash(h + pub(er));
  c = kdf(1, c, dh(er, pub(ei)))[0];
  c = kdf(1, c, dh(er, pub(si)))[0];
  const auto three = kdf(3, c, psk);
  h = hash(h + three[1]);
  const auto nothing = aead(three[2], {}, h);
  result.response = B{2, 0, 0, 0} + index_r + index_i + pub(er) + nothing;

  const auto keys = kdf(2, three[0], {});
  result.initiator_sends = keys[0];
  result.initiator_receives = keys[1];
  return result;
}

}  // namespace model

using model::B;

B bytes_of(const Secret& secret) { return {secret.bytes().begin(), secret.bytes().end()}; }

struct Parties {
  Identity initiator{world::test_key(1)}, responder{world::test_key(2)};
  Secret ephemeral_i = world::test_key(3), ephemeral_r = world::test_key(4);
  Secret shared, preshared = world::test_key(5);
  Tai64n timestamp = tai64n(WallTime(std::chrono::seconds(1'700'000'000)));

  Parties() { EXPECT_TRUE(x25519(initiator.private_key, responder.public_key, shared)); }
  [[nodiscard]] RemoteKeys of_responder() const { return {responder.public_key, shared, preshared}; }
  [[nodiscard]] RemoteKeys of_initiator() const { return {initiator.public_key, shared, preshared}; }
};

TEST(Handshake, IsThePapersByteForByte) {
  const Parties p;
  std::array<std::uint8_t, initiation::size> first{};
  std::array<std::uint8_t, response::size> second{};
  Handshake i;
  ASSERT_TRUE(
      create_initiation(i, p.initiator, p.of_responder(), p.ephemeral_i.clone(), p.timestamp, 0x01020304, first));
  auto opened = open_initiation(p.responder, first);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->remote_static, p.initiator.public_key);
  const auto timestamp = finish_initiation(*opened, p.shared, first);
  ASSERT_TRUE(timestamp);
  EXPECT_EQ(*timestamp, p.timestamp);
  auto r = adopt(std::move(*opened));
  ASSERT_TRUE(create_response(r, p.of_initiator(), p.ephemeral_r.clone(), 0xa0b0c0d0, second));
  ASSERT_TRUE(consume_response(i, p.initiator, p.preshared, second));

  const auto expected = model::run(bytes_of(p.initiator.private_key), bytes_of(p.responder.private_key),
                                   bytes_of(p.ephemeral_i), bytes_of(p.ephemeral_r), bytes_of(p.preshared),
                                   {p.timestamp.begin(), p.timestamp.end()}, {4, 3, 2, 1}, {0xd0, 0xc0, 0xb0, 0xa0});
  EXPECT_EQ(B(first.begin(), first.begin() + initiation::mac1), expected.initiation);
  EXPECT_EQ(B(second.begin(), second.begin() + response::mac1), expected.response);

  const auto of_initiator = derive_session(i);
  const auto of_responder = derive_session(r);
  EXPECT_TRUE(of_initiator.initiator);
  EXPECT_FALSE(of_responder.initiator);
  EXPECT_EQ(bytes_of(of_initiator.send), expected.initiator_sends);
  EXPECT_EQ(bytes_of(of_initiator.receive), expected.initiator_receives);
  EXPECT_EQ(bytes_of(of_responder.send), expected.initiator_receives);
  EXPECT_EQ(bytes_of(of_responder.receive), expected.initiator_sends);
}

TEST(Handshake, ItsMacsAndCookiesAreThePapersByteForByte) {
  const Parties p;
  const ProtocolLimits limits;
  const Instant now(std::chrono::seconds(100));
  std::array<std::uint8_t, initiation::size> first{};
  std::array<std::uint8_t, response::size> second{};
  Handshake i;
  ASSERT_TRUE(
      create_initiation(i, p.initiator, p.of_responder(), p.ephemeral_i.clone(), p.timestamp, 0x01020304, first));
  auto opened = open_initiation(p.responder, first);
  ASSERT_TRUE(opened && finish_initiation(*opened, p.shared, first));
  auto r = adopt(std::move(*opened));
  ASSERT_TRUE(create_response(r, p.of_initiator(), p.ephemeral_r.clone(), 0xa0b0c0d0, second));

  const auto whole = [](const auto& message) { return B(message.begin(), message.end()); };
  const auto bytes_of_key = [](const PublicKey& key) { return B(key.bytes().begin(), key.bytes().end()); };
  const auto to_responder = bytes_of_key(p.responder.public_key);
  const auto to_initiator = bytes_of_key(p.initiator.public_key);
  using model::operator+;

  const B initiation_before(first.begin(), first.begin() + initiation::mac1);
  CookieJar initiators(p.responder.public_key);
  initiators.sign(first, now, limits);
  const auto first_mac1 = model::mac1(to_responder, initiation_before);
  EXPECT_EQ(whole(first), initiation_before + first_mac1 + B(16)) << "no cookie, no mac2";
  const B response_before(second.begin(), second.begin() + response::mac1);
  CookieJar responders(p.initiator.public_key);
  responders.sign(second, now, limits);
  EXPECT_EQ(whole(second), response_before + model::mac1(to_initiator, response_before) + B(16));

  // Under load: the first entropy is the secret, the second the nonce.
  std::uint8_t drawn = 0;
  CookieChecker checker([&](MutableBytes out) { std::ranges::fill(out, ++drawn); });
  checker.set_public_key(p.responder.public_key);
  const auto from = UdpPath::to(*IpAddress::parse("192.0.2.7"), 0x1234);
  EXPECT_FALSE(checker.mac2_is_right(first, from, now, limits));
  const auto cookie = model::mac(B(32, 1), {192, 0, 2, 7, 0x12, 0x34});
  const auto reply = checker.reply(first, from, now, limits);
  EXPECT_EQ(whole(reply), model::cookie_reply({4, 3, 2, 1}, B(24, 2), cookie, to_responder, first_mac1));
  ASSERT_TRUE(initiators.consume(reply, now));
  initiators.sign(first, now, limits);
  EXPECT_EQ(whole(first), initiation_before + first_mac1 + model::mac(cookie, initiation_before + first_mac1));
}

TEST(Handshake, EveryFlippedBitOfAnInitiationIsRefused) {
  const Parties p;
  std::array<std::uint8_t, initiation::size> message{};
  Handshake i;
  ASSERT_TRUE(create_initiation(i, p.initiator, p.of_responder(), p.ephemeral_i.clone(), p.timestamp, 7, message));
  // The sender index is covered by mac1 alone, which is the device's to check.
  for (std::size_t bit = initiation::ephemeral * 8; bit < initiation::mac1 * 8; ++bit) {
    // X25519 ignores the top bit of a point (RFC 7748), the hash does not.
    auto damaged = message;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    auto opened = open_initiation(p.responder, damaged);
    if (!opened) continue;
    ASSERT_FALSE(finish_initiation(*opened, p.shared, damaged)) << bit;
  }
}

TEST(Handshake, EveryFlippedBitOfAResponseIsRefusedAndHarmless) {
  const Parties p;
  std::array<std::uint8_t, initiation::size> first{};
  std::array<std::uint8_t, response::size> second{};
  Handshake i;
  ASSERT_TRUE(create_initiation(i, p.initiator, p.of_responder(), p.ephemeral_i.clone(), p.timestamp, 7, first));
  auto opened = open_initiation(p.responder, first);
  ASSERT_TRUE(opened && finish_initiation(*opened, p.shared, first));
  auto r = adopt(std::move(*opened));
  ASSERT_TRUE(create_response(r, p.of_initiator(), p.ephemeral_r.clone(), 8, second));
  for (std::size_t bit = response::receiver * 8; bit < response::mac1 * 8; bit += 3) {
    auto damaged = second;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    ASSERT_FALSE(consume_response(i, p.initiator, p.preshared, damaged)) << bit;
  }
  EXPECT_FALSE(consume_response(i, p.initiator, Secret(), second)) << "another preshared key";
  EXPECT_TRUE(consume_response(i, p.initiator, p.preshared, second)) << "the failures must not have spoilt it";
  EXPECT_FALSE(consume_response(i, p.initiator, p.preshared, second)) << "a second time";
}

TEST(Handshake, DegenerateKeysAreRefused) {
  const Parties p;
  std::array<std::uint8_t, initiation::size> message{};
  Handshake i;
  EXPECT_FALSE(create_initiation(i, p.initiator, {PublicKey(), p.shared, p.preshared}, p.ephemeral_i.clone(),
                                 p.timestamp, 7, message));
  EXPECT_FALSE(create_initiation(i, p.initiator, {p.responder.public_key, Secret(), p.preshared},
                                 p.ephemeral_i.clone(), p.timestamp, 7, message));
  EXPECT_EQ(i.state, Handshake::State::none);
}

}  // namespace
}  // namespace radial::engine
