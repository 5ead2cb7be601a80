#!/usr/bin/env bash
# How long `radial plan` and `radial apply` take over fabrics of 10 and 100 nodes,
# for a change that concerns two nodes and for one that concerns all. Every node
# is a bare machine of a lab with FRR and radiald, joined by a token. Prints one
# table; ratios are against the first fabric of the same run.
#   bench/plan.sh [SITES...]   (default 9 99: some five minutes, 8 GB)
set -euo pipefail
ROOT=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
. "$ROOT/bench/lib.sh"
radial=$ROOT/build/bin/radial
[ $# -gt 0 ] || set -- 9 99
rounds=3
work=$(mktemp -d); name=planbench$$
trap '"$radial" lab down "$name" > /dev/null 2>&1 || true; rm -rf "$work"' EXIT
lan() { echo "10.$(($1 / 200)).$(($1 % 200)).0/24"; }
all_healthy() { [ "$(on hub1 radial members | grep -c ' newest ')" -ge "$1" ] && "$radial" lab status "$name" > /dev/null 2>&1; }

# timed TITLE SITES FABRIC...: plan of the first, apply of one after the other.
timed() {
  local title=$1 sites=$2 nodes= began; shift 2
  : > "$work/plan"; : > "$work/apply"
  for fabric; do
    began=$(now); on hub1 radial plan "$fabric" > "$work/out" || [ $? = 2 ] || { cat "$work/out"; exit 1; }
    since "$began" >> "$work/plan"
    nodes=$(grep -o 'at [0-9]* nodes' "$work/out" | grep -o '[0-9]*')
    began=$(now); on hub1 radial apply "$fabric" > "$work/out" 2>&1 || { cat "$work/out"; exit 1; }
    since "$began" >> "$work/apply"
  done
  local plan apply; plan=$(median < "$work/plan"); apply=$(median < "$work/apply")
  [ -n "${base[$title]:-}" ] || base[$title]="$plan $apply"
  read -r first_plan first_apply <<< "${base[$title]}"
  printf '%-7s %-22s %-7s %-9s %-7s %-9s %s\n' $((sites + 1)) "$title" "$nodes" "$plan s" \
    "$(awk -v a="$plan" -v b="$first_plan" 'BEGIN { printf "%.1f", a / b }')" "$apply s" \
    "$(awk -v a="$apply" -v b="$first_apply" 'BEGIN { printf "%.1f", a / b }')"
}

printf 'machine: %s cores, FRR %s, kernel %s, median of %d\n\n' "$(nproc)" "$(dpkg-query -W -f '${Version}' frr | cut -d- -f1)" "$(uname -r)" "$rounds"
printf '%-7s %-22s %-7s %-9s %-7s %-9s %s\n' nodes change touches plan ratio apply ratio
declare -A base=()
for sites in "$@"; do
  { printf 'fabric: bench\nhubs:\n  hub1: { endpoint: hub.example.com:51820, lans: [192.168.0.0/24] }\nsites:\n'
    for k in $(seq "$sites"); do printf '  site%d: { lans: [%s] }\n' "$k" "$(lan "$k")"; done; } > "$work/fabric.yaml"
  "$radial" lab up "$work/fabric.yaml" --bare --name "$name" --replace > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  on hub1 radial init --name hub1 --fabric bench --endpoint hub.example.com --lan 192.168.0.0/24 > /dev/null
  for k in $(seq "$sites"); do
    on hub1 radial invite "site$k" --lan "$(lan "$k")" 2> /dev/null | grep -o 'radial1[.][^ ]*' | sed -n "1s/^/site$k /p"
  done | xargs -P 4 -L 1 sh -c '"$0" lab exec "$1" "$2" -- radial join "$3" > /dev/null' "$radial" "$name"
  end=$((SECONDS + 300))
  until all_healthy $((sites + 1)); do
    [ $SECONDS -lt $end ] || { echo "not healthy within 300 s" >&2; "$radial" lab status "$name" | tail -n 30 >&2; exit 1; }
    sleep 1
  done
  few=() many=()
  for round in $(seq "$rounds"); do
    few+=("/run/few$round.yaml"); many+=("/run/many$round.yaml")
    on hub1 sh -c "sed 's|^  site1: {|& mtu: $((1300 + round)),|' /etc/radial/fabric.yaml > /run/few$round.yaml;
                   sed 's|^fabric: bench|&\nmtu: $((1350 + round))|' /etc/radial/fabric.yaml > /run/many$round.yaml"
  done
  timed 'the MTU of one site' "$sites" "${few[@]}"
  timed 'the MTU everywhere' "$sites" "${many[@]}"
  "$radial" lab down "$name" > /dev/null
done
