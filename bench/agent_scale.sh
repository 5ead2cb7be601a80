#!/usr/bin/env bash
# What radiald costs at a hub with many sites: memory, and CPU while nothing
# happens. The sites are simulated: keys, grants and routes are there, machines
# are not. Each has a LAN of its own and ten routes in a prefix that all are granted, so
# that each of those is steered. Prints one table.
#   bench/agent_scale.sh [SITES...]   (default: 10 100 1000; FRR=10.3 for that version)
set -euo pipefail
ROOT=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
radial=${RADIAL:-$ROOT/build/bin/radial}
frr=(); [ -z "${FRR:-}" ] || frr=(--frr "$FRR")
idle=260  # seconds: two audits, which are 2 minutes apart at most
work=$(mktemp -d); name=scale$$
trap '"$radial" lab down "$name" > /dev/null 2>&1 || true; rm -rf "$work"' EXIT
in_hub() { "$radial" lab exec "$name" hub1 -- "$@"; }

fabric() {
  printf 'fabric: scale\nhubs:\n  hub1: { endpoint: hub.example.com:51820, tunnel: 10.255.0.0/20, lans: [192.168.0.0/24] }\nsites:\n'
  for k in $(seq "$1"); do
    printf '  site%d: { lans: [10.%d.%d.0/24], grant: [172.16.0.0/12] }\n' "$k" $((1 + k / 256)) $((k % 256))
  done
}
facts() {
  printf '{"nodes": {'
  for k in $(seq 2 "$1"); do printf '"site%d": {"public_key": "%s"},' "$k" "$(head -c 32 /dev/urandom | base64)"; done
  in_hub cat /etc/radial/facts.json | python3 -c '
import json, sys
print(json.dumps(json.load(sys.stdin)["nodes"])[1:-1] + "}, \"addresses\": {}}")'
}
# Ten host routes to each site, through its tunnel address.
routes() {
  in_hub cat /etc/radial/facts.json | python3 -c '
import json, sys
n = 0
for site, address in json.load(sys.stdin)["addresses"]["hub1"].items():
    if site == "hub1": continue
    for _ in range(10):
        print(f"route add 172.{16 + n // 65536}.{n // 256 % 256}.{n % 256}/32 via {address} dev wg0 onlink proto 99")
        n += 1'
}
until_good() {
  local end=$((SECONDS + 900))
  until "$@" > /dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "not within 900 s: $*" >&2; exit 1; }
    sleep 0.2
  done
}
peers() { in_hub wg show wg0 allowed-ips | grep -c 10.255; }
steered() { in_hub wg show wg0 allowed-ips | grep -o '172[.][0-9.]*/32' | wc -l; }
has_peers() { [ "$(peers)" -ge "$1" ]; }
# The last site's LAN stands in zebra's filter.
has_filter() { in_hub vtysh -c 'show running-config' | grep -q "permit 10[.]$((1 + $1 / 256))[.]$(($1 % 256))[.]0/24"; }
has_steered() { [ "$(steered)" -ge "$1" ]; }
ticks() { in_hub sh -c 'set -- $(cat /proc/$(pidof radiald)/stat); echo $((${14} + ${15}))' | tr -d '\r'; }
memory() { in_hub sh -c "awk '/$1/ { printf \"%.1f MB\", \$2 / 1024 }' /proc/\$(pidof radiald)/status"; }

printf 'machine: %s cores, FRR %s, kernel %s\n\n' "$(nproc)" \
  "${FRR:-$(dpkg-query -W -f '${Version}' frr 2>/dev/null | cut -d- -f1)}" "$(uname -r)"
row() { printf '%-6s %-8s %-14s %-14s %-14s %-10s %-10s %s\n' "$@"; }
row sites steered 'start to peers' 'to all in FRR' 'routes placed' RSS 'most RSS' 'CPU idle'
[ $# -gt 0 ] || set -- 10 100 1000
for sites; do
  fabric 1 > "$work/one.yaml"
  "$radial" lab up "$work/one.yaml" --name "$name" --replace "${frr[@]}" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  fabric "$sites" > "$work/fabric.yaml"
  facts "$sites" > "$work/facts.json"
  in_hub "$radial" down > /dev/null
  in_hub sh -c 'kill $(pidof radiald); rm -f /var/lib/radial/down; cat > /etc/radial/facts.json' < "$work/facts.json"
  in_hub sh -c 'cat > /etc/radial/fabric.yaml' < "$work/fabric.yaml"
  t=$(date +%s%N)
  in_hub sh -c "setsid ${radial}d > /dev/null 2>&1 < /dev/null &"
  until_good has_peers "$sites"
  start=$(( ($(date +%s%N) - t) / 1000000 ))
  until_good has_filter "$sites"
  filtered=$(( ($(date +%s%N) - t) / 1000000 ))
  routes > "$work/routes"
  t=$(date +%s%N)
  in_hub sh -c 'cat > /tmp/scale-routes; ip -batch /tmp/scale-routes; rm /tmp/scale-routes' < "$work/routes"
  until_good has_steered $(((sites - 1) * 10))  # one of them has the prefix itself
  placed=$(( ($(date +%s%N) - t) / 1000000 ))
  sleep 15  # until the first audits are over
  before=$(ticks); sleep "$idle"; after=$(ticks)
  row "$sites" "$(steered)" "$start ms" "$filtered ms" "$placed ms" "$(memory VmRSS)" "$(memory VmHWM)" \
    "$(awk -v t=$((after - before)) -v hz="$(getconf CLK_TCK)" -v s="$idle" 'BEGIN { printf "%.2f %%", t / hz / s * 100 }')"
done
