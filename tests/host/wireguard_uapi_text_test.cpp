#include "host/wg_uapi_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire_model.h"

namespace radial::host {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string hex_1 = "e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a";
const std::string hex_2 = "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33";

std::string_view view(const SecretText& text) { return {text.data(), text.size()}; }

TEST(UapiSet, IsWrittenAsTheProtocolSays) {
  const auto own = PrivateKey::parse("yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=").value();
  const auto preshared = PresharedKey::parse_hex(std::string(64, 'a')).value();
  WireChange change;
  change.interface = "wg0";
  change.private_key = &own;
  change.listen_port = 51820;
  change.fwmark = 16;
  PeerChange fresh;
  fresh.public_key = PublicKey::parse_hex(hex_1).value();
  fresh.add = true;
  fresh.preshared_key = &preshared;
  fresh.endpoint = Endpoint::parse("[2001:db8::1]:51820").value();
  fresh.keepalive = 25;
  fresh.add_allowed_ips = {test_prefix("10.1.0.0/16"), test_prefix("fd00:1::/64")};
  PeerChange other;
  other.public_key = PublicKey::parse_hex(hex_2).value();
  other.remove_allowed_ips = {test_prefix("10.9.0.0/16")};
  PeerChange replaced;
  replaced.public_key = PublicKey::parse_hex(hex_2).value();
  replaced.replace_allowed_ips = {{test_prefix("10.8.0.0/16")}};
  PeerChange gone;
  gone.public_key = PublicKey::parse_hex(hex_1).value();
  gone.remove = true;
  change.peers = {fresh, other, replaced, gone};

  const std::string head =
      "set=1\n"
      "private_key=c809f3e5317e9575c9b5ed78b638b7ce530dabe85ddab6142202418" "01ddf0669\n"
      "listen_port=51820\n"
      "fwmark=16\n"
      "public_key=" + hex_1 + "\n"
      "preshared_key=" + std::string(64, 'a') + "\n"
      "endpoint=[2001:db8::1]:51820\n"
      "persistent_keepalive_interval=25\n"
      "allowed_ip=10.1.0.0/16\n"
      "allowed_ip=fd00:1::/64\n"
      "public_key=" + hex_2 + "\n"
      "update_only=true\n"
      "replace_allowed_ips=true\n"
      "allowed_ip=10.8.0.0/16\n";
  const std::string tail = "public_key=" + hex_1 + "\nupdate_only=true\nremove=true\n\n";
  const auto passing = test_key(9);
  EXPECT_EQ(view(render_uapi_set(change, operations_of(change, true, passing))),
            head + "public_key=" + hex_2 + "\nupdate_only=true\nallowed_ip=-10.9.0.0/16\n" + tail);
  EXPECT_EQ(view(render_uapi_set(change, operations_of(change, false, passing))),
            head + "public_key=" + passing.to_hex() + "\nallowed_ip=10.9.0.0/16\n" +
                "public_key=" + passing.to_hex() + "\nupdate_only=true\nremove=true\n" + tail);
}

TEST(UapiSet, AsksForMulticastInRadialWiresWords) {
  WireChange change;
  change.multicast = true;
  EXPECT_EQ(view(render_uapi_set(change, {})), "set=1\nradial_multicast=true\n\n");
  change.multicast = false;
  EXPECT_EQ(view(render_uapi_set(change, {})), "set=1\nradial_multicast=false\n\n");
}

TEST(UapiGet, KnowsWhetherMulticastCanBeCopied) {
  EXPECT_EQ(parse_uapi_get("listen_port=1\nerrno=0\n\n").value().multicast, std::nullopt);
  EXPECT_EQ(parse_uapi_get("radial_multicast=true\nerrno=0\n\n").value().multicast, true);
  EXPECT_EQ(parse_uapi_get("radial_multicast=false\nerrno=0\n\n").value().multicast, false);
  EXPECT_FALSE(parse_uapi_get("radial_multicast=1\nerrno=0\n\n"));
}

TEST(UapiGet, ReadsAWholeDevice) {
  const auto own = PrivateKey::parse("yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=").value();
  const auto preshared = PresharedKey::parse_hex(std::string(64, 'b')).value();
  const auto wire = parse_uapi_get(
      "private_key=" + own.reveal_hex() + "\nlisten_port=51820\nfwmark=7\n"
      "public_key=" + hex_1 + "\npreshared_key=" + std::string(64, 'b') + "\nprotocol_version=1\n"
      "endpoint=[fe80::1%eth0]:40000\nlast_handshake_time_sec=1700000000\nlast_handshake_time_nsec=500000000\n"
      "tx_bytes=38333\nrx_bytes=2224\npersistent_keepalive_interval=111\n"
      "allowed_ip=fd00::/64\nallowed_ip=10.0.0.0/8\nsomething_new=1\n"
      "public_key=" + hex_2 + "\npreshared_key=" + std::string(64, '0') + "\nlast_handshake_time_sec=0\n"
      "last_handshake_time_nsec=0\nendpoint=198.51.100.7:0\n"
      "errno=0\n\n");
  ASSERT_TRUE(wire) << wire.error().message;
  EXPECT_EQ(wire->public_key, own.public_key());
  EXPECT_EQ(wire->listen_port, 51820);
  EXPECT_EQ(wire->fwmark, 7U);
  ASSERT_EQ(wire->peers.size(), 2U);
  const auto& bare = wire->peers[0];  // sorted by key: b8... before e8...
  EXPECT_EQ(bare.public_key.to_hex(), hex_2);
  EXPECT_FALSE(bare.has_preshared_key);
  EXPECT_FALSE(bare.last_handshake);
  EXPECT_FALSE(bare.endpoint) << "port 0 is nowhere to send to";
  const auto& full = wire->peers[1];
  EXPECT_TRUE(full.has_preshared_key);
  EXPECT_EQ(full.preshared_digest, digest_of(preshared));
  EXPECT_EQ(full.endpoint, Endpoint::parse("[fe80::1]:40000").value());
  EXPECT_EQ(full.keepalive, 111);
  EXPECT_EQ(full.rx_bytes, 2224U);
  EXPECT_EQ(full.tx_bytes, 38333U);
  ASSERT_TRUE(full.last_handshake);
  EXPECT_EQ(full.last_handshake->time_since_epoch(), std::chrono::milliseconds(1'700'000'000'500));
  EXPECT_EQ(full.allowed_ips, (std::vector{test_prefix("10.0.0.0/8"), test_prefix("fd00::/64")}));
}

TEST(UapiGet, RefusesWhatIsMalformedWithoutRepeatingSecrets) {
  const std::string peer = "public_key=" + hex_1 + "\n";
  for (const auto& text : {
           std::string(),
           std::string("listen_port=51820\n\n"),                 // no errno
           std::string("listen_port=70000\nerrno=0\n\n"),
           std::string("listen_port=+1\nerrno=0\n\n"),
           std::string("fwmark=0x10\nerrno=0\n\n"),
           std::string("nonsense\nerrno=0\n\n"),
           std::string("allowed_ip=10.0.0.0/8\nerrno=0\n\n"),    // before any peer
           std::string("public_key=abc\nerrno=0\n\n"),
           std::string("private_key=feedfeed\nerrno=0\n\n"),
           peer + "allowed_ip=10.0.0.1/8\nerrno=0\n\n",
           peer + "allowed_ip=10.0.0.0\nerrno=0\n\n",
           peer + "rx_bytes=-1\nerrno=0\n\n",
           peer + "preshared_key=feedfeed\nerrno=0\n\n",
           peer + "last_handshake_time_nsec=1000000000\nerrno=0\n\n",
           peer + "last_handshake_time_sec=99999999999999999\nerrno=0\n\n",
           peer + "persistent_keepalive_interval=65536\nerrno=0\n\n",
       }) {
    const auto wire = parse_uapi_get(text);
    ASSERT_FALSE(wire) << text;
    EXPECT_EQ(wire.error().code, Errc::protocol) << text;
    EXPECT_THAT(wire.error().message, Not(HasSubstr("feed")));
  }
}

TEST(UapiErrno, IsReportedWithItsName) {
  const auto wire = parse_uapi_get("errno=-1\n\n");
  ASSERT_FALSE(wire);
  EXPECT_EQ(wire.error().code, Errc::permission_denied);
  const auto in_use = parse_uapi_set("errno=-98\n\n");
  ASSERT_FALSE(in_use);
  EXPECT_EQ(in_use.error().sys_errno, EADDRINUSE);
  EXPECT_TRUE(parse_uapi_set("errno=0\n\n"));
  EXPECT_FALSE(parse_uapi_set("errno=x\n\n"));
  EXPECT_FALSE(parse_uapi_set("\n\n"));
}

}  // namespace
}  // namespace radial::host
