// What a fabric file becomes, as text that can be read on its own:
// golden/NAME.yaml compiles to golden/NAME.txt.
//
// RADIAL_UPDATE_GOLDEN=1 compile_test --gtest_filter='Golden*' writes the
// texts anew; look at the difference before it is committed.
#include <cstdlib>

#include <gtest/gtest.h>

#include "base/file.h"
#include "compile/golden_cases.h"
#include "compile/json.h"
#include "compile/render.h"

namespace radial {
namespace {

using test::GoldenCase;

std::string render_bound(const NodeConfig& config, const std::vector<LocalAddress>& local) {
  const auto bound = bind_lans(config, local);
  std::string text = "\n# ---- LANs, with";
  for (const auto& held : local) text += fmt::format(" {} {}", held.interface, held.address);
  text += " ----\n\n" + render_frr(bound.stanzas);
  for (const auto& lan : bound.unbound) text += fmt::format("! no interface holds LAN {}\n", lan.prefix);
  return text;
}

std::string render_case(const GoldenCase& golden) {
  std::string text;
  for (const auto& node : golden.show) {
    const auto config = golden.compile(node);
    if (!text.empty()) text += "\n\n";
    text += render_node(config) + render_bound(config, golden.local(config));
  }
  return text;
}

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, CompilesToItsText) {
  const auto golden = test::load_golden(GetParam());
  const auto path = test::golden_folder() / (golden.name + ".txt");
  const auto text = render_case(golden);
  if (std::getenv("RADIAL_UPDATE_GOLDEN") != nullptr) {
    ASSERT_TRUE(write_file_atomically(path, text));
  }
  EXPECT_EQ(text, read_file(path).value()) << "RADIAL_UPDATE_GOLDEN=1 writes " << path;
}

TEST_P(Golden, SurvivesJson) {
  const auto golden = test::load_golden(GetParam());
  for (const auto& node : golden.show) {
    const auto config = golden.compile(node);
    const auto text = to_json(config);
    const auto back = node_config_from_json(text);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_TRUE(*back == config);
    EXPECT_EQ(to_json(*back), text);
  }
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (auto& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, Golden, testing::ValuesIn(test::golden_names()), test_name);

}  // namespace
}  // namespace radial
