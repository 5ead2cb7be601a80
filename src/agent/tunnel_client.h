// A request to the controller through the tunnel. Never blocks the loop.
// Threading: the io_context's thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "base/ip.h"
#include "base/result.h"

namespace radial::agent {

struct TunnelRequest {
  IpAddress address;
  std::uint16_t port = 0;
  std::string method;
  std::string path;
  std::string body;
  std::string signature;  // the header Radial-Mac; empty: none
};

struct TunnelAnswer {
  int status = 0;
  std::string body;  // may hold secrets
  IpAddress own;     // our address on the way there
};

// `done` is called once, with the answer or why there is none (unavailable).
void ask_through_tunnel(boost::asio::io_context& loop, const TunnelRequest& request, std::chrono::milliseconds deadline,
                        std::function<void(Result<TunnelAnswer>)> done);

// The "error" of an answer with a status of 400 or more.
[[nodiscard]] Error refusal_of(const TunnelAnswer& answer);

}  // namespace radial::agent
