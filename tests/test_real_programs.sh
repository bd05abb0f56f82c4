#!/usr/bin/env bash
# Programs that nobody here wrote, compiled from Debian's sources, recorded while they do real work: output
# and exit status are those of the plain run, and the trace has exactly the events that counting hooks in
# the same run counted. zstd's own multi-threaded command line, and Lua with errors that longjmp; with
# gcc's sibling calls and without. REEL_REAL_SCALE (0.05): the size of Lua's benchmark, 1 makes 50 million
# events.
. "$SRC/tests/record_lib.sh"

build() { # PROGRAM DIRECTORY [FLAG]
	bash "$SRC/tests/real/build.sh" "$1" "$2" "$work/count_hooks.o" "${@:3}" >log 2>&1
	case $? in
	0) ;;
	77) tail -n 1 log; echo "skipped: Debian's sources cannot be reached"; exit 77 ;;
	*) cat log; exit 1 ;;
	esac
}

# recorded NAME ARGUMENT...: the plain program and the recorded one do the same, and no event is missing.
recorded() {
	local program=$1

	shift
	rm -f counts trace.reel
	run_as plain "$built/$program-plain" "$@"
	COUNT_FILE=$work/counts run_as recorded "$REEL" record -o trace.reel -- \
		"$built/$program-instrumented" "$@"
	# Messages name the program.
	sed -i "s,$built/$program-[a-z]*,$program,g; s,$program-instrumented,$program,g; s,$program-plain,$program,g" \
		plain.err recorded.err
	same_outcome "$built $program $*"
	read_counts
	[ "$enters" -gt "$least" ] || fail "$program $*: only $enters calls"
	same_counts "$built $program $*" trace.reel
}

for built in "$SRC/build/real" "$SRC/build/real/no-sibling-calls"; do
	flag=
	[ "$built" = "$SRC/build/real" ] || flag=-fno-optimize-sibling-calls
	build lua "$built" $flag
	least=100000
	recorded lua "$SRC/tests/real/lua-work.lua"
	equal "lua: status" 3 "$(cat recorded.status)"
	recorded lua "$SRC/tests/real/errors.lua"
	recorded lua "$SRC/bench/workloads/lua-bench.lua" "${REEL_REAL_SCALE:-0.05}"
	least=1000
	recorded lua -e 'local function f() error("at the end") end f()'
	equal "lua: an error's status" 1 "$(cat recorded.status)"
done

built=$SRC/build/real
build zstd "$built"
least=100000
seq 1 1000000 >input
recorded zstd -q -f -T2 -B1M -1 input -o input.zst
"$built/zstd-plain" -q -d -c input.zst | cmp - input || fail "zstd: what was compressed is not what comes out"
[ "$(info trace.reel streams)" -ge 3 ] || fail "zstd -T2: $(info trace.reel streams) streams"
least=10000
recorded zstd -q -f -d input.zst -o output
cmp output input || fail "zstd -d"
least=20
recorded zstd -q -f -d "$SRC/README.md" -o output
finish
