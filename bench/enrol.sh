#!/usr/bin/env bash
# From `radial join` to the first ping into another site's LAN, on bare machines
# of a lab: init at the hub, one site that has joined, then the one that is timed.
# And how large the programs are, and how soon they are there. Prints two tables.
#   bench/enrol.sh [ROUNDS]   (default 5)
set -euo pipefail
ROOT=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
. "$ROOT/bench/lib.sh"
bin=$ROOT/build/bin
radial=$bin/radial
rounds=${1:-5}
work=$(mktemp -d); name=enrolbench$$
trap '"$radial" lab down "$name" > /dev/null 2>&1 || true; rm -rf "$work"' EXIT
spread() { sort -n | awk '{ v[NR] = $1 } END { printf "%s s (%s to %s, %d rounds)\n", v[int((NR + 1) / 2)], v[1], v[NR], NR }'; }
until_it() {
  local end=$((SECONDS + 60))
  until "$@" > /dev/null 2>&1; do [ $SECONDS -lt $end ] || { echo "not within 60 s: $*" >&2; exit 1; }; done
}
token() { on fra1 radial invite "$1" --lan "$2" 2> /dev/null | grep -o 'radial1[.][^ ]*' | head -n 1; }

printf 'machine: %s cores, FRR %s, kernel %s\n\n' "$(nproc)" "$(dpkg-query -W -f '${Version}' frr | cut -d- -f1)" "$(uname -r)"
cat > "$work/fabric.yaml" <<'END'
fabric: bench
hubs:
  fra1: { endpoint: vpn.example.com:51820, lans: [192.168.1.0/24] }
sites:
  berlin: { lans: [192.168.20.0/24] }
  paris:  { lans: [192.168.30.0/24] }
END
for _ in $(seq "$rounds"); do
  "$radial" lab up "$work/fabric.yaml" --bare --name "$name" --replace > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }
  on fra1 radial init --name fra1 --fabric bench --endpoint vpn.example.com --lan 192.168.1.0/24 > /dev/null
  on paris radial join "$(token paris 192.168.30.0/24)" > /dev/null
  until_it on paris.lan0 ping -c 1 -W 1 192.168.1.2
  invitation=$(token berlin 192.168.20.0/24)
  began=$(now)
  on berlin radial join "$invitation" > /dev/null
  since "$began" >> "$work/joined"
  until_it on berlin.lan0 ping -c 1 -W 0.2 192.168.30.2
  since "$began" >> "$work/pinged"
done
printf 'radial join returns after        %s\n' "$(spread < "$work/joined")"
printf 'first ping into another site LAN %s\n\n' "$(spread < "$work/pinged")"

printf '%-12s %-12s %s\n' program size 'until it has said its version (median of 21)'
for program in radial radiald radial-wire; do
  strip -o "$work/$program" "$bin/$program"
  for _ in $(seq 21); do
    began=$(now); "$work/$program" --version > /dev/null; echo $((($(now) - began) / 1000))
  done | sort -n > "$work/times"
  printf '%-12s %-12s %s us\n' "$program" "$(awk -v b="$(stat -c %s "$work/$program")" 'BEGIN { printf "%.1f MB", b / 1048576 }')" "$(sed -n 11p "$work/times")"
done
