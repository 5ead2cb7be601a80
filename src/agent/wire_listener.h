// Listens to what the WireGuard of each of this node's wires pushes, where it
// pushes (radial-wire): the log says which peer moved, does not answer, or sends
// from addresses that are not its own; whoever waits for a first handshake hears of it at once, and so does who
// remembers where peers are. Nothing depends on it; with other implementations
// the caller's clock does.
//
// Threading: the io_context's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "compile/node_config.h"
#include "observe/snapshot.h"

namespace radial::agent {

class WireListener {
 public:
  struct Heard {
    std::function<void()> handshake;  // a peer of some wire made a session
    std::function<void(const PublicKey&, const Endpoint&)> place;  // where a peer is, maybe not for the first time
  };
  WireListener(boost::asio::io_context& loop, Heard heard);
  ~WireListener();

  // The wires to listen to; call it again whenever they may have changed or come back.
  void follow(const NodeConfig& config);
  // Adds to each peer how much of it was dropped as its source was not its own.
  void add_foreign(std::vector<observe::WireHealth>& wires) const;

 private:
  using Clock = std::chrono::steady_clock;
  // Packets from addresses that are not the peer's.
  struct Foreign {
    std::uint64_t packets = 0;
    Clock::time_point heard;
    Clock::time_point told;  // in the log
  };
  class Ear;
  void hear(const std::string& interface);
  void hear_foreign(const std::string& interface, const std::string& name, const PublicKey& peer, std::uint64_t packets);

  boost::asio::io_context& loop_;
  Heard heard_;
  std::map<PublicKey, std::string> names_;  // of peers
  std::map<std::string, std::unique_ptr<Ear>> ears_;  // by interface
  std::map<PublicKey, Foreign> foreign_;
};

}  // namespace radial::agent
