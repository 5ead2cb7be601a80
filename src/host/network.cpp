#include "host/network.h"

#include <algorithm>
#include <utility>

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include "host/netlink_attributes.h"
#include "host/netlink_socket.h"
#include "host/rtnetlink_dump.h"
#include "host/rtnetlink_message.h"

namespace radial::host {
namespace {

using rtnetlink::consistent_attempts;
using rtnetlink::link_request;

Unexpected changing_too_fast(std::string_view what) {
  return fail(Errc::unavailable, "{} changed {} times while they were read; try again", what, consistent_attempts);
}

unsigned char family_number(Family family) { return family == Family::v4 ? AF_INET : AF_INET6; }

}  // namespace

struct Network::Impl {
  NetlinkSocket socket;

  Result<rtnetlink::LinkNames> link_names();
  Result<std::vector<rtnetlink::AddressMessage>> address_messages(int interface = 0);
  Result<std::optional<Link>> link(const std::string& name);
  Result<int> index_of(const std::string& name);
  // RTM_NEWADDR or RTM_DELADDR.
  Status change_address(std::uint16_t type, std::uint16_t flags, int interface, const InterfaceAddress& address);
  // One change to an interface that exists.
  template <class Fill>
  Status set_link(const std::string& interface, const std::string& what, ifinfomsg header, Fill fill);
};

Result<std::optional<Link>> Network::Impl::link(const std::string& name) {
  // The kernel would refuse such a name rather than not find it.
  if (name.empty() || name.size() >= IFNAMSIZ) return std::optional<Link>();
  auto message = link_request(RTM_GETLINK, 0, {});
  message.put_string(IFLA_IFNAME, name);
  message.put_u32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  Link found;
  auto status = socket.request(message, [&](const nlmsghdr& part) -> Status {
    if (auto link = rtnetlink::parse_link(part)) found = std::move(*link);
    return {};
  });
  if (!status && status.error().sys_errno != ENODEV)
    return forward_error(std::move(status.error()).within(fmt::format("cannot look at {}", name)));
  // The kernel also answers to an alternative name (ip link property add altname).
  if (found.name != name) return std::optional<Link>();
  return std::optional(std::move(found));
}

Result<int> Network::Impl::index_of(const std::string& name) {
  RADIAL_ASSIGN(const auto found, link(name));
  if (!found) return fail(Errc::not_found, "there is no interface '{}'", name);
  return found->index;
}

Result<rtnetlink::LinkNames> Network::Impl::link_names() {
  RADIAL_ASSIGN(const auto all, rtnetlink::dump_links(socket));
  rtnetlink::LinkNames names;
  for (const auto& link : all) names.emplace(link.index, link.name);
  return names;
}

Result<std::vector<rtnetlink::AddressMessage>> Network::Impl::address_messages(int interface) {
  NetlinkMessage message(RTM_GETADDR);
  ifaddrmsg header{};
  header.ifa_index = static_cast<std::uint32_t>(interface);
  message.put_header(header);
  std::vector<rtnetlink::AddressMessage> addresses;
  RADIAL_TRY(socket.dump(message, [&] { addresses.clear(); }, [&](const nlmsghdr& part) -> Status {
    // A kernel without strict checking ignores the filter.
    const auto address = rtnetlink::parse_address(part);
    if (address && (interface == 0 || address->interface == interface)) addresses.push_back(*address);
    return {};
  }));
  return addresses;
}

Status Network::Impl::change_address(std::uint16_t type, std::uint16_t flags, int interface,
                                     const InterfaceAddress& address) {
  NetlinkMessage message(type, flags);
  ifaddrmsg header{};
  header.ifa_family = family_number(address.address.family());
  header.ifa_prefixlen = static_cast<unsigned char>(address.length);
  header.ifa_index = static_cast<std::uint32_t>(interface);
  // An address of the plan is ours alone, and a wire cannot ask its neighbours:
  // without this it would be unusable for a second.
  if (type == RTM_NEWADDR && address.address.is_v6()) header.ifa_flags = IFA_F_NODAD;
  message.put_header(header);
  message.put_address(IFA_LOCAL, address.address);
  message.put_address(IFA_ADDRESS, address.address);
  return socket.request(message);
}

template <class Fill>
Status Network::Impl::set_link(const std::string& interface, const std::string& what, ifinfomsg header, Fill fill) {
  RADIAL_ASSIGN(header.ifi_index, index_of(interface));
  auto message = link_request(RTM_SETLINK, 0, header);
  fill(message);
  if (auto status = socket.request(message); !status)
    return forward_error(std::move(status.error()).within(fmt::format("cannot {} {}", what, interface)));
  return {};
}

Network::Network(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Network::Network(Network&&) noexcept = default;
Network& Network::operator=(Network&&) noexcept = default;
Network::~Network() = default;

Result<Network> Network::open() {
  RADIAL_ASSIGN(auto socket, rtnetlink::open_socket());
  return Network(std::make_unique<Impl>(Impl{std::move(socket)}));
}

Result<std::vector<Link>> Network::links() { return rtnetlink::dump_links(impl_->socket); }

Result<std::optional<Link>> Network::link(const std::string& name) { return impl_->link(name); }

Result<std::vector<HeldAddress>> Network::addresses() {
  for (int attempt = 0; attempt < consistent_attempts; ++attempt) {
    RADIAL_ASSIGN(const auto messages, impl_->address_messages());
    RADIAL_ASSIGN(const auto names, impl_->link_names());
    std::vector<HeldAddress> addresses;
    for (const auto& message : messages) {
      const auto name = names.find(message.interface);
      if (name == names.end()) break;
      addresses.push_back({name->second, message.address, message.link_scope});
    }
    if (addresses.size() == messages.size()) return addresses;
  }
  return changing_too_fast("the interfaces");
}

Result<std::vector<Route>> Network::routes(Family family) {
  for (int attempt = 0; attempt < consistent_attempts; ++attempt) {
    RADIAL_ASSIGN(const auto messages, rtnetlink::dump_routes(impl_->socket, family));
    rtnetlink::Nexthops nexthops;
    if (std::any_of(messages.begin(), messages.end(), rtnetlink::needs_nexthops)) {
      RADIAL_ASSIGN(nexthops, rtnetlink::dump_nexthops(impl_->socket));
    }
    RADIAL_ASSIGN(const auto names, impl_->link_names());
    std::vector<Route> routes;
    bool consistent = true;
    for (const auto& message : messages) {
      Route route;
      const auto resolution = rtnetlink::resolve(message, nexthops, names, route);
      if (resolution == rtnetlink::Resolution::resolved) routes.push_back(std::move(route));
      consistent = consistent && resolution != rtnetlink::Resolution::unknown;
    }
    if (consistent) return routes;
  }
  return changing_too_fast("the routes");
}

Status Network::set_up(const std::string& interface, bool up) {
  ifinfomsg header{};
  header.ifi_change = IFF_UP;
  if (up) header.ifi_flags = IFF_UP;
  return impl_->set_link(interface, up ? "bring up" : "bring down", header, [](NetlinkMessage&) {});
}

Status Network::set_mtu(const std::string& interface, int mtu) {
  return impl_->set_link(interface, fmt::format("set an MTU of {} on", mtu), {}, [&](NetlinkMessage& message) {
    message.put_u32(IFLA_MTU, static_cast<std::uint32_t>(mtu));
  });
}

Status Network::set_alias(const std::string& interface, const std::string& alias) {
  return impl_->set_link(interface, "set the alias of", {}, [&](NetlinkMessage& message) {
    message.put(IFLA_IFALIAS, {reinterpret_cast<const std::uint8_t*>(alias.data()), alias.size()});
  });
}

Status Network::disable_address_generation(const std::string& interface) {
  auto status = impl_->set_link(interface, "switch automatic IPv6 addresses off on", {}, [](NetlinkMessage& message) {
    const auto families = message.begin_nest(IFLA_AF_SPEC);
    const auto inet6 = message.begin_nest(AF_INET6);
    message.put_u8(IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
    message.end_nest(inet6);
    message.end_nest(families);
  });
  // A machine without IPv6 generates none.
  if (!status && status.error().sys_errno == EAFNOSUPPORT) return {};
  return status;
}

Status Network::add_address(const std::string& interface, const InterfaceAddress& address) {
  RADIAL_ASSIGN(const auto index, impl_->index_of(interface));
  auto status = impl_->change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address);
  if (status) return {};
  if (status.error().sys_errno != EEXIST)
    return forward_error(std::move(status.error()).within(fmt::format("cannot add {} to {}", address, interface)));
  // For IPv6 the kernel says so of another prefix length, too.
  RADIAL_ASSIGN(const auto held, impl_->address_messages(index));
  for (const auto& other : held)
    if (other.address.address == address.address && other.address.length != address.length && address.address.is_v6())
      return fail(Errc::conflict, "cannot add {} to {}: it holds {}, which must be removed first", address, interface,
                  other.address);
  return {};
}

Status Network::announce_address(const std::string& interface, const InterfaceAddress& address) {
  RADIAL_ASSIGN(const auto index, impl_->index_of(interface));
  if (auto status = impl_->change_address(RTM_NEWADDR, NLM_F_REPLACE, index, address); !status)
    return forward_error(std::move(status.error()).within(fmt::format("cannot replace {} on {}", address, interface)));
  return {};
}

Status Network::remove_address(const std::string& interface, const InterfaceAddress& address) {
  RADIAL_ASSIGN(const auto found, impl_->link(interface));
  if (!found) return {};
  RADIAL_ASSIGN(const auto before, impl_->address_messages(found->index));
  auto status = impl_->change_address(RTM_DELADDR, 0, found->index, address);
  if (!status && status.error().sys_errno == EADDRNOTAVAIL) return {};
  if (!status)
    return forward_error(std::move(status.error()).within(fmt::format("cannot remove {} from {}", address, interface)));
  // With the first IPv4 address of a subnet its others go as well, unless
  // net.ipv4.conf.*.promote_secondaries is set: they were not meant.
  RADIAL_ASSIGN(const auto after, impl_->address_messages(found->index));
  for (const auto& other : before) {
    const auto same = [&](const auto& held) { return held.address == other.address; };
    if (other.address == address || std::any_of(after.begin(), after.end(), same)) continue;
    RADIAL_TRY(add_address(interface, other.address));
  }
  return {};
}

Status Network::delete_link(const std::string& interface) {
  RADIAL_ASSIGN(const auto found, impl_->link(interface));
  if (!found) return {};
  ifinfomsg header{};
  header.ifi_index = found->index;
  auto message = link_request(RTM_DELLINK, 0, header);
  auto status = impl_->socket.request(message);
  if (!status && status.error().sys_errno == ENODEV) return {};  // somebody was faster
  if (!status) return forward_error(std::move(status.error()).within(fmt::format("cannot delete {}", interface)));
  return {};
}

Status Network::add_link(const std::string& interface, const std::string& kind) {
  if (interface.empty() || interface.size() >= IFNAMSIZ)
    return fail(Errc::invalid_argument, "'{}' cannot name an interface: 1 to {} characters are allowed", interface,
                IFNAMSIZ - 1);
  auto message = link_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, {});
  message.put_string(IFLA_IFNAME, interface);
  const auto info = message.begin_nest(IFLA_LINKINFO);
  message.put_string(IFLA_INFO_KIND, kind);
  message.end_nest(info);
  if (auto status = impl_->socket.request(message); !status)
    return forward_error(std::move(status.error()).within(fmt::format("cannot create {} (kind {})", interface, kind)));
  return {};
}

}  // namespace radial::host
