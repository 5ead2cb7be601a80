#!/usr/bin/env bash
# Builds the package and installs, upgrades, removes and purges it in a copy of
# this machine's root (an overlay in a mount, PID and network namespace of its
# own), so that nothing is left behind.
set -euo pipefail
root=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
if [ "${1:-}" != inside ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  package=$("$root/packaging/build-deb" "$work")
  # What looks at it is installed in the copy alone; there is no network in there.
  mkdir -p "$work/debs/partial"
  apt-get -qq -y --no-install-recommends --download-only -o Dir::Cache::archives="$work/debs" install lintian zsh > /dev/null
  unshare --mount --pid --net --uts --ipc --fork --kill-child "$0" inside "$package" "$work/debs"
  exit
fi

package=$2 debs=$3
fail() { echo "FAILED: $*"; exit 1; }
mount --make-rprivate /
space=$(mktemp -d)
mount -t tmpfs none "$space"
mkdir "$space/upper" "$space/work" "$space/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$space/upper,workdir=$space/work" "$space/root"
mount -t proc proc "$space/root/proc"
mount -t tmpfs none "$space/root/run"
mount --bind /dev "$space/root/dev"
cp "$package" "$space/root/radial.deb"
mkdir "$space/root/debs"
find "$debs" -maxdepth 1 -name '*.deb' -exec cp {} "$space/root/debs" \;
inside() { chroot "$space/root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
frr_before=$(cat "$space/root/etc/frr/daemons" "$space/root/etc/frr/frr.conf" 2>/dev/null | md5sum)

inside dpkg -i /radial.deb > /dev/null || fail "dpkg -i"
inside radial --version | grep -qE '^[0-9]+\.[0-9]+' || fail "radial --version"
inside radiald --version > /dev/null || fail "radiald --version"
inside radial-wire --version > /dev/null || fail "radial-wire --version"
inside radial check /usr/share/doc/radial/examples/demo.yaml > /dev/null || fail "radial check"
[ "$(cat "$space/root/etc/frr/daemons" "$space/root/etc/frr/frr.conf" 2>/dev/null | md5sum)" = "$frr_before" ] || fail "FRR's files were edited"

files=$(dpkg-deb -c "$package")
for file in usr/bin/radial usr/sbin/radiald usr/sbin/radial-wire usr/lib/systemd/system/radiald.service \
            usr/lib/systemd/system/radial-wire@.service \
            usr/lib/systemd/networkd.conf.d/50-radial.conf usr/lib/udev/rules.d/85-radial.rules \
            usr/share/man/man8/radial.8.gz usr/share/man/man8/radiald.8.gz usr/share/man/man8/radial-wire.8.gz \
            usr/share/man/man5/radial-fabric.5.gz usr/share/bash-completion/completions/radial \
            usr/share/zsh/vendor-completions/_radial usr/share/doc/radial/copyright usr/share/doc/radial/changelog.Debian.gz; do
  grep -q " \./$file\$" <<< "$files" || fail "$file is not in the package"
done
# Nothing that others may write, nothing that is not root's, no set-uid.
if bad=$(grep -vE '^(d|-)(rwxr-xr-x|rw-r--r--) root/root ' <<< "$files"); then fail "modes or owners: $bad"; fi
# Hardened: position independent, everything bound and made read-only at its start, libc's checked functions.
for program in usr/bin/radial usr/sbin/radiald usr/sbin/radial-wire; do
  readelf -hW "$space/root/$program" | grep 'Type:.*DYN' > /dev/null || fail "$program is not position independent"
  readelf -dW "$space/root/$program" | grep 'FLAGS.*NOW' > /dev/null || fail "$program is not bound at its start"
  readelf -lW "$space/root/$program" | grep GNU_RELRO > /dev/null || fail "$program has no read-only relocations"
  readelf --dyn-syms -W "$space/root/$program" | grep '_chk@GLIBC' > /dev/null || fail "$program has no checked functions"
done
[ "$(stat -c %a "$space/root/etc/radial")" = 755 ] || fail "mode of /etc/radial"
inside getent group radial | grep -qE '^radial:x:[0-9]+:$' || fail "no group radial"
if command -v systemd-analyze > /dev/null; then
  for unit in radiald radial-wire@; do
    inside systemd-analyze verify --man=no "/usr/lib/systemd/system/$unit.service" 2>&1 | grep "$unit" && fail "systemd-analyze verify"
    # docs/install.md has the figures; higher is weaker.
    inside systemd-analyze security --offline=true --threshold=40 --no-pager "/usr/lib/systemd/system/$unit.service" > "$space/score" || fail "$unit is too exposed: $(tail -n 1 "$space/score")"
    tail -n 1 "$space/score"
  done
fi

inside sh -c 'set -- /debs/*.deb; [ ! -e "$1" ] || dpkg -i "$@" > /dev/null 2>&1' || fail "lintian and zsh could not be installed"
# zsh completes what it should: the file as it is loaded, with a word of ours for each builtin that only its editor has.
completed() {
  inside zsh -f -c "compadd() { shift; print -l -- \"\$@\" }; _files() { }; words=($1); CURRENT=$2; PREFIX=\${words[$2]:-}; source /usr/share/zsh/vendor-completions/_radial"
}
completed 'radial ex' 2 | grep -x export > /dev/null || fail "zsh does not complete 'radial ex'"
completed 'radial lab st' 3 | grep -x status > /dev/null || fail "zsh does not complete 'radial lab st'"
completed 'radial export --as' 3 | grep -x -- --as > /dev/null || fail "zsh does not complete 'radial export --as'"

# An upgrade leaves configuration and state; remove keeps them; purge does not.
echo berlin > "$space/root/etc/radial/node"
mkdir -p "$space/root/var/lib/radial"
echo '{}' > "$space/root/var/lib/radial/owned.json"
inside dpkg -i /radial.deb > /dev/null || fail "upgrade"
[ -f "$space/root/etc/radial/node" ] && [ -f "$space/root/var/lib/radial/owned.json" ] || fail "an upgrade lost state"
inside dpkg -r radial > /dev/null || fail "remove"
[ -f "$space/root/etc/radial/node" ] || fail "remove lost the configuration"
[ ! -e "$space/root/usr/bin/radial" ] || fail "remove left the program"
inside dpkg -P radial > /dev/null || fail "purge"
for left in etc/radial var/lib/radial run/radial usr/share/doc/radial; do
  [ ! -e "$space/root/$left" ] || fail "purge left /$left"
done

inside lintian --fail-on error /radial.deb || fail "lintian"
weak=$(inside lintian --display-info --tags hardening-no-bindnow,hardening-no-fortify-functions,hardening-no-pie,hardening-no-relro /radial.deb)
[ -z "$weak" ] || fail "lintian: $weak"
echo "package: installed, upgraded, removed, purged"
