// What is known of a fabric whose hub fra1, on FRR 8.4, is all that there is yet.
#pragma once

#include "fabric/facts.h"

namespace radial::test {

inline FabricFacts hub_facts(const PublicKey& key) {
  FabricFacts facts;
  facts.nodes["fra1"] = {key, FrrVersion{8, 4}};
  return facts;
}

}  // namespace radial::test
