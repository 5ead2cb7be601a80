// At a hub, while a site's key is being replaced: both of its keys are peers of
// the wire, and AllowedIPs belong to one. They go to the new one as soon as it
// has shaken hands, which only its site can do.
// Threading: the io_context's thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <set>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/key.h"
#include "compile/node_config.h"
#include "host/wireguard.h"

namespace radial::agent {

class KeyArrivals {
 public:
  // `due`: it is time to look(), many times a second while it watches. The wireguard is borrowed.
  KeyArrivals(boost::asio::io_context& loop, host::WireGuard& wireguard, std::function<void()> due);

  // The next keys of `assigned` are waited for from now on; what arrived before stays so.
  void follow(const NodeConfig& assigned);
  // Asks the wires. Whether a key arrived that had not.
  [[nodiscard]] bool look();
  // With each next key that has arrived in its peer's place, and the one before beside it.
  [[nodiscard]] NodeConfig with_arrived(NodeConfig assigned) const;
  // A site may change to its next key any moment now: what it sends is lost until that is noticed here.
  void watch();

 private:
  void watch_on();

  host::WireGuard& wireguard_;
  std::function<void()> due_;
  boost::asio::steady_timer timer_;
  std::map<PublicKey, std::string> awaited_;  // and on which wire
  std::set<PublicKey> arrived_;
  bool watching_ = false;
  std::chrono::steady_clock::time_point ends_{};  // of the watch
};

}  // namespace radial::agent
