#!/usr/bin/env bash
# Programs that nobody here wrote, compiled from Debian's sources, recorded while they do real work: output
# and exit status are those of the plain run, and the trace has exactly the events that counting hooks in
# the same run counted. zstd's own multi-threaded command line, and Lua with errors that longjmp.
. "$SRC/tests/record_lib.sh"
built=$SRC/build/real

for program in lua zstd; do
	bash "$SRC/tests/real/build.sh" $program "$built" "$work/count_hooks.o" >log 2>&1
	case $? in
	0) ;;
	77) tail -n 1 log; echo "skipped: Debian's sources cannot be reached"; exit 77 ;;
	*) cat log; exit 1 ;;
	esac
done

# recorded NAME ARGUMENT...: the plain program and the recorded one do the same, and no event is missing.
recorded() {
	local program=$1

	shift
	rm -f counts trace.reel
	run_as plain "$built/$program-plain" "$@"
	COUNT_FILE=$work/counts run_as recorded "$REEL" record -o trace.reel -- \
		"$built/$program-instrumented" "$@"
	same_outcome "$program $*"
	read_counts
	[ "$enters" -gt "$least" ] || fail "$program $*: only $enters calls"
	same_counts "$program $*" trace.reel
}

# messages name the program: it is "lua" in both runs
least=100000
recorded lua "$SRC/tests/real/lua-work.lua"
equal "lua: status" 3 "$(cat recorded.status)"
recorded lua "$SRC/bench/workloads/lua-bench.lua" 0.01

cat "$built"/source/zstd-*/programs/*.c | head -c 400000 >input
recorded zstd -q -f -T2 -B64K -1 input -o input.zst
"$built/zstd-plain" -q -d -c input.zst | cmp - input || fail "zstd: what was compressed is not what comes out"
[ "$(info trace.reel streams)" -ge 3 ] || fail "zstd -T2: $(info trace.reel streams) streams"
least=10000
recorded zstd -q -f -d input.zst -o output
cmp output input || fail "zstd -d"
least=20
recorded zstd -q -f -d "$SRC/README.md" -o output
finish
