// A node whose controller is elsewhere: asks it for this node's configuration
// through the tunnel, keeps what it got, and goes on with that when there is
// no answer.
//
// Threading: the io_context's thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "agent/assignment.h"
#include "agent/keyring.h"
#include "agent/paths.h"
#include "agent/tunnel_client.h"

namespace radial::agent {

class MemberRole {
 public:
  using Changed = std::function<void(const NodeConfig&, Keyring)>;

  MemberRole(boost::asio::io_context& loop, const Paths& paths, ControllerAddress controller, Keyring keyring,
             Assignment assignment, Changed changed);

  // Once a second.
  void step(std::chrono::steady_clock::time_point now);

  // Nothing: this node has no secret to sign with.
  [[nodiscard]] std::optional<TunnelRequest> signed_request(const std::string& method, const std::string& path,
                                                            const std::string& body) const;
  // A change that is confirmed: on disk, as what the controller gave.
  [[nodiscard]] Status adopt(const Assignment& assignment);

  // Why the controller did not answer last time; empty: it did.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  void ask();
  [[nodiscard]] Status take(const std::string& body);

  boost::asio::io_context& loop_;
  const Paths& paths_;
  ControllerAddress controller_;
  Keyring keyring_;
  Assignment assignment_;
  Changed changed_;
  bool asking_ = false;
  std::chrono::steady_clock::time_point next_{};
  std::string trouble_;
};

}  // namespace radial::agent
