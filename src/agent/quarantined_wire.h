// The wire of a machine that joins: to the controller's hub with the token's
// keys, nothing else on it. It goes when this object goes.
#pragma once

#include "agent/machine.h"
#include "base/result.h"
#include "control/token.h"

namespace radial::agent {

class QuarantinedWire {
 public:
  // `ours`: one that is there is the remains of a join that was killed.
  [[nodiscard]] static Result<QuarantinedWire> make(Host& machine, const control::Token& token, bool ours);
  QuarantinedWire(QuarantinedWire&& other) noexcept : host_(std::exchange(other.host_, nullptr)), token_(other.token_) {}
  QuarantinedWire& operator=(QuarantinedWire&&) = delete;
  ~QuarantinedWire();

  // Where the hub is: a numeric endpoint.
  [[nodiscard]] Status dial(const Endpoint& endpoint);

 private:
  QuarantinedWire(Host& machine, const control::Token& token) : host_(&machine), token_(&token) {}
  Host* host_;
  const control::Token* token_;  // borrowed
};

}  // namespace radial::agent
