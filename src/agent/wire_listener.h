// Listens to what the WireGuard of each of this node's wires pushes, where it
// pushes (radial-wire): the log says which peer moved or does not answer,
// whoever waits for a first handshake hears of it at once, and so does who
// remembers where peers are. Nothing depends on it; with other implementations
// the caller's clock does.
//
// Threading: the io_context's thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

#include "compile/node_config.h"

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

 private:
  class Ear;
  void hear(const std::string& interface);

  boost::asio::io_context& loop_;
  Heard heard_;
  std::map<std::string, std::string> names_;  // of peers, by key
  std::map<std::string, std::unique_ptr<Ear>> ears_;  // by interface
};

}  // namespace radial::agent
