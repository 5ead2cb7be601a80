// The cure for two failures of FRR's ospfd on NBMA wires. RFC 2328, section 13.4:
// a router that is handed an old LSA of its own originates a newer one, or
// withdraws it. FRR (8.4, and later ones too) does the former on broadcast
// networks only: a designated router on NBMA that was restarted is handed its
// former network-LSA by the first site, withdraws it, and has none while every
// neighbour is Full. No route returns, ever.
//
// It originates one again whenever the count of its Full neighbours changes, so
// it is enough to bounce one adjacency; but the sites hold the withdrawn LSA
// for up to 60 s and answer with it, unless their ospfd was told to let go at
// once (Frr::hasten_lsa_removal, for every router on the wire). Measured: with
// it the first bounce brought every route back in 1.2 to 1.6 s (17 of 17
// restarts); without it as many bounces are needed as the old LSA is newer, or
// a minute; clearing the whole process takes 8 s and fails just so.
//
// The other is a site's to cure: the hub has its network-LSA, acknowledged by
// all, and a site does not, as it threw it away beside the older one that was
// being withdrawn (both sites, once in some fifty restarts of a busy machine). They
// are Full, so nobody sends it again before the next refresh, in half an hour. A
// new database exchange brings it.
//
// Pure: observations and `now` in, an action out. One object a wire.
#pragma once

#include <chrono>
#include <optional>

namespace radial::host {

struct NbmaObservation {
  bool network_lsa = false;  // the hub's (the designated router's) is in our database: Frr::has_network_lsa
  int full = 0;              // neighbours of the wire in state Full
  int not_full = 0;          // the others: not heard, or not Full yet
};

enum class NbmaAction {
  none,
  clear_neighbor,  // Frr::clear_ospf_neighbor of any one that is Full
  clear_process,   // Frr::clear_ospf_process: the others did not help
};

class NbmaRepair {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;

  // `patience`: how long the failure must stand before it is taken for one:
  // long enough for the sites to let go of the withdrawn LSA. `settle`: how
  // long a cure is given before the next. By the time of the last resort even
  // sites that were not hastened have let go.
  explicit NbmaRepair(Duration patience = std::chrono::milliseconds(2500), Duration settle = std::chrono::seconds(8))
      : patience_(patience), settle_(settle) {}

  // A site waits until the hub must have cured itself.
  [[nodiscard]] static NbmaRepair of_site() { return NbmaRepair(std::chrono::seconds(12), std::chrono::seconds(15)); }

  // To be called about once a second with what is seen now.
  NbmaAction step(Time now, const NbmaObservation& seen);

 private:
  Duration patience_;
  Duration settle_;
  std::optional<Time> failing_since_;
  std::optional<Time> acted_at_;
  int cures_ = 0;  // since it was last healthy
};

}  // namespace radial::host
