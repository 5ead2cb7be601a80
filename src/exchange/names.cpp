#include "exchange/names.h"

namespace radial::exchange {

constexpr std::size_t longest_label = 56;  // of the 63 of a DNS label (RFC 1035, 2.3.4): room for a number

std::string label_of(std::string_view title) {
  std::string label;
  for (const char c : title) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      label += upper ? static_cast<char>(c - 'A' + 'a') : c;
    else if (!label.empty() && label.back() != '-')
      label += '-';
  }
  label.resize(std::min(label.size(), longest_label));
  while (!label.empty() && label.back() == '-') label.pop_back();
  return label;
}

std::string Names::unique(const std::string& wanted) {
  auto name = wanted;
  for (int k = 2; !taken_.insert(name).second; ++k) name = wanted + "-" + std::to_string(k);
  return name;
}

}  // namespace radial::exchange
