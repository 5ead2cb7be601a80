#!/usr/bin/env bash
# Every command and option of --help stands in the man pages and completions.
set -euo pipefail
radial=$1
bin=$(dirname "$radial")
root=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$root/packaging/make-docs" "$radial" "$work"
bad=0
need() { grep -qF -- "$2" "$3" || { echo "$1: '$2' is not in ${3##*/}"; bad=1; }; }

# The man pages as a reader sees them.
for page in radial.8 radiald.8 radial-wire.8 radial-fabric.5; do
  MANWIDTH=160 man -l "$work/$page" 2> "$work/warnings" | col -bx > "$work/$page.txt"
  [ -s "$work/$page.txt" ] || { echo "$page cannot be read"; bad=1; }
done
walk() {
  local path=$1 help word
  # shellcheck disable=SC2086
  help=$("$radial" $path --help)
  for word in $(grep -oE -- '--[a-z][a-z-]+' <<< "$help"); do
    need "radial $path" "$word" "$work/radial.8.txt"
    need "radial $path" "$word" "$work/radial.bash"
  done
  for word in $(awk '/^Subcommands:/ {on=1; next} /^[^ ]/ {on=0} on && /^  [a-z]/ {print $1}' <<< "$help"); do
    need "radial $path" "radial ${path:+$path }$word" "$work/radial.8.txt"
    walk "${path:+$path }$word"
  done
}
walk ""
for word in $("$bin/radiald" --help | grep -oE -- '--[a-z][a-z-]+'); do need radiald "$word" "$work/radiald.8.txt"; done
need radial-wire --foreground "$work/radial-wire.8.txt"
need radial-fabric tunnel6 "$work/radial-fabric.5.txt"

# bash completes what it should.
complete_with() {
  bash -c "source '$work/radial.bash'; COMP_WORDS=($1); COMP_CWORD=$2; _radial; printf '%s\n' \"\${COMPREPLY[@]}\""
}
complete_with 'radial ex' 1 | grep -qx export || { echo "bash does not complete 'radial ex'"; bad=1; }
complete_with 'radial lab st' 2 | grep -qx status || { echo "bash does not complete 'radial lab st'"; bad=1; }
complete_with 'radial export --as' 2 | grep -qx -- --as || { echo "bash does not complete 'radial export --as'"; bad=1; }
exit "$bad"
