// Names of sites from comments and keys: DNS labels, unique. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace radial::exchange {

// "Spoke 1 (Berlin)" -> "spoke-1-berlin"; empty when nothing of it can stay.
[[nodiscard]] std::string label_of(std::string_view title);

class Names {
 public:
  void take(const std::string& name) { taken_.insert(name); }
  // `wanted`, or with -2, -3 … behind it when that is taken.
  [[nodiscard]] std::string unique(const std::string& wanted);

 private:
  std::set<std::string> taken_;
};

}  // namespace radial::exchange
