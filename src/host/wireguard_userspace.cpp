#include <filesystem>
#include <map>
#include <thread>

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "host/network.h"
#include "host/wg_daemon.h"
#include "host/wg_interface_name.h"
#include "host/wg_operations.h"
#include "host/wg_uapi_socket.h"
#include "host/wg_uapi_text.h"
#include "host/wireguard.h"

namespace radial::host {
namespace {

using namespace std::chrono_literals;

constexpr auto start_deadline = 10s;
constexpr auto end_deadline = 5s;   // for a process whose interface was deleted
constexpr auto link_deadline = 2s;  // for the interface of a process that was killed
constexpr auto poll_interval = 2ms;

template <class Condition>
bool wait_until(std::chrono::milliseconds limit, const Condition& holds) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(poll_interval);
  }
  return true;
}

std::string_view view(const SecretText& text) { return {text.data(), text.size()}; }

bool link_exists(const std::string& interface) { return ::if_nametoindex(interface.c_str()) != 0; }

// Whether a program made the interface (tun(4)): it goes when that program ends.
bool is_tun(const std::string& interface) {
  const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_drvinfo driver{};
  driver.cmd = ETHTOOL_GDRVINFO;
  ifreq request{};
  interface.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&driver);
  return any && ::ioctl(any.get(), SIOCETHTOOL, &request) == 0 && std::string_view(driver.driver) == "tun";
}

class UserspaceWireGuard final : public WireGuard {
 public:
  explicit UserspaceWireGuard(std::string program) : program_(std::move(program)) {}

  [[nodiscard]] std::string implementation() const override {
    return std::filesystem::path(program_).filename().string();
  }

  Status create(const std::string& interface) override;
  Status remove(const std::string& interface) override;
  Result<ObservedWire> observe(const std::string& interface) override;
  Status apply(const WireChange& change) override;
  Result<bool> can_remove_one_prefix(const std::string& interface) override;

 private:
  Status make_room(const std::string& interface);

  std::string program_;
  std::map<std::string, bool> can_remove_one_prefix_;
};

Result<ObservedWire> get(const std::string& interface, std::string_view operation = "get=1\n\n") {
  RADIAL_ASSIGN(const auto answer, exchange_uapi(interface, operation));
  return parse_uapi_get(view(answer));
}

Status set(const std::string& interface, const SecretText& operation) {
  RADIAL_ASSIGN(const auto answer, exchange_uapi(interface, view(operation)));
  return parse_uapi_set(view(answer));
}

// Clears what a process that was killed left behind, and refuses what lives.
Status UserspaceWireGuard::make_room(const std::string& interface) {
  const auto path = uapi_socket_path(interface);
  auto present = get(interface);
  if (present) {
    if (link_exists(interface)) return fail(Errc::already_exists, "it exists and is served by a WireGuard process");
    // Either it is on its way out, or it lives in another network namespace.
    if (!wait_until(end_deadline, [&] { return !get(interface); }))
      return fail(Errc::conflict, "a WireGuard process of another network namespace serves {}: give one of the two "
                  "another name, or a mount namespace of its own", path);
    present = get(interface);
  }
  if (!present && present.error().code != Errc::not_found) return forward_error(std::move(present.error()));
  const bool stale = !present && present.error().sys_errno == ECONNREFUSED;
  if (stale && ::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno(errno, fmt::format("cannot remove the stale {}", path));
  // The interface of a process that was killed goes a moment after its socket,
  // which radial-wire's helper removes too.
  if (stale || is_tun(interface)) wait_until(link_deadline, [&] { return !link_exists(interface); });
  if (link_exists(interface))
    return fail(Errc::already_exists, "an interface of this name exists and no WireGuard process serves it");
  return {};
}

Status UserspaceWireGuard::create(const std::string& interface) {
  const auto context = fmt::format("creating {} with {}", interface, program_);
  RADIAL_TRY(check_interface_name(interface));
  if (auto status = make_room(interface); !status) return Unexpected(std::move(status.error()).within(context));
  can_remove_one_prefix_.erase(interface);
  const auto unit = implementation() == "radial-wire" ? wireguard_unit(interface) : std::string();
  if (auto status = unit.empty() ? start_wireguard_daemon(program_, interface, start_deadline)
                                 : start_wireguard_unit(unit, start_deadline);
      !status)
    return Unexpected(std::move(status.error()).within(context));
  Status last;
  const bool serves = wait_until(start_deadline, [&] {
    auto present = get(interface);
    if (!present) last = forward_error(std::move(present.error()));
    return present.has_value();
  });
  if (serves) return {};
  return fail(Errc::unavailable, "{}: it started, but its socket did not serve within {} s ({}); each wireguard-go "
              "takes an inotify instance: see the sysctl fs.inotify.max_user_instances",
              context, start_deadline.count(), last ? "no error" : last.error().message);
}

Status UserspaceWireGuard::remove(const std::string& interface) {
  const auto path = uapi_socket_path(interface);
  RADIAL_TRY(observe(interface));
  RADIAL_ASSIGN(auto network, Network::open());
  RADIAL_TRY(network.delete_link(interface));
  can_remove_one_prefix_.erase(interface);
  // The process ends with its TUN device; wireguard-go also when its socket's
  // file goes, which is the second way out for one that hangs.
  wait_until(end_deadline, [&] { return !get(interface); });
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno(errno, fmt::format("cannot remove {}", path));
  return {};
}

Result<ObservedWire> UserspaceWireGuard::observe(const std::string& interface) {
  RADIAL_TRY(check_interface_name(interface));
  // What serves it may be another program than we would start: one that was
  // there before an upgrade, say.
  auto wire = get(interface, "radial_get=1\n\n");
  if (!wire && wire.error().code != Errc::not_found) wire = get(interface);
  if (!wire) return Unexpected(std::move(wire.error()).within(fmt::format("reading {}", interface)));
  if (!link_exists(interface)) return fail(Errc::not_found, "reading {}: no such interface here", interface);
  wire->interface = interface;
  return wire;
}

Status UserspaceWireGuard::apply(const WireChange& change) {
  const auto context = fmt::format("changing {}", change.interface);
  RADIAL_TRY(check_interface_name(change.interface));
  bool can_remove_one = false;
  const bool removes = removes_prefixes(change);
  if (removes) {
    RADIAL_ASSIGN(can_remove_one, can_remove_one_prefix(change.interface));
  }
  const auto passing_peer = PrivateKey::generate().public_key();
  auto status = set(change.interface, render_uapi_set(change, operations_of(change, can_remove_one, passing_peer)));
  if (status) return {};
  // The process may have been replaced by one of another version: ask again next time.
  can_remove_one_prefix_.erase(change.interface);
  return Unexpected(std::move(status.error()).within(context));
}

// A removal for a peer that does not exist: it is parsed, and then it is nothing.
Result<bool> UserspaceWireGuard::can_remove_one_prefix(const std::string& interface) {
  const auto known = can_remove_one_prefix_.find(interface);
  if (known != can_remove_one_prefix_.end()) return known->second;
  WireChange nothing;
  PeerOperation operation;
  operation.public_key = PrivateKey::generate().public_key();
  operation.update_only = true;
  operation.allowed_ips.push_back({Prefix::host(IpAddress::from_v4(0xc0000200)), true});  // RFC 5737, 192.0.2.0
  auto status = set(interface, render_uapi_set(nothing, {operation}));
  if (!status && status.error().code != Errc::invalid_argument)
    return Unexpected(std::move(status.error()).within(fmt::format("asking what {} can do", interface)));
  return can_remove_one_prefix_[interface] = status.has_value();
}

}  // namespace

std::unique_ptr<WireGuard> open_userspace_wireguard(std::string program) {
  return std::make_unique<UserspaceWireGuard>(std::move(program));
}

}  // namespace radial::host
