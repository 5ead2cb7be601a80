// A node's files: who it is, its key, its fabric and the facts; and the
// configuration that follows from them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/paths.h"
#include "base/key.h"
#include "base/result.h"
#include "compile/node_config.h"
#include "fabric/facts.h"
#include "fabric/parse.h"

namespace radial::agent {

struct Identity {
  std::string node;
  PrivateKey key;
};

// Refuses a key file that others than root can read.
[[nodiscard]] Result<PrivateKey> load_private_key(const std::filesystem::path& file);
[[nodiscard]] Result<Identity> load_identity(const Paths& paths);

struct Compiled {
  NodeConfig config;
  FabricFacts facts;  // with the addresses that the plan settled
};

// Fabric text to this node's configuration, with the facts on disk. Several
// mistakes are joined line by line in the error's message.
[[nodiscard]] Result<Compiled> compile_for(const std::string& node, const std::string& fabric_yaml,
                                           const std::string& file_name, FabricFacts facts);

[[nodiscard]] Result<FabricFacts> load_facts(const Paths& paths);
// Of a fabric file somewhere: `given`, which must be there, or else facts.json beside it, which need not.
[[nodiscard]] Result<FabricFacts> load_facts_of(const std::filesystem::path& fabric_file, const std::filesystem::path& given);

}  // namespace radial::agent
