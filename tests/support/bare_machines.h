// Machines with nothing of Radial configured, for tests of what an operator
// types: `radial init`, `invite`, `join` and what follows. One lab a suite.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "support/live_lab.h"
#include "support/paths.h"

namespace radial::test {

inline const std::string radial_program = binary_dir() + "/bin/radial";

class BareMachines : public testing::Test {
 protected:
  // For SetUpTestSuite. `machines`: a fabric file that names them; no node has it.
  static void make(const std::string& lab_name, const char* machines) {
    lab::LabOptions options;
    options.name = lab_name;
    options.bare = true;
    options.start_radiald = false;
    lab_ = new LiveLab(machines, std::move(options));
  }
  static void TearDownTestSuite() {
    delete lab_;
    lab_ = nullptr;
  }

  // `radial ARGUMENTS` in a node.
  static ProcessResult radial(const std::string& node, std::vector<std::string> arguments,
                              std::chrono::seconds limit = 120s) {
    arguments.insert(arguments.begin(), radial_program);
    auto result = (*lab_)->run(node, arguments, limit);
    if (result) return std::move(*result);
    ADD_FAILURE() << node << ": " << result.error().message;
    return {255, "", result.error().message};
  }
  // The token in what `radial invite` printed; empty: there is none.
  static std::string token_in(const std::string& printed) {
    const auto at = printed.find("radial1.");
    return at == std::string::npos ? std::string() : printed.substr(at, printed.find('\n', at) - at);
  }

  static bool reaches(const std::string& place, const std::string& address) { return lab_->pings(place, address); }
  static bool reaches_soon(const std::string& place, const std::string& address) {
    return wait_until(60s, [&] { return reaches(place, address); }).has_value();
  }

  // A file in a node; empty where there is none.
  static std::string file(const std::string& node, const std::string& path) {
    const auto inside = (*lab_)->path_in(node, path);
    if (!inside) return {};
    const auto text = read_file(*inside);
    return text ? *text : std::string();
  }

  static inline LiveLab* lab_ = nullptr;
};

}  // namespace radial::test
