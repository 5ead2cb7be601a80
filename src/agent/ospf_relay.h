// Passes on what a site says over OSPF to the other sites of a multipoint wire, where
// FRR would wait: why, and what it never does, stands in host/ospf_reflood.h.
// Hears by a raw socket what nftables lets in, so nothing of a site that is cut off.
// Threading: the io_context's thread.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/fd.h"
#include "base/result.h"
#include "compile/node_config.h"
#include "host/ospf_reflood.h"

namespace radial::agent {

class OspfRelay {
 public:
  explicit OspfRelay(boost::asio::io_context& loop) : descriptor_(loop), timer_(loop) {}
  ~OspfRelay() { close(); }
  OspfRelay(const OspfRelay&) = delete;
  OspfRelay& operator=(const OspfRelay&) = delete;

  // A hub whose wire is OspfMode::p2mp_multicast relays; nobody else opens anything.
  [[nodiscard]] Status configure(const NodeConfig& config);

 private:
  void close();
  void wait();
  void hear();
  void send();
  [[nodiscard]] int index() const;  // of the wire, which may be made anew; 0: it is not there

  boost::asio::posix::stream_descriptor descriptor_;  // borrows fd_
  boost::asio::steady_timer timer_;
  Fd fd_;
  std::vector<std::uint8_t> buffer_;
  std::string interface_;
  std::size_t mtu_ = 0;
  host::OspfReflood reflood_;
  std::chrono::steady_clock::time_point next_{};  // no sooner: a flood of changes must not fill the loop
};

}  // namespace radial::agent
