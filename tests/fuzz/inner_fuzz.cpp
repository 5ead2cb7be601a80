// What a peer that has a session may put inside it: anything. Each packet is
// sealed as it is given and must come out as a few lines of the oracle below
// say: refused, or whole, from an address of the peer's, and changed in nothing
// but ECN (RFC 6040) and what that does to the checksum.
//
// First byte: TOS of the outer header. Then packets for one batch, each behind
// two bytes of length.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "../engine/noise/world.h"
#include "../engine/tunnel/naive_packet.h"

namespace {

using namespace radial::engine;
using namespace radial::engine::world;
using radial::IpAddress;
using radial::Prefix;
using Verdict = Inbound::Verdict;

// Node 0, the peer, owns its inner address and 2001:db8::/32.
struct Session {
  World w{2};
  Peer* receiver = nullptr;  // as node 0 knows it
  std::unique_ptr<Aead> aead = make_best_aead();

  Session() {
    w.introduce_all();
    DeviceChange change;
    change.peers.emplace_back().key = w[0].key();
    change.peers[0].allowed_ips.push_back({*Prefix::parse("2001:db8::/32")});
    w[1].configure(std::move(change));
    w[0].send(w[1], 1);
    w.run(seconds(1));
    receiver = w[0].device().peers()[0];
    if (w[1].packets.size() != 1 || receiver->current() == nullptr) std::abort();
  }

  // Of its own length: seal() would pad it.
  Buffer sealed(const Buffer& inner) {
    auto& keypair = *receiver->current();
    const auto counter = *keypair.reserve(1, UINT64_MAX);
    Buffer message(data::overhead + inner.size());
    store_u32(message.data(), static_cast<std::uint32_t>(MessageType::data));
    store_u32(message.data() + data::receiver, keypair.remote_index());
    store_u64(message.data() + data::counter, counter);
    AeadJob job{&keypair.send_key(), counter, inner.data(), message.data() + data::header_size, inner.size()};
    aead->seal(std::span(&job, 1));
    return message;
  }
};

struct Judgement {
  Verdict verdict;
  std::size_t size = 0;  // of the packet, without what is behind it
};

Judgement judge(const Buffer& inner, const IpAddress& v4_of_peer) {
  if (inner.empty()) return {Verdict::keepalive};
  const int version = inner[0] >> 4;
  const std::size_t header = version == 4 ? 20 : 40;
  if ((version != 4 && version != 6) || inner.size() < header) return {Verdict::bad_packet};
  const std::size_t size = version == 4 ? inner[2] * 256U + inner[3] : 40 + inner[4] * 256U + inner[5];
  if (size < header || size > inner.size()) return {Verdict::bad_packet};
  const bool own = version == 4 ? std::equal(inner.begin() + 12, inner.begin() + 16, v4_of_peer.bytes().begin())
                                : inner[8] == 0x20 && inner[9] == 0x01 && inner[10] == 0x0d && inner[11] == 0xb8;
  return {own ? Verdict::deliver : Verdict::bad_source, size};
}

// RFC 6040, figure 4, as Linux does it: a mark that the inner packet cannot carry is not dropped for.
std::uint8_t ecn_of(std::uint8_t outer, std::uint8_t inner) {
  constexpr std::uint8_t table[4][4] = {{0, 1, 2, 3}, {0, 1, 1, 3}, {0, 1, 2, 3}, {0, 3, 3, 3}};
  return table[outer & 3U][inner & 3U];
}

// Where its two bits are, and how far up in that byte.
std::uint8_t with_ecn(Buffer& packet, std::optional<std::uint8_t> fresh = {}) {
  const bool v4 = packet[0] >> 4 == 4;
  const unsigned up = v4 ? 0 : 4;
  if (fresh) packet[1] = static_cast<std::uint8_t>((packet[1] & ~(3U << up)) | unsigned{*fresh} << up);
  return packet[1] >> up & 3U;
}

void check(const Inbound& in, const Buffer& given, const Judgement& judgement, std::uint8_t outer) {
  if (in.verdict != judgement.verdict || in.peer == nullptr) std::abort();
  if (in.verdict != Verdict::deliver) return;
  Buffer expected(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(judgement.size));
  const auto before = with_ecn(expected);
  const auto after = ecn_of(outer, before);
  Buffer got(in.inner.begin(), in.inner.end());
  if (got.size() != expected.size() || with_ecn(got) != after) std::abort();
  if (before != after && expected[0] >> 4 == 4) {
    // A checksum that was right stays right, and one that was wrong as wrong as it was.
    if (radial::naive::sum(got, 0, 20) % 0xffff != radial::naive::sum(expected, 0, 20) % 0xffff) std::abort();
    got[10] = expected[10];
    got[11] = expected[11];
  }
  with_ecn(expected, after);
  if (got != expected) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Session session;
  if (size == 0) return 0;
  const auto outer = data[0];
  std::span input(data + 1, size - 1);
  std::vector<Buffer> given;
  while (input.size() >= 2) {
    const std::size_t length = std::min<std::size_t>(input[0] * 256U + input[1], input.size() - 2);
    given.emplace_back(input.begin() + 2, input.begin() + 2 + static_cast<std::ptrdiff_t>(length));
    input = input.subspan(2 + length);
  }
  std::vector<Buffer> messages;
  messages.reserve(given.size());
  for (const auto& packet : given) messages.push_back(session.sealed(packet));
  const auto from = session.w[0].address();
  std::vector<Inbound> batch(messages.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i].message = messages[i].data();
    batch[i].length = static_cast<std::uint32_t>(messages[i].size());
    batch[i].from = &from;
    batch[i].outer_ds = outer;
  }
  Actions actions;
  const auto section = session.w[1].path().enter();
  session.w[1].path().open(batch, {session.w.now(), {}}, actions);
  for (std::size_t i = 0; i < batch.size(); ++i)
    check(batch[i], given[i], judge(given[i], session.w[0].inner()), outer);
  return 0;
}
