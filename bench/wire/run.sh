#!/usr/bin/env bash
# radial-wire beside every other userspace WireGuard of this machine, beside itself
# without a cipher, and what its protocol core costs: one run, one printed report.
#
#   bench/wire/run.sh           about 20 minutes on two quiet cores
#   bench/wire/run.sh --quick   under 6 minutes: one round of two seconds each
#
# wireguard-go of Debian 13 comes from the folder that tools/debian13-root
# makes. Ratios hold where other work on the machine comes and goes (rounds are
# interleaved); absolute figures do not. On a machine whose kernel has
# WireGuard it is measured too; an emulated one cannot be timed.
set -euo pipefail
ROOT=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
. "$ROOT/tools/lib.sh"

quick=()
case "${1:-}" in
  "") ;;
  --quick) quick=(--quick) ;;
  *) sed -n '2,12s/^# \{0,1\}//p' "$0"; [ "$1" = --help ] && exit 0; exit 1 ;;
esac
need_root
build=$ROOT/build
[ -f "$build/build.ninja" ] || cmake -S "$ROOT" --preset release > /dev/null
ninja -C "$build" radial-wire benches > /dev/null

# "bound": radial-wire without a cipher, on the same path; its ratio is the share of this machine's bound that is reached.
programs=("radial=$build/bin/radial-wire" "bound=$build/bench/bound/radial-wire")
if trixie=${RADIAL_TRIXIE_ROOT:-$("$ROOT/tools/debian13-root" 2> /dev/null)} && [ -x "$trixie/usr/bin/wireguard-go" ]; then
  programs+=("go13=$trixie/usr/bin/wireguard-go")
fi
[ ! -x /usr/bin/wireguard-go ] || programs+=("go12=/usr/bin/wireguard-go")
if modprobe -q wireguard 2> /dev/null || [ -d /sys/module/wireguard ]; then programs+=("kernel=kernel"); fi

# Tunnels of other kinds (not of Debian's release of this machine alone: any that apt
# knows), unpacked and not installed, so that no service of theirs starts here.
others=${RADIAL_CACHE:-/var/cache/radial}/bench-tunnels
if [ ! -e "$others/complete" ]; then
  rm -rf "$others"; mkdir -p "$others/debs"
  grep -v '^#' "$ROOT/bench/wire/packages.txt" | (cd "$others/debs" && xargs apt-get download > /dev/null 2>&1) || true
  for deb in "$others"/debs/*.deb; do [ ! -e "$deb" ] || dpkg -x "$deb" "$others"; done
  rm -rf "$others/debs"; touch "$others/complete"
fi
for pair in nebula:usr/bin/nebula openvpn:usr/sbin/openvpn tinc:usr/sbin/tincd fastd:usr/bin/fastd; do
  if [ -x "$others/${pair#*:}" ]; then programs+=("${pair%%:*}=${pair%%:*}"); else say "no ${pair%%:*} here: left out"; fi
done

part() { printf '\n%s\n' "$1"; "$build/bench/$1"; }
part aead_bench | tee "$build/bench/aead.txt"
# The first backend listed is the one that radial-wire takes; sealing and opening a full packet, one session.
cipher_ns=$(awk '$2 == 1 && $3 == 1440 && !seen[$4]++ { sum += $5 } END { print sum }' "$build/bench/aead.txt")
printf '\n'
python3 "$ROOT/bench/wire/wire_bench.py" --packages "$others" --cipher-ns "$cipher_ns" "${quick[@]}" "${programs[@]}"
part data_path_bench
part handshake_bench
