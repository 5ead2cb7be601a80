// One case a file: mistakes/NAME.yaml, and what is said about it in NAME.txt.
// RADIAL_WRITE_GOLDEN=1 writes the .txt files anew; read the difference then.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "fabric/parse.h"
#include "support/paths.h"

namespace radial {
namespace {

const std::filesystem::path folder = test::source_dir() + "/tests/fabric/mistakes";

std::vector<std::string> cases() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::string report(std::string_view yaml) {
  const auto parsed = parse_fabric(yaml);
  const auto* mistakes = std::get_if<std::vector<Mistake>>(&parsed);
  if (!mistakes) return "no mistakes\n";
  std::string text;
  for (const auto& mistake : *mistakes) text += to_string(mistake, "fabric.yaml") + "\n";
  return text;
}

class Mistakes : public testing::TestWithParam<std::string> {};

TEST_P(Mistakes, AreToldAsWritten) {
  const auto golden = folder / (GetParam() + ".txt");
  const auto told = report(read_file(folder / (GetParam() + ".yaml")).value());
  if (std::getenv("RADIAL_WRITE_GOLDEN")) {
    ASSERT_TRUE(write_file_atomically(golden, told));
    return;
  }
  EXPECT_EQ(told, read_file(golden).value());
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Golden, Mistakes, testing::ValuesIn(cases()), test_name);

}  // namespace
}  // namespace radial
