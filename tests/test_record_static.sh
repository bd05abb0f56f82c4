#!/usr/bin/env bash
# A static program cannot be preloaded: it links the hooks itself, and is recorded like any other.
. "$SRC/tests/record_lib.sh"

compile gcc calls "$native/calls.c" -O2 -static "$BUILD/libreel-native.a" || exit 1
run_as plain ./calls 5
run_as recorded "$REEL" record -o trace.reel ./calls 5
same_outcome "static"
compile gcc dynamic "$native/calls.c" -O2 || exit 1
COUNT_FILE=$work/counts LD_PRELOAD=$work/count_hooks.so ./dynamic 5 >/dev/null
same_counts "static" trace.reel
"$REEL" replay trace.reel --listener stats >table
grep -q "calls *main$" table || fail "no main in $(cat table)"

# Without a recorder the hooks do nothing.
expect 0 ./calls 0
finish
