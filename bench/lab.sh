#!/usr/bin/env bash
# How long a lab takes to come up with 1, 4 and 16 sites, how long from an apply
# to all adjacencies Full and all pings, and what radiald costs while idle.
# Prints one table. Ratios are against the one-site lab of the same run.
#   bench/lab.sh [RUNS]      (default 3; the median is printed)
set -euo pipefail
ROOT=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
radial=$ROOT/build/bin/radial
runs=${1:-3}
work=$(mktemp -d); name=bench$$
trap '"$radial" lab down "$name" > /dev/null 2>&1 || true; rm -rf "$work"' EXIT

fabric() {
  printf 'fabric: bench\nhubs:\n  hub1: { endpoint: hub.example.com:51820, lans: [192.168.0.0/24] }\nsites:\n'
  for k in $(seq "$1"); do printf '  site%d: { lans: [192.168.%d.0/24] }\n' "$k" "$k"; done
}
now() { date +%s%N; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

printf 'machine: %s cores, FRR %s, kernel %s, median of %d runs\n\n' "$(nproc)" \
  "$(dpkg-query -W -f '${Version}' frr 2>/dev/null | cut -d- -f1)" "$(uname -r)" "$runs"
printf '%-8s %-22s %-8s %-26s %-16s %s\n' sites 'lab up to all pings' ratio 'down/up of hub to all pings' 'radiald CPU idle' 'radiald RSS'
base=
for sites in 1 4 16; do
  fabric "$sites" > "$work/fabric.yaml"
  : > "$work/up"; : > "$work/apply"
  for _ in $(seq "$runs"); do
    "$radial" lab down "$name" > /dev/null 2>&1 || true
    t=$(now); "$radial" lab up "$work/fabric.yaml" --name "$name" > /dev/null 2> "$work/err" || { cat "$work/err"; exit 1; }
    echo $(( ($(now) - t) / 1000000 )) >> "$work/up"
    # Everything of the hub is removed and applied again.
    "$radial" lab exec "$name" hub1 -- "$radial" down > /dev/null
    t=$(now); "$radial" lab exec "$name" hub1 -- "$radial" up > /dev/null
    until "$radial" lab status "$name" > /dev/null && "$radial" lab ping "$name" > /dev/null; do sleep 0.1; done
    echo $(( ($(now) - t) / 1000000 )) >> "$work/apply"
  done
  # CPU of the hub's radiald over 20 s in which nothing happens.
  cpu=$("$radial" lab exec "$name" hub1 -- sh -c '
    pid=$(pidof radiald); set -- $(cat /proc/$pid/stat); a=$((${14} + ${15})); sleep 20
    set -- $(cat /proc/$pid/stat); b=$((${14} + ${15})); awk -v t=$((b - a)) -v hz=$(getconf CLK_TCK) "BEGIN { printf \"%.2f %%\", t / hz / 20 * 100 }"')
  rss=$("$radial" lab exec "$name" hub1 -- sh -c 'awk "/VmRSS/ { printf \"%.1f MB\", \$2 / 1024 }" /proc/$(pidof radiald)/status')
  up=$(median < "$work/up"); apply=$(median < "$work/apply"); base=${base:-$up}
  printf '%-8s %-22s %-8s %-26s %-16s %s\n' "$sites" "$up ms" "$(awk -v a="$up" -v b="$base" 'BEGIN { printf "%.1f", a / b }')" "$apply ms" "$cpu" "$rss"
done
