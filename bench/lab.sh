#!/usr/bin/env bash
# How long a lab takes to come up with 1, 4 and 16 sites, how long from an apply
# to all adjacencies Full and all pings, and what radiald costs while idle.
# Prints one table. Ratios are against the one-site lab of the same run.
#   bench/lab.sh [RUNS] [FRR]   (default 3 runs, of which the median is printed; FRR 10.3 or this machine's)
# Takes some five minutes; nothing is waited for longer than 3.
set -euo pipefail
ROOT=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
. "$ROOT/bench/lib.sh"
radial=$ROOT/build/bin/radial
runs=${1:-3}
frr=(); [ -z "${2:-}" ] || frr=(--frr "$2")
work=$(mktemp -d); name=bench$$
trap '"$radial" lab down "$name" > /dev/null 2>&1 || true; rm -rf "$work"' EXIT

fabric() {
  printf 'fabric: bench\nhubs:\n  hub1: { endpoint: hub.example.com:51820, lans: [192.168.0.0/24] }\nsites:\n'
  for k in $(seq "$1"); do printf '  site%d: { lans: [192.168.%d.0/24] }\n' "$k" "$k"; done
}
# until_good WHAT COMMAND...: again and again until it succeeds.
until_good() {
  local what=$1 end=$((SECONDS + 180)); shift
  until "$@" > /dev/null 2>&1; do
    [ $SECONDS -lt $end ] || { echo "not $what within 180 s" >&2; "$radial" lab status "$name" >&2 || true; exit 1; }
    sleep 0.05
  done
}

printf 'machine: %s cores, FRR %s, kernel %s, median of %d runs\n\n' "$(nproc)" \
  "${2:-$(dpkg-query -W -f '${Version}' frr 2>/dev/null | cut -d- -f1)}" "$(uname -r)" "$runs"
row() { printf '%-6s %-20s %-6s %-20s %-21s %-17s %s\n' "$@"; }
row sites 'lab up to all pings' ratio 'hub up to all Full' 'hub up to all pings' 'radiald CPU idle' 'radiald RSS'
base=
for sites in 1 4 16; do
  fabric "$sites" > "$work/fabric.yaml"
  : > "$work/up"; : > "$work/full"; : > "$work/pings"
  for _ in $(seq "$runs"); do
    "$radial" lab down "$name" > /dev/null 2>&1 || true
    t=$(now); "$radial" lab up "$work/fabric.yaml" --name "$name" "${frr[@]}" > /dev/null 2> "$work/err" || { cat "$work/err"; exit 1; }
    echo $(( ($(now) - t) / 1000000 )) >> "$work/up"
    # Everything of the hub is removed and applied again.
    "$radial" lab exec "$name" hub1 -- "$radial" down > /dev/null
    t=$(now); "$radial" lab exec "$name" hub1 -- "$radial" up > /dev/null
    until_good 'all Full' "$radial" lab status "$name"
    echo $(( ($(now) - t) / 1000000 )) >> "$work/full"
    until_good 'reached everywhere' "$radial" lab ping "$name"
    echo $(( ($(now) - t) / 1000000 )) >> "$work/pings"
  done
  # CPU of the hub's radiald over 20 s in which nothing happens.
  cpu=$("$radial" lab exec "$name" hub1 -- sh -c '
    pid=$(pidof radiald); set -- $(cat /proc/$pid/stat); a=$((${14} + ${15})); sleep 20
    set -- $(cat /proc/$pid/stat); b=$((${14} + ${15})); awk -v t=$((b - a)) -v hz=$(getconf CLK_TCK) "BEGIN { printf \"%.2f %%\", t / hz / 20 * 100 }"')
  rss=$("$radial" lab exec "$name" hub1 -- sh -c 'awk "/VmRSS/ { printf \"%.1f MB\", \$2 / 1024 }" /proc/$(pidof radiald)/status')
  up=$(median < "$work/up"); base=${base:-$up}
  row "$sites" "$up ms" "$(awk -v a="$up" -v b="$base" 'BEGIN { printf "%.1f", a / b }')" "$(median < "$work/full") ms" \
    "$(median < "$work/pings") ms" "$cpu" "$rss"
done
