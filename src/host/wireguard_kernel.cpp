#include <optional>

#include <linux/genetlink.h>

#include "host/netlink_attributes.h"
#include "host/network.h"
#include "host/wg_constants.h"
#include "host/wg_interface_name.h"
#include "host/wg_kernel.h"

namespace radial::host {
namespace {

class KernelWireGuard final : public WireGuard {
 public:
  KernelWireGuard(NetlinkSocket generic, std::uint16_t family, std::size_t message_limit)
      : generic_(std::move(generic)), family_(family), message_limit_(message_limit) {}

  [[nodiscard]] std::string implementation() const override { return "kernel"; }
  Status create(const std::string& interface) override;
  Status remove(const std::string& interface) override;
  Result<ObservedWire> observe(const std::string& interface) override;
  Status apply(const WireChange& change) override;
  Result<bool> can_remove_one_prefix(const std::string& interface) override;

 private:
  Status set(const WireChange& change, const std::vector<PeerOperation>& operations);

  NetlinkSocket generic_;
  std::uint16_t family_;
  std::size_t message_limit_;
  std::optional<bool> can_remove_one_prefix_;
};

Status KernelWireGuard::create(const std::string& interface) {
  RADIAL_TRY(check_interface_name(interface));
  RADIAL_ASSIGN(auto network, Network::open());
  return network.add_link(interface, WG_GENL_NAME);
}

Status KernelWireGuard::remove(const std::string& interface) {
  RADIAL_TRY(observe(interface));
  RADIAL_ASSIGN(auto network, Network::open());
  return network.delete_link(interface);
}

Result<ObservedWire> KernelWireGuard::observe(const std::string& interface) {
  RADIAL_TRY(check_interface_name(interface));
  auto request = encode_wg_get(family_, interface);
  WgDeviceDecoder decoder;
  auto status = generic_.dump(request, [&] { decoder.restart(); },
                              [&](const nlmsghdr& message) { return decoder.read(message); });
  if (!status) {
    // ENODEV: no such interface. EOPNOTSUPP: it is not the kernel's WireGuard.
    if (status.error().sys_errno == EOPNOTSUPP) status.error().code = Errc::not_found;
    return Unexpected(std::move(status.error()).within(fmt::format("reading {}", interface)));
  }
  auto wire = decoder.finish();
  wire.interface = interface;
  return wire;
}

Status KernelWireGuard::set(const WireChange& change, const std::vector<PeerOperation>& operations) {
  for (auto& message : encode_wg_change(family_, change, operations, message_limit_))
    RADIAL_TRY(generic_.request(message));
  return {};
}

Status KernelWireGuard::apply(const WireChange& change) {
  RADIAL_TRY(check_interface_name(change.interface));
  bool can_remove_one = false;
  if (removes_prefixes(change)) {
    RADIAL_ASSIGN(can_remove_one, can_remove_one_prefix(change.interface));
  }
  const auto passing_peer = PrivateKey::generate().public_key();
  auto status = set(change, operations_of(change, can_remove_one, passing_peer));
  if (!status) return Unexpected(std::move(status.error()).within(fmt::format("changing {}", change.interface)));
  return status;
}

// A kernel that does not know the flag refuses the attribute that carries it
// (strict validation), but looks at it only for a peer that exists: one that
// nobody has is made for the question.
Result<bool> KernelWireGuard::can_remove_one_prefix(const std::string& interface) {
  if (can_remove_one_prefix_) return *can_remove_one_prefix_;
  WireChange nothing;
  nothing.interface = interface;
  PeerOperation question;
  question.public_key = PrivateKey::generate().public_key();
  question.allowed_ips.push_back({Prefix::host(IpAddress::from_v4(0xc0000200)), true});  // RFC 5737, 192.0.2.0
  PeerOperation end;
  end.public_key = question.public_key;
  end.update_only = true;
  end.remove = true;
  auto answer = set(nothing, {question});
  auto cleared = set(nothing, {end});
  const auto context = fmt::format("asking what {} can do", interface);
  if (!answer && answer.error().code != Errc::invalid_argument)
    return Unexpected(std::move(answer.error()).within(context));
  if (!cleared) return Unexpected(std::move(cleared.error()).within(context));
  can_remove_one_prefix_ = answer.has_value();
  return *can_remove_one_prefix_;
}

// The number of a generic netlink family. Asking by name loads its module.
Result<std::uint16_t> family_number(NetlinkSocket& generic, const std::string& name) {
  NetlinkMessage request(GENL_ID_CTRL);
  request.put_header(genlmsghdr{CTRL_CMD_GETFAMILY, 1, 0});
  request.put_string(CTRL_ATTR_FAMILY_NAME, name);
  std::optional<std::uint16_t> number;
  RADIAL_TRY(generic.request(request, [&](const nlmsghdr& message) -> Status {
    for (const auto& attribute : attributes_of(message, sizeof(genlmsghdr)))
      if (attribute.type == CTRL_ATTR_FAMILY_ID) number = attribute.value<std::uint16_t>();
    return {};
  }));
  if (!number) return fail(Errc::protocol, "the kernel named no number for the netlink family '{}'", name);
  return *number;
}

}  // namespace

std::unique_ptr<WireGuard> make_kernel_wireguard(NetlinkSocket generic, std::uint16_t family,
                                                 std::size_t message_limit) {
  return std::make_unique<KernelWireGuard>(std::move(generic), family, message_limit);
}

Result<std::unique_ptr<WireGuard>> open_kernel_wireguard() {
  RADIAL_ASSIGN(auto generic, NetlinkSocket::open(NETLINK_GENERIC));
  const auto family = family_number(generic, WG_GENL_NAME);
  if (!family && family.error().sys_errno == ENOENT)
    return fail(Errc::unsupported, "this kernel has no WireGuard (its module is 'wireguard')");
  if (!family) return Unexpected(family.error());
  return make_kernel_wireguard(std::move(generic), *family);
}

}  // namespace radial::host
