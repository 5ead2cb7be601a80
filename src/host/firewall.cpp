#include "host/firewall.h"

#include <utility>

#include "host/firewall_nft.h"
#include "host/firewall_text.h"

namespace radial::host {
namespace {

// Added first, so that the deletion succeeds whether it was there or not.
constexpr auto drop_table = "table inet radial\ndelete table inet radial\n";

// The text of the table in the kernel; empty when it is not there.
Result<std::string> listing() {
  auto text = run_nft("list table inet radial");
  if (text) return text;
  RADIAL_ASSIGN(const auto tables, run_nft("list tables inet"));
  if (tables.find("table inet radial\n") == tables.npos) return std::string();
  return forward_error(std::move(text.error()).within("cannot list table inet radial"));
}

}  // namespace

struct Firewall::Impl {
  // The canonical form of the table that was compared last: a configuration
  // changes seldom and is compared often.
  std::string canonical_of;
  std::string canonical;

  Result<const std::string*> canonical_form(const std::string& table) {
    if (canonical_of != table) {
      RADIAL_ASSIGN(const auto listed, canonical_table(table));
      canonical = without_learned_elements(listed);
      canonical_of = table;
    }
    return &canonical;
  }
};

Firewall::Firewall(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Firewall::Firewall(Firewall&&) noexcept = default;
Firewall& Firewall::operator=(Firewall&&) noexcept = default;
Firewall::~Firewall() = default;

Result<Firewall> Firewall::open() {
  // Found out now rather than at the first repair.
  if (auto tables = run_nft("list tables"); !tables)
    return forward_error(std::move(tables.error()).within("nftables cannot be used"));
  return Firewall(std::make_unique<Impl>());
}

Result<std::optional<FirewallDifference>> Firewall::difference(const std::string& table) {
  RADIAL_TRY(check_single_table(table));
  RADIAL_ASSIGN(const auto listed, listing());
  if (listed.empty()) return FirewallDifference{{}, table};
  RADIAL_ASSIGN(const auto* wanted, impl_->canonical_form(table));
  auto present = without_learned_elements(listed);
  if (present == *wanted) return std::nullopt;
  return FirewallDifference{std::move(present), *wanted};
}

Status Firewall::apply(const std::string& table) {
  RADIAL_TRY(check_single_table(table));
  if (auto done = run_nft(drop_table + table + "\n"); !done)
    return forward_error(std::move(done.error()).within("cannot load table inet radial"));
  return {};
}

Status Firewall::remove() {
  if (auto done = run_nft(drop_table); !done)
    return forward_error(std::move(done.error()).within("cannot remove table inet radial"));
  return {};
}

}  // namespace radial::host
