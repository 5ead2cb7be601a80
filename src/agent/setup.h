// How a machine becomes a node: the first hub by init(), a site by join().
// Both may be interrupted anywhere and run again; the file /etc/radial/node is
// written last, and stands for all the others.
//
// Blocking; for the command line. What they did is told line by line.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "agent/daemon.h"
#include "agent/paths.h"
#include "base/result.h"
#include "control/token.h"

namespace radial::agent {

using Tell = std::function<void(const std::string& line)>;

struct InitOptions {
  std::string name;                    // of this hub
  std::string fabric;
  std::vector<std::string> endpoints;  // "vpn.example.com" or with a port
  std::vector<std::string> lans;
  // A fabric file that is there, of `radial import` for example, in place of the four above (the name chooses
  // among several hubs); `facts`: who has which key; empty: facts.json beside it, where there is one.
  std::filesystem::path from = {};
  std::filesystem::path facts = {};
};

// "vpn.example.com" or with a port, as an endpoint with its port.
[[nodiscard]] Result<std::string> endpoint_text(const std::string& wish);

// Makes this machine the first hub and the controller of a new fabric.
[[nodiscard]] Status initialise(const DaemonOptions& options, const InitOptions& wish, const Tell& tell);

// Makes this machine the site that the token invites. `token_text` as printed.
[[nodiscard]] Status join(const DaemonOptions& options, const std::string& token_text, const Tell& tell);

}  // namespace radial::agent
