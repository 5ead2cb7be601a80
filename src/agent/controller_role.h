// The controller within a hub's radiald: serves its operator on the UNIX
// socket and the nodes inside the tunnel, and tells the daemon when something
// changed.
//
// On a controller the store is the truth; /etc/radial/fabric.yaml is the
// operator's working copy. It is written after every revision, and read by
// 'radial apply'.
//
// Threading: the io_context's thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

#include "agent/api_route.h"
#include "agent/change_role.h"
#include "agent/http_server.h"
#include "agent/keyring.h"
#include "agent/paths.h"
#include "agent/poke.h"
#include "agent/quarantine.h"
#include "control/controller.h"
#include "host/wireguard.h"

namespace radial::agent {

class ControllerRole {
 public:
  // Nothing: this node has no store, it is no controller. `changed`: the
  // node's own configuration, peers or keys may be others now.
  [[nodiscard]] static Result<std::unique_ptr<ControllerRole>> open(const Paths& paths, const std::string& node,
                                                                    std::function<void()> changed);

  // Serves nodes on the hub's tunnel address.
  [[nodiscard]] Status serve(boost::asio::io_context& loop);

  // What it answers on the UNIX socket and on the tunnel address.
  [[nodiscard]] static std::vector<Route> routes();
  // Whether a path on the UNIX socket is the controller's, wherever that is.
  [[nodiscard]] static bool answers(std::string_view path);
  [[nodiscard]] Response handle(const Request& request);

  [[nodiscard]] const std::string& fabric_text() const { return controller_.fabric_text(); }
  // The facts for a fabric, with the addresses that it would get.
  [[nodiscard]] Result<FabricFacts> facts_for(const std::string& fabric_yaml, std::string_view file_name);
  // A new revision; the working copy follows.
  [[nodiscard]] Status set_fabric(const std::string& fabric_yaml, const std::string& author);
  [[nodiscard]] Result<NodeConfig> config() const { return controller_.config_for(node_); }
  // The same under the revision that is being tried.
  [[nodiscard]] Result<NodeConfig> trial_config() const {
    return controller_.proposed() ? controller_.config_for(node_, *controller_.proposed()) : config();
  }

  [[nodiscard]] ChangeRole& changes() { return changes_; }
  // As ChangeRole's; and the nodes are told to ask at once.
  [[nodiscard]] Result<Response> begin_change(const ChangeRole::Wish& wish);

  [[nodiscard]] Result<Quarantine> quarantine();
  [[nodiscard]] Result<Keyring> keyring();

  // Once a second: who shook hands, what expired, whose key is old.
  void step(host::WireGuard& wireguard);
  // What this hub itself would report. `served`: nothing when it is not known.
  void heard_from_self(const control::Report& report, const std::optional<control::ServedSites>& served);
  // A site is about to change to its new key.
  void on_switch(std::function<void()> switching) { switching_ = std::move(switching); }

 private:
  ControllerRole(const Paths& paths, std::string node, control::Controller controller, std::function<void()> changed);
  [[nodiscard]] Status write_working_copy();
  Response answer_node(const Request& request);
  Response join(const Request& request);
  Response node(const std::string& name, const Request& request);
  Response answer(const std::string& name, const Request& request, const std::string& has);
  Response report(const std::string& name, const Request& request);
  Response next_key(const std::string& name, const Request& request);
  Response hear(const std::string& name, const Request& request);
  Response hear_served(const std::string& name, const Request& request);

  // Of the operator.
  using Body = nlohmann::json;
  Response change(const Request& request, const Body& body);
  Response confirm(const Request& request, const Body& body);
  Response fabric(const Request& request, const Body& body);
  Response invitations(const Request& request, const Body& body);
  Response invite(const Request& request, const Body& body);
  Response log(const Request& request, const Body& body);
  Response members(const Request& request, const Body& body);
  Response revisions(const Request& request, const Body& body);
  Response preshared(const Request& request, const Body& body);
  Response revoke(const Request& request, const Body& body);
  Response roll_back(const Request& request, const Body& body);
  Response rotate(const Request& request, const Body& body);
  Response withdraw(const Request& request, const Body& body);
  struct Tables;

  Response changed(const std::string& site, const Status& done);
  void after_change();
  void tell_nodes(int round);
  void tell_rotating();

  const Paths& paths_;
  std::string node_;
  control::Controller controller_;
  std::function<void()> changed_;
  ChangeRole changes_;
  std::function<void()> switching_;
  // Where nodes that spoke since we started are, and whether they asked since the last change.
  struct Place {
    IpAddress address;
    bool hub = false;
    bool told = false;
  };
  std::map<std::string, Place> places_;
  std::unique_ptr<Poker> poker_;
  std::unique_ptr<boost::asio::steady_timer> tell_timer_;
  std::map<std::string, std::string> applied_;  // digests that hubs reported last
  std::int64_t looked_at_ages_ = 0;
  bool waiting_ = false;  // invitations are claimed: their first handshake is awaited
  std::unique_ptr<HttpServer> server_;
};

}  // namespace radial::agent
