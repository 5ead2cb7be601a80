// The controller's side of a change: takes the operator's fabric, carries it to
// the nodes by control::Rollout, and makes it the present one or takes it back.
// ControllerRole owns it and hands requests to it.
//
// Threading: the io_context's thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "agent/http_server.h"
#include "control/controller.h"
#include "control/rollout.h"

namespace radial::agent {

// This hub's own part, by its NodeChange.
struct HubPart {
  std::function<control::NodeReport()> report;
  std::function<void(const control::Instruction&)> obey;
};

class ChangeRole {
 public:
  // `kept`: the store has a new present fabric.
  ChangeRole(control::Controller& controller, std::string hub, std::function<void()> kept);  // controller borrowed

  void set_hub(HubPart part) { part_ = std::move(part); }

  struct Wish {
    std::string yaml;
    std::string file_name = "fabric.yaml";
    std::string author;
    std::string reason = "radial apply";
    control::RolloutOptions options;
  };
  // The status of what was begun, or why it was not.
  [[nodiscard]] Result<Response> begin(const Wish& wish);
  // The last change, or plan, and how each node stands.
  [[nodiscard]] Response status() const;
  [[nodiscard]] Result<Response> confirm(const std::string& author);

  // A node's report; its instruction.
  [[nodiscard]] Result<Response> hear(const std::string& node, const std::string& body);

  // Once a second, and after each report.
  void step();

 private:
  [[nodiscard]] control::Instruction instruct(const std::string& node, const control::NodeReport& report);
  [[nodiscard]] control::Instruction from_store(const control::NodeReport& report);
  [[nodiscard]] const control::Candidate* candidate() const;
  void finish();
  [[nodiscard]] bool in_contact(const std::string& node, control::Millis now) const;

  control::Controller& controller_;
  std::string hub_;
  std::function<void()> kept_;
  HubPart part_;
  control::Millis began_;
  std::optional<control::Rollout> rollout_;
  std::optional<control::Candidate> planned_;
  // Nodes that the change concerns and that take no part in it.
  struct Bystander {
    std::string state;  // "by hand": runs no radiald; "leaves": is not in the fabric after it
    std::string why;    // and what is to be done there
  };
  std::map<std::string, Bystander> bystanders_;
  bool plan_ = false;
  bool finished_ = true;
  std::map<std::string, control::Millis> heard_;
};

}  // namespace radial::agent
