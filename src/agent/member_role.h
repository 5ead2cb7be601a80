// A node whose controller is elsewhere: asks it for this node's configuration
// through the tunnel, keeps what it got, and goes on with that when there is
// no answer. It tells what it runs as it asks, and makes a new key when it is
// asked to (key_rotation.h). What it takes is on probation (probation.h) until
// the controller has answered under it.
//
// Threading: the io_context's thread.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "agent/assignment.h"
#include "agent/keyring.h"
#include "agent/paths.h"
#include "agent/poke.h"
#include "agent/probation.h"
#include "agent/tunnel_client.h"
#include "control/controller.h"
#include "observe/snapshot.h"

namespace radial::agent {

class MemberRole {
 public:
  struct Node {
    std::function<control::Report()> report;
    std::function<std::optional<control::ServedSites>()> served;  // nothing: no hub, or not known
    std::function<void(const Assignment&, std::optional<Keyring>)> changed;  // no keyring: the keys stay
    std::function<void(PrivateKey)> rekeyed;  // it is on disk: the wires are to use it
    std::function<void()> poked;
    std::function<bool()> busy;               // with a change on trial: what is new waits until it is over
    // Why the way on which answers come now would not be there after a restart under the second
    // configuration, but under the first; empty: it would.
    std::function<std::string(const NodeConfig& before, const NodeConfig& now)> astray;
  };

  MemberRole(boost::asio::io_context& loop, const Paths& paths, ControllerAddress controller, Keyring keyring,
             Assignment assignment, Node node);

  // Once a second.
  void step(std::chrono::steady_clock::time_point now);

  // Nothing: this node has no secret to sign with.
  [[nodiscard]] std::optional<TunnelRequest> signed_request(const std::string& method, const std::string& path,
                                                            const std::string& body) const;
  // A change that is confirmed: on disk, as what the controller gave.
  [[nodiscard]] Status adopt(const Assignment& assignment);
  // There is something to tell: it is told within the next moments.
  void soon();

  // Why this node does not run what its controller says.
  [[nodiscard]] std::vector<observe::Finding> findings() const;
  [[nodiscard]] std::int64_t held_back_revision() const;  // 0: none

 private:
  void ask();
  void ask_in(std::chrono::milliseconds delay);
  [[nodiscard]] Status take(const std::string& body, std::chrono::steady_clock::time_point asked);
  [[nodiscard]] Status put_on_probation(Assignment newer);
  void prove(std::chrono::steady_clock::time_point asked);
  void forget_probation();
  void switch_to(const Assignment& assignment);
  [[nodiscard]] Status follow(control::RotationStep step, const std::optional<PublicKey>& known);
  void offer(const PublicKey& key);
  void tell_served(std::chrono::steady_clock::time_point now);

  boost::asio::io_context& loop_;
  const Paths& paths_;
  ControllerAddress controller_;
  Keyring keyring_;
  Assignment assignment_;
  Node node_;
  PokeListener pokes_;
  boost::asio::steady_timer early_;
  bool asking_ = false;
  bool again_ = false;  // something came while the question was under way
  std::chrono::steady_clock::time_point next_{};
  std::optional<control::ServedSites> told_served_;  // and the controller has it
  std::chrono::steady_clock::time_point told_served_at_{};
  std::string answer_;    // digest of the controller's last one, where nothing of it is left to be done
  std::string unusable_;  // what is wrong with the controller's answer; empty: nothing
  std::string trouble_;  // why the controller did not answer last time; empty: it did
  Probation probation_;
  std::string why_back_;
};

}  // namespace radial::agent
