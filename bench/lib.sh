# Shared by the benches of labs. Sourced by bash; expects `radial`, the program,
# and `name`, the lab's.

# on PLACE COMMAND...: in a node, or behind its LAN.
on() { local place=$1; shift; "$radial" lab exec "$name" "$place" -- "$@"; }
now() { date +%s%N; }
# Seconds since an earlier now().
since() { awk -v t="$(($(now) - $1))" 'BEGIN { printf "%.2f\n", t / 1e9 }'; }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
