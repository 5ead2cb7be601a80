// The whole file: fabric-wide keys, routing, and each node in its turn.
#pragma once

#include "fabric/file/draft.h"
#include "fabric/file/yaml_tree.h"

namespace radial::file {

[[nodiscard]] Draft read_draft(const YamlNode& root, MistakeList& mistakes);

}  // namespace radial::file
