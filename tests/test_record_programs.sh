#!/usr/bin/env bash
# Programs by gcc and clang, with and without optimisation, inlining and sibling calls: recorded, they
# print and end as they do plainly, and the trace has exactly the events of an independent count.
. "$SRC/tests/record_lib.sh"

for compiler in $compilers; do
	for flags in -O0 -O2 "-O2 -fno-optimize-sibling-calls" "-O2 -fno-inline" \
		"-O3 -fomit-frame-pointer"; do
		what="$compiler $flags"
		# shellcheck disable=SC2086
		compile "$compiler" calls "$native/calls.c" $flags &&
			check_program "$what calls" ./calls 42 &&
			check_program "$what calls" ./calls
		# shellcheck disable=SC2086
		compile "$compiler" threads "$native/threads.c" $flags &&
			check_program "$what threads" ./threads 4 100
		# One child returns from the function in which it was forked: that call is its parent's.
		undelivered=1
		# shellcheck disable=SC2086
		compile "$compiler" processes "$native/processes.c" $flags &&
			check_program "$what processes" "$work/processes"
		undelivered=0
	done
done
finish
