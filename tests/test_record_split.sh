#!/usr/bin/env bash
# Functions that the compiler splits in two, so that entry and exit name different call sites: no call that
# is alive is ended, and no exit is left over.
. "$SRC/tests/record_lib.sh"

for compiler in $compilers; do
	for flags in "-O2" "-O2 -fno-optimize-sibling-calls" "-O3" "-O1" "-O0"; do
		# shellcheck disable=SC2086
		compile $compiler program "$native/split.c" "$work/count_hooks.o" $flags || continue
		check_counting_program "$compiler $flags: split functions" ./program
		[ "$enters" -gt 10000 ] || fail "$compiler $flags: only $enters calls"
	done
done
finish
