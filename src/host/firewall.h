// nftables: one table of our own (`inet radial`), by libnftables. Threading:
// one object, one thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace radial::host {

// Both in nft's own canonical form, without the values of counters.
struct FirewallDifference {
  std::string present;  // empty: there is no such table
  std::string wanted;
};

class Firewall {
 public:
  [[nodiscard]] static Result<Firewall> open();
  Firewall(Firewall&&) noexcept;
  Firewall& operator=(Firewall&&) noexcept;
  ~Firewall();

  // How what is there differs from `table` in effect, nothing when it does not.
  // `table` is one `table inet radial { ... }`.
  Result<std::optional<FirewallDifference>> difference(const std::string& table);
  // Replaces our table in one transaction; other tables are never touched.
  Status apply(const std::string& table);
  Status remove();  // our table; nothing when it is not there

 private:
  struct Impl;
  explicit Firewall(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A descriptor that becomes readable when any nftables object of this
// namespace changes (NFNLGRP_NFTABLES); drain() empties it and says whether
// anything was there.
class FirewallMonitor {
 public:
  [[nodiscard]] static Result<FirewallMonitor> open();
  [[nodiscard]] int fd() const;
  bool drain();

 private:
  explicit FirewallMonitor(Fd fd);
  Fd fd_;
};

}  // namespace radial::host
