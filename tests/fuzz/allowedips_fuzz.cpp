// Cryptokey routing against a map searched from the longest prefix; changes and
// look-ups are read from the bytes, three addresses' worth of them overlapping.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "engine/allowedips/trie.h"
#include "engine/noise/peer.h"

namespace {

using namespace radial;
using namespace radial::engine;

Peer* naive_find(const std::map<Prefix, Peer*>& owners, const IpAddress& address) {
  for (int length = bits_of(address.family()); length >= 0; --length) {
    if (const auto found = owners.find(Prefix::of(address, length)); found != owners.end()) return found->second;
  }
  return nullptr;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  EpochDomain epochs;
  AllowedIps table(epochs);
  std::vector<std::unique_ptr<Peer>> peers;
  for (int i = 0; i < 4; ++i) peers.push_back(std::make_unique<Peer>(PublicKey()));
  std::map<Prefix, Peer*> naive;

  // Six bytes a step: operation and peer, length, four of address.
  for (std::span<const std::uint8_t> rest(data, size); rest.size() >= 6; rest = rest.subspan(6)) {
    std::array<std::uint8_t, 16> bytes{};
    std::copy_n(rest.begin() + 2, 4, bytes.begin() + (rest[0] & 0x40U ? 6 : 0));
    const bool v6 = (rest[0] & 0x80U) != 0;
    const auto address = IpAddress::from_bytes(std::span(bytes).first(v6 ? 16 : 4));
    const auto prefix = Prefix::of(address, rest[1] % (bits_of(address.family()) + 1));
    auto* peer = peers[rest[0] & 3U].get();
    auto wanted = naive;
    AllowedIps::Transaction change(table);
    switch (rest[0] >> 2U & 7U) {
      case 0: {
        const auto found = wanted.find(prefix);
        const bool there = found != wanted.end() && found->second == peer;
        if (change.remove(prefix, peer) != there) std::abort();
        if (there) wanted.erase(found);
        break;
      }
      case 1:
        change.remove_all(peer);
        std::erase_if(wanted, [&](const auto& entry) { return entry.second == peer; });
        break;
      default:
        change.insert(prefix, peer);
        wanted[prefix] = peer;
        break;
    }
    if ((rest[0] & 0x20U) == 0 || rest[1] % 3 != 0) {
      change.commit();
      naive = wanted;
    }
    if (table.lookup(address) != naive_find(naive, address)) std::abort();
    for (const auto& [one, owner] : naive) {
      if (table.lookup(one.address()) != naive_find(naive, one.address())) std::abort();
    }
    if (table.size() != naive.size()) std::abort();
    epochs.collect();
  }
  return 0;
}
