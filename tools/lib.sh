# Shared by ./run, ./test and bench/: installing what is missing and building.
# Sourced by bash with `set -euo pipefail`; expects ROOT, the checkout.

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

need_root() { [ "$(id -u)" = 0 ] || die "needs root (namespaces, WireGuard, FRR): run it with sudo"; }

debian_release() {
  # shellcheck disable=SC1091
  (. /etc/os-release && printf '%s' "${VERSION_ID:-}")
}

# The packages of packaging/packages.txt for this release, one a line.
wanted_packages() {
  local release; release=$(debian_release)
  awk -v release="$release" '
    { sub(/#.*/, "") } NF == 0 { next }
    $2 ~ /^@/ && $2 != "@" release { next }
    { print $1 }' "$ROOT/packaging/packages.txt"
}

missing_packages() {
  wanted_packages | while read -r package; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || printf '%s\n' "$package"
  done
}

# Installs without starting daemons: the machine's own FRR is not ours to start.
# policy-rc.d is Debian's interface for that; the marker lets a later run clear
# away ours when this one is killed in between.
policy=/usr/sbin/policy-rc.d
policy_marker='# made by radial while it installs packages'
clear_policy() { if [ -f $policy ] && grep -qsF "$policy_marker" $policy; then rm -f $policy; fi; }

install_packages() {
  local log=$ROOT/build/install.log missing
  clear_policy
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  need_root
  mkdir -p "$ROOT/build"
  say "installing $(printf '%s\n' "$missing" | wc -l) packages: $(printf '%s' "$missing" | tr '\n' ' ')"
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\n%s\nexit 101\n' "$policy_marker" > $policy && chmod 755 $policy
  fi
  # shellcheck disable=SC2086
  if ! { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 \
           install -y --no-install-recommends $missing; } > "$log" 2>&1 < /dev/null; then
    clear_policy
    tail -n 20 "$log" >&2
    die "cannot install packages; the whole log is in $log"
  fi
  clear_policy
}

# build_radial [PRESET [TARGET...]]: configures and builds (everything, or these);
# shows output only on failure.
build_radial() {
  local preset=${1:-release} folder log began
  [ $# = 0 ] || shift
  folder=$ROOT/build; [ "$preset" = release ] || folder=$ROOT/build-$preset
  mkdir -p "$folder"; log=$folder/build.log; began=$SECONDS
  # Two builds in one folder would trample each other.
  exec 9> "$folder/.lock"; flock 9
  if ! (cd "$ROOT" && cmake --preset "$preset") > "$log" 2>&1; then
    tail -n 30 "$log" >&2; die "cmake failed; the whole log is in $log"
  fi
  # The same object from another checkout is as good: a fresh clone on a
  # machine that has built before takes seconds.
  export CCACHE_BASEDIR=$ROOT CCACHE_NOHASHDIR=1
  ninja -C "$folder" "$@" >> "$log" 2>&1 9>&- &
  local ninja=$! waited=0 result=0
  while kill -0 $ninja 2>/dev/null; do
    sleep 1; waited=$((waited + 1))
    [ $((waited % 15)) != 5 ] || say "building ($preset): $(grep -o '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 1)"
  done
  wait $ninja || result=$?
  if [ $result != 0 ]; then
    grep -E -A12 'FAILED|error:' "$log" | head -n 60 >&2; die "the build failed; the whole log is in $log"
  fi
  flock -u 9; exec 9>&-
  [ $((SECONDS - began)) -lt 10 ] || say "built in $((SECONDS - began)) s"
}
