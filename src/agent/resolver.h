// Endpoint names to addresses without blocking the event loop. Answers come
// from a cache; a name that is not in it is looked up in the background and
// `changed` is called when its answer differs from the last one. A name that has no address is
// asked for again every half minute.
//
// Threading: the io_context's thread only.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include "base/ip.h"

namespace radial::agent {

class Resolver {
 public:
  Resolver(boost::asio::io_context& loop, std::function<void()> changed);

  // All known addresses of `endpoints`, numeric, in their order.
  std::vector<Endpoint> resolve(const std::vector<Endpoint>& endpoints);

  // Whether every name among `endpoints` has an address.
  [[nodiscard]] bool knows_all(const std::vector<Endpoint>& endpoints) const;

  // Looks the names among `endpoints` up again.
  void refresh(const std::vector<Endpoint>& endpoints);

  // Names that could not be resolved, and when that was.
  struct Failure {
    std::string why;  // in the resolver's words
    std::chrono::steady_clock::time_point at;
  };
  [[nodiscard]] const std::map<std::string, Failure>& failures() const { return failures_; }

 private:
  void look_up(const std::string& host);

  boost::asio::ip::udp::resolver resolver_;
  std::function<void()> changed_;
  std::map<std::string, std::vector<IpAddress>> known_;
  std::map<std::string, Failure> failures_;
  std::set<std::string> pending_;
};

}  // namespace radial::agent
