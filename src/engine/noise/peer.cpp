#include "engine/noise/peer.h"

#include "engine/noise/device_impl.h"

namespace radial::engine {

Peer::Peer(const PublicKey& key) : key_(key), state_(std::make_unique<PeerState>(key)) {}
Peer::~Peer() = default;

}  // namespace radial::engine
