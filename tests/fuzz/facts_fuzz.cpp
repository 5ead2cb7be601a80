// Any text is refused, or is facts that read back as they were written.
#include <cstdint>
#include <cstdlib>

#include "fabric/facts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto facts = radial::FabricFacts::from_json({reinterpret_cast<const char*>(data), size});
  if (!facts) return 0;
  const auto again = radial::FabricFacts::from_json(facts->to_json());
  if (!again || *again != *facts) std::abort();
  return 0;
}
