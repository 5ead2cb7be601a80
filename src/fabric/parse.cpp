#include "fabric/parse.h"

#include <fmt/format.h>

#include "fabric/file/build.h"
#include "fabric/file/mistake_list.h"
#include "fabric/file/read_draft.h"
#include "fabric/file/rules.h"
#include "fabric/file/text_check.h"
#include "fabric/file/yaml_tree.h"

namespace radial {

std::string to_string(const Mistake& mistake, std::string_view file_name) {
  std::string text(file_name);
  if (mistake.line > 0) text += fmt::format(":{}", mistake.line);
  text += ": ";
  if (!mistake.field.empty()) text += mistake.field + ": ";
  if (!mistake.value.empty()) text += fmt::format("'{}' ", mistake.value);
  return text + fmt::format("{}; {}", mistake.problem, mistake.fix);
}

std::variant<Fabric, std::vector<Mistake>> parse_fabric(std::string_view yaml) {
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  file::MistakeList mistakes;
  if (!file::check_text(yaml, mistakes)) return mistakes.take();
  if (yaml.starts_with(byte_order_mark)) yaml.remove_prefix(byte_order_mark.size());
  const auto root = file::read_yaml(yaml, mistakes);
  if (!root) return mistakes.take();
  if (root->kind == file::YamlNode::Kind::null) {
    mistakes.add({0, "", "", "the file is empty", "begin with fabric: NAME, then hubs: and sites:"});
    return mistakes.take();
  }
  const auto draft = file::read_draft(*root, mistakes);
  file::check_names(draft, mistakes);
  file::check_settings(draft, mistakes);
  file::check_dedicated(draft, mistakes);
  file::check_prefixes(draft, mistakes);
  file::check_sharing(draft, mistakes);
  file::check_addresses(draft, mistakes);
  if (!mistakes.empty()) return mistakes.take();
  return file::build_fabric(draft);
}

}  // namespace radial
