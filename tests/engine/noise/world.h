// Whole engines that talk through a scripted network on a fake clock. Nothing
// here waits: time jumps from one event to the next.
//
//   Node a --- Network (drop, delay, duplicate, damage) --- Node b, ...
//
// Each node has one UDP address and one inner address, and routes every other
// node's inner address to its peer.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "engine/noise/data_path.h"
#include "engine/noise/device.h"

namespace radial::engine::world {

using Buffer = std::vector<std::uint8_t>;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Repeatable "randomness" for keys and indices.
Entropy test_entropy(std::uint32_t seed);
// A private key from a seed, clamped.
Secret test_key(std::uint8_t seed);

// An IPv4 packet (protocol 253) that carries a number, `size` bytes long.
Buffer make_packet(const IpAddress& from, const IpAddress& to, std::uint32_t number, std::size_t size = 100,
                   std::uint8_t tos = 0);
std::uint32_t number_of(std::span<const std::uint8_t> packet);

struct Wire {  // a datagram under way
  std::size_t from = 0;  // node numbers
  UdpPath source, destination;
  Buffer bytes;
  std::uint8_t ds = 0;
};

class World;

class Node {
 public:
  Node(World& world, std::size_t number, ProtocolLimits limits);

  [[nodiscard]] Device& device() { return *device_; }
  [[nodiscard]] DataPath& path() { return *path_; }
  [[nodiscard]] PublicKey key() const { return x25519_public(test_key(static_cast<std::uint8_t>(number_ + 1))); }
  [[nodiscard]] IpAddress inner() const {
    return IpAddress::from_v4(0x0aff0000U + static_cast<std::uint32_t>(number_) + 1);
  }
  [[nodiscard]] const UdpPath& address() const { return address_; }
  void move_to(const UdpPath& address) { address_ = address; }

  // Adds (or changes) `other` as a peer, with its endpoint unless told not to.
  void add(const Node& other, bool with_endpoint = true, std::optional<std::uint16_t> keepalive = std::nullopt,
           const Secret* preshared_key = nullptr);
  // Forgets everything, as a process that was killed and started again.
  void restart();
  void configure(DeviceChange change);

  // Sends an inner packet; what seal() said of it.
  Outbound::Verdict send(const Node& to, std::uint32_t number, std::size_t size = 100);
  Outbound::Verdict send_packet(const Buffer& packet);
  void receive(const Wire& wire);
  void poll();

  [[nodiscard]] PeerStatus status_of(const Node& other) const;
  [[nodiscard]] std::size_t count(Event::Kind kind) const;

  std::vector<std::uint32_t> delivered;         // numbers, in order
  std::vector<Inbound::Verdict> verdicts;       // of data messages
  std::vector<Event> events;
  bool busy = false;                            // for receive_handshake
  std::chrono::nanoseconds wall_offset{};       // steps of the wall clock
  std::uint8_t ds_to_apply = 0;                 // outer DS of what it receives, when not 0
  std::vector<Buffer> packets;                  // as delivered

 private:
  friend class World;
  void flush(Actions& actions);
  [[nodiscard]] Now now() const;

  World& world_;
  std::size_t number_;
  ProtocolLimits limits_;
  UdpPath address_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<DataPath> path_;
  int life_ = 0;
};

// What becomes of a datagram: the delays after which copies of it arrive; none
// when it is lost. May change the bytes.
using Network = std::function<std::vector<std::chrono::nanoseconds>(Wire&)>;

class World {
 public:
  explicit World(std::size_t nodes, ProtocolLimits limits = {});
  [[nodiscard]] Node& operator[](std::size_t number) { return *nodes_[number]; }
  // Every node knows every other, with endpoints.
  void introduce_all();

  void run(std::chrono::nanoseconds time);
  void send(Wire wire);
  void inject(const Wire& wire) { enqueue(wire, milliseconds(0)); }  // past the network

  [[nodiscard]] Instant now() const { return now_; }
  // Messages of a type (1 to 4) that were sent, by anybody or by one node.
  [[nodiscard]] std::size_t sent(int type, std::optional<std::size_t> from = std::nullopt) const;
  [[nodiscard]] std::vector<Wire> sent_wires(int type) const;

  Network network;           // default: one copy after 10 ms
  std::vector<Wire> log;     // all that was sent, before the network had it
  std::mt19937 random{1};

 private:
  friend class Node;
  struct InFlight {
    Instant at;
    std::uint64_t order;
    Wire wire;
    bool operator>(const InFlight& other) const { return std::pair(at, order) > std::pair(other.at, other.order); }
  };
  void enqueue(Wire wire, std::chrono::nanoseconds delay);
  void deliver(const Wire& wire);

  Instant now_{seconds(1000)};
  WallTime wall_{std::chrono::seconds(1'700'000'000)};
  std::vector<std::unique_ptr<Node>> nodes_;
  std::priority_queue<InFlight, std::vector<InFlight>, std::greater<>> in_flight_;
  std::uint64_t order_ = 0;
};

}  // namespace radial::engine::world
