#include "exchange/hooks.h"

namespace radial::exchange {

Hook classify_hook(std::string_view command) {
  const auto has = [&](std::string_view word) { return command.find(word) != std::string_view::npos; };
  // Several commands of one line may be of several kinds: what is not covered counts.
  if (has("MASQUERADE") || has("masquerade") || has("SNAT") || has("snat"))
    return {"source NAT; Radial has none: keep it where it is needed, and never between LANs of the fabric, whose "
            "hosts must see each other's own addresses", false};
  if (has("DNAT") || has("dnat")) return {"destination NAT; Radial has none: keep it elsewhere (nftables.conf)", false};
  if (has("ip route") || has("ip -4 route") || has("ip -6 route"))
    return {"routes by hand; under Radial they come from FRR. What the sites' LANs do not cover: a static route in FRR", false};
  if (has("ip rule")) return {"policy routing; left out", false};
  if (has("TCPMSS") || has("maxseg"))
    return {"MSS clamping; Radial's own nftables table does it, in both directions. Leave the line out", true};
  if (has("ip_forward") || has("forwarding"))
    return {"forwarding of packets; Radial sets it. Leave the line out", true};
  if (has("multicast")) return {"multicast on the interface; not needed under Radial, whose hubs greet sites by unicast", true};
  if (has("ACCEPT") || has("accept"))
    return {"a firewall rule that lets something pass; keep it in your firewall if that drops by default", false};
  return {"a command that the import does not know; left out. Keep it elsewhere if it is still needed", false};
}

}  // namespace radial::exchange
