// Where the peers of this node's wires are: names resolved (resolver.h), one of several endpoints dialled
// (dialler.h), and where each was last seen, over restarts (peer_places.h).
// Threading: the io_context's thread only; nothing blocks but the writing of a small file.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "agent/complaints.h"
#include "agent/dialler.h"
#include "agent/peer_places.h"
#include "agent/resolver.h"
#include "base/ip.h"
#include "base/key.h"
#include "compile/node_config.h"
#include "host/wireguard.h"
#include "observe/snapshot.h"

namespace radial::agent {

class PeerEndpoints {
 public:
  // `resolved`: a name has another address than before. A file of places that is lost costs seconds only.
  PeerEndpoints(boost::asio::io_context& loop, std::filesystem::path places, std::function<void()> resolved);

  // Where to send a peer's packets, numeric: of its `endpoints` one, and where it has none the place where it was
  // seen. Nothing while no address is known. The dialler goes on from what is chosen.
  [[nodiscard]] std::optional<Endpoint> choose(const PublicKey& peer, const std::vector<Endpoint>& endpoints);
  // The same, and nothing is chosen by it: for a plan.
  [[nodiscard]] std::optional<Endpoint> would_choose(const PublicKey& peer, const std::vector<Endpoint>& endpoints);
  // All addresses that are known of `endpoints`.
  [[nodiscard]] std::vector<Endpoint> resolve(const std::vector<Endpoint>& endpoints) { return resolver_.resolve(endpoints); }

  // A peer went back to an endpoint that it was moved away from: it is to be dialled once more.
  struct Insistence {
    const Wire& wire;
    const WirePeer& peer;
    Endpoint at;
  };
  struct Watch {
    bool redial = false;  // another endpoint is the choice now
    std::vector<Insistence> insist;
  };
  // About once a second: which of the peers that `config` dials have fallen silent. It is borrowed by the answer.
  [[nodiscard]] Watch watch(const NodeConfig& config, host::WireGuard& wireguard, DialTime now);

  void remember(const PublicKey& peer, const Endpoint& place) { places_.remember(peer, place); }
  // Once in a while: the places of those who are peers still.
  void save_when_due(const NodeConfig& config, PeerPlaces::Time now);
  void save();

  // Peers that answer from where the fabric does not have them. A wrong endpoint hides behind roaming: the hub's
  // own packets lead this node back, until it starts anew and dials.
  [[nodiscard]] Complaints complaints(const NodeConfig& config, const observe::Snapshot& snapshot);
  // Names that could not be resolved.
  [[nodiscard]] std::vector<std::string> problems() const;

 private:
  std::vector<Endpoint> addresses(const PublicKey& peer, const std::vector<Endpoint>& endpoints);

  Resolver resolver_;
  Dialler dialler_;
  PeerPlaces places_;
};

}  // namespace radial::agent
