// The cases of golden/: a fabric file whose first comments say what else the
// compiler is told and which nodes to show.
//
//   # show: fra1 berlin            nodes whose configuration is printed
//   # frr: fra1=10.3 berlin=8.4    versions that nodes reported
//   # wireguard: fra1=radial-wire   what nodes reported
//   # without key: lisbon          nodes that have not enrolled (others have)
//   # held: berlin eth1=192.168.20.1/24 ...   interfaces of a node; by default
//                                  eth1, eth2, ... hold the first address of a LAN each
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "compile/frr_lines.h"
#include "compile/node_config.h"
#include "fabric/fabric.h"
#include "fabric/facts.h"

namespace radial::test {

struct GoldenCase {
  std::string name;
  Fabric fabric;
  FabricFacts facts;
  std::vector<std::string> show;
  std::map<std::string, std::vector<LocalAddress>> held;

  [[nodiscard]] FrrVersion frr(const std::string& node) const;
  [[nodiscard]] NodeConfig compile(const std::string& node) const;  // throws what the compiler refuses
  [[nodiscard]] std::vector<LocalAddress> local(const NodeConfig& config) const;
};

[[nodiscard]] std::vector<std::string> golden_names();
[[nodiscard]] GoldenCase load_golden(const std::string& name);  // throws on a bad case
[[nodiscard]] std::filesystem::path golden_folder();

// A key that is the same in every run.
[[nodiscard]] PublicKey key_for(std::string_view node);

}  // namespace radial::test
