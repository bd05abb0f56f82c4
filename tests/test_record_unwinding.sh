#!/usr/bin/env bash
# Calls that never return: longjmp, C++ exceptions (gcc calls the exit hook while one unwinds, clang
# does not), signal handlers that jump out. Each before has one end and no live call is aborted.
. "$SRC/tests/record_lib.sh"

# A handler that jumps out of a hook abandons it after it was counted and maybe before it was recorded:
# at most one event for each jump.
abandoned() { # WHAT JUMPS COMMAND...
	rm -f counts
	COUNT_FILE=$work/counts expect 0 "$REEL" record -o trace.reel "${@:3}"
	read_counts
	local before after
	before=$(info trace.reel before)
	after=$(info trace.reel after)
	[ $((enters - before)) -ge 0 ] && [ $((enters - before)) -le "$2" ] ||
		fail "$1: $before befores of $enters"
	[ $((exits - after)) -ge 0 ] && [ $((exits - after)) -le "$2" ] ||
		fail "$1: $after exits of $exits"
	equal "$1: pairs" "$before" $((after + $(info trace.reel abort)))
	equal "$1: undelivered" 0 "$(info trace.reel undelivered)"
	equal "$1: lost" 0 "$(info trace.reel lost)"
}

for compiler in $compilers; do
	for flags in -O0 -O1 -O2 "-O2 -fno-optimize-sibling-calls" "-O2 -fno-inline" -O3; do
		what="$compiler $flags"
		# shellcheck disable=SC2086
		compile "$compiler" jumps "$native/jumps.c" $flags && {
			check_program "$what jumps" ./jumps
			equal "$what jumps: calls that were left" \
				"$(sed -n 's/unwound //p' plain.out)" "$(info trace.reel abort)"
		}
		# shellcheck disable=SC2086
		compile "$compiler" exceptions "$native/exceptions.cpp" $flags &&
			check_program "$what exceptions" ./exceptions
		# shellcheck disable=SC2086
		compile "$compiler" handlers "$native/handlers.c" $flags -rdynamic \
			"$work/count_hooks.o" || continue
		check_counting_program "$what handlers" ./handlers
		abandoned "$what handlers that jump" 20 ./handlers 20
	done
done
finish
