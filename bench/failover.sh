#!/usr/bin/env bash
# A prefix is withdrawn at one site and announced at another: for how long a ping
# every 10 ms to an address in it goes unanswered, where the hub has one multipoint
# wire (routing, then steering) and where it has an interface for each site
# (`wire: dedicated`: routing alone). Both labs in one run, moves taken in turn.
#   bench/failover.sh [MOVES] [FRR]   (default 10 moves a lab; FRR 10.3 or this machine's)
# The outage is the longest time between two answers, less the 10 ms.
set -euo pipefail
ROOT=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
radial=$ROOT/build/bin/radial
moves=${1:-10}
frr=(); [ -z "${2:-}" ] || frr=(--frr "$2")
work=$(mktemp -d); base=failover$$
down() { for kind in multipoint dedicated; do "$radial" lab down "$base$kind" > /dev/null 2>&1 || true; done; }
trap 'down; rm -rf "$work"' EXIT

fabric() {
  cat << YAML
fabric: bench
hubs:
  hub1: { endpoint: hub.example.com:51820, lans: [192.168.0.0/24], wire: $1 }
sites:
  office1: { lans: [192.168.1.0/24, 10.50.0.0/24], grant: [10.50.0.0/24] }
  office2: { lans: [192.168.2.0/24, 10.50.0.0/24], grant: [10.50.0.0/24] }
  branch: { lans: [192.168.3.0/24] }
YAML
}
in_node() { local kind=$1 node=$2; shift 2; "$radial" lab exec "$base$kind" "$node" -- "$@"; }
# until_good WHAT COMMAND...: again and again until it succeeds.
until_good() {
  local what=$1 end=$((SECONDS + 120)); shift
  until "$@" > /dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "not $what within 120 s" >&2; exit 1; }
    sleep 0.1
  done
}
# The LAN's interface of each site, whatever the lab calls it.
office() { in_node "$1" "$2" sh -c "ip -o -4 address show | awk '\$4 ~ /^10\\.50\\.0\\./ { print \$2 }' | head -n 1"; }
answers() { in_node "$1" branch.lan0 ping -c 1 -W 1 "$2"; }
# move KIND FROM TO: milliseconds without an answer.
move() {
  local kind=$1 from=$2 to=$3
  "$radial" lab exec "$base$kind" branch.lan0 -- ping -D -n -i 0.01 -c 700 -W 1 10.50.0.1 > "$work/ping" 2> /dev/null &
  local ping=$!
  sleep 1.5
  in_node "$kind" "$from" ip link set "${interface[$kind$from]}" down &
  in_node "$kind" "$to" ip link set "${interface[$kind$to]}" up
  wait "$ping" || true
  awk -F'[][]' '/bytes from/ { if (last && $2 - last > gap) gap = $2 - last; last = $2; n++ }
    END { if (n < 50) exit 1; printf "%d\n", (gap - 0.01) * 1000 + 0.5 }' "$work/ping"
}
quantile() { sort -n | awk -v q="$1" '{ v[NR] = $1 } END { print v[int((NR - 1) * q) + 1] }'; }

printf 'machine: %s cores, FRR %s, kernel %s, %d moves a lab\n\n' "$(nproc)" \
  "${2:-$(dpkg-query -W -f '${Version}' frr 2>/dev/null | cut -d- -f1)}" "$(uname -r)" "$moves"
declare -A interface
for kind in multipoint dedicated; do
  fabric "$kind" > "$work/$kind.yaml"
  "$radial" lab up "$work/$kind.yaml" --name "$base$kind" --no-wait "${frr[@]}" > /dev/null 2> "$work/err" || { cat "$work/err"; exit 1; }
  for site in office1 office2; do
    interface[$kind$site]=$(office "$kind" "$site")
    in_node "$kind" "$site" ip address add 10.50.0.1/24 dev "${interface[$kind$site]}" 2> /dev/null || true
  done
  in_node "$kind" office2 ip link set "${interface[${kind}office2]}" down
  until_good 'answering' answers "$kind" 10.50.0.1
  : > "$work/$kind.ms"
done
from=office1; to=office2
for _ in $(seq "$moves"); do
  for kind in multipoint dedicated; do move "$kind" "$from" "$to" >> "$work/$kind.ms"; done
  swap=$from; from=$to; to=$swap
done
row() { printf '%-12s %-10s %-10s %-10s %s\n' "$@"; }
row wire median 'the least' 'the most' ratio
base_ms=$(quantile 0.5 < "$work/dedicated.ms")
for kind in dedicated multipoint; do
  mid=$(quantile 0.5 < "$work/$kind.ms")
  row "$kind" "$mid ms" "$(quantile 0 < "$work/$kind.ms") ms" "$(quantile 1 < "$work/$kind.ms") ms" \
    "$(awk -v a="$mid" -v b="$base_ms" 'BEGIN { printf "%.2f", a / b }')"
done
