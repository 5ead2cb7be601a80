#include "fabric/file/build.h"

#include "fabric/file/rules.h"
#include "fabric/prefix_index.h"

namespace radial::file {
namespace {

// The LANs are always granted, besides what is listed.
Grant effective_grant(const DraftNode& node) {
  Grant grant{node.grant.any, {}};
  for (const auto& lan : node.lans) grant.prefixes.push_back(lan.value.prefix);
  for (const auto& listed : node.grant.prefixes) grant.prefixes.push_back(listed.value);
  keep_widest(grant.prefixes);
  return grant;
}

template <class T>
std::vector<T> values_of(const std::vector<Written<T>>& written) {
  std::vector<T> values;
  values.reserve(written.size());
  for (const auto& one : written) values.push_back(one.value);
  return values;
}

std::optional<IpAddress> pin_of(const DraftNode& node) {
  return node.address ? std::optional(node.address->value) : std::nullopt;
}

Hub build_hub(const DraftHub& draft) {
  Hub hub;
  hub.name = draft.name;
  hub.endpoints = values_of(draft.endpoints);
  hub.lans = values_of(draft.lans);
  hub.grant = effective_grant(draft);
  hub.listen_port = draft.listen_port;
  hub.tunnel_v4 = draft.tunnel_v4->value;
  if (draft.tunnel_v6) hub.tunnel_v6 = draft.tunnel_v6->value;
  hub.address = pin_of(draft);
  hub.cost = draft.cost;
  hub.site_wires = draft.wire.value;
  return hub;
}

Site build_site(const Draft& draft, const DraftSite& written) {
  Site site;
  site.name = written.name;
  site.lans = values_of(written.lans);
  site.grant = effective_grant(written);
  for (const auto* hub : hubs_of(draft, written)) site.hubs.push_back(hub->name);
  site.address = pin_of(written);
  if (written.mtu) site.mtu = written.mtu->value;
  site.keepalive = written.keepalive;
  site.trust = written.trust.value;
  return site;
}

}  // namespace

Fabric build_fabric(const Draft& draft) {
  Fabric fabric;
  fabric.name = draft.name;
  fabric.interface = draft.interface.value;
  fabric.mtu = draft.mtu.value;
  fabric.routing = draft.routing;
  fabric.ospf = draft.ospf;
  fabric.bgp = draft.bgp;
  fabric.rotate_days = draft.rotate_days;
  for (const auto& hub : draft.hubs) fabric.hubs.push_back(build_hub(hub));
  for (const auto& site : draft.sites) fabric.sites.push_back(build_site(draft, site));
  return fabric;
}

}  // namespace radial::file
