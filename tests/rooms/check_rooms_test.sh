#!/bin/sh
# tools/check-rooms against small trees made for it: what is right passes
# without a word, each kind of mistake fails and is named.
#   check_rooms_test.sh PATH/TO/check-rooms
set -eu
check=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

# A tree that is right: base < fabric < compile.
fresh() {
  rm -rf "$work/tree"
  mkdir -p "$work/tree/docs" "$work/tree/src/base" "$work/tree/src/fabric" "$work/tree/src/compile/deep" "$work/tree/apps"
  cd "$work/tree"
  printf '# a table\nbase:\nfabric: base\ncompile: base fabric\napps: base compile\n' > docs/rooms.txt
  printf '#include <string>\n' > src/base/result.h
  printf '#include "base/result.h"\n#include <linux/netlink.h>\n' > src/fabric/fabric.h
  printf '#include "fabric/fabric.h"\n' > src/compile/deep/compile.h
  printf '#include "compile/deep/compile.h"\n  #  include  "base/result.h"\n' > src/compile/compile.cpp
  printf 'radial_room(compile DEPENDS fabric base PkgConfig::FMT)\n' > src/compile/CMakeLists.txt
  printf '#include "compile/deep/compile.h"\nint main() {}\n' > apps/main.cpp
}

passes() {
  if ! "$check" "$work/tree" > "$work/out" 2>&1 || [ -s "$work/out" ]; then
    echo "should pass without a word: $1"; cat "$work/out"; failures=$((failures + 1))
  fi
}

# fails WHAT WORDS: it must fail and say WORDS.
fails() {
  if "$check" "$work/tree" > "$work/out" 2>&1; then
    echo "should fail: $1"; failures=$((failures + 1))
  elif ! grep -qF "$2" "$work/out"; then
    echo "should say '$2': $1"; cat "$work/out"; failures=$((failures + 1))
  fi
}

fresh; passes "a tree that is right"
fresh; echo '// #include "compile/x.h" is only spoken of' >> src/base/result.h; passes "a comment"
fresh; echo '#include "compile/deep/compile.h"' >> src/base/result.h
fails "an include that goes up" 'src/base/result.h:2: base may not include "compile/deep/compile.h"'
fresh; echo '#include <fabric/fabric.h>' >> src/base/result.h; fails "going up in angle brackets" 'src/base/result.h:2'
fresh; echo '#include "fabric/fabric.h"' >> apps/main.cpp; fails "a room that the row does not name" 'apps may not include'
fresh; echo '#include "../base/result.h"' >> src/fabric/fabric.h; fails "a relative include" 'does not begin with a room'
fresh; echo '#include "fabric.h"' >> src/fabric/fabric.h; fails "an include without a room" 'does not begin with a room'
fresh; mkdir src/extra; echo > src/extra/x.cpp; fails "a room that is not in the table" 'the room extra is not in'
fresh; echo 'radial_room(fabric DEPENDS compile base)' > src/fabric/CMakeLists.txt
fails "a CMake dependency that goes up" 'fabric may not depend on compile'
fresh; printf 'base: fabric\nfabric: base\ncompile: base\napps:\n' > docs/rooms.txt
fails "a table with a circle" 'base names fabric, which does not stand above it'
fresh; echo 'nonsense here' >> docs/rooms.txt; fails "a table that cannot be read" 'docs/rooms.txt:6'
fresh; echo '#include "fabric/b.h"' > src/fabric/a.h; echo '#include "fabric/a.h"' > src/fabric/b.h
fails "headers in a circle" 'src/fabric/b.h'

[ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
