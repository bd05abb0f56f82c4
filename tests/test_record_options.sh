#!/usr/bin/env bash
# Options of record: codecs, memory, filters, full rings; each in both ways of writing it.
. "$SRC/tests/record_lib.sh"

compile gcc calls "$native/calls.c" -O0 || exit 1
compile gcc threads "$native/threads.c" -O2 || exit 1
run_as plain ./calls 5

for option in --codec=zstd --codec=zstd:9 --codec=lz4 --codec=none "--codec zstd:-3" --memory=1M \
	"--memory 256K" --on-full=wait "-o trace.reel"; do
	rm -f trace.reel counts
	COUNT_FILE=$work/counts LD_PRELOAD=$work/count_hooks.so ./calls 5 >/dev/null
	# shellcheck disable=SC2086
	run_as recorded "$REEL" record $option -- ./calls 5
	same_outcome "$option"
	same_counts "$option" trace.reel
done

# Many threads that share little memory wait and lose nothing.
rm -f counts
COUNT_FILE=$work/counts LD_PRELOAD=$work/count_hooks.so ./threads 8 200 >/dev/null
expect 0 "$REEL" record --memory 256K ./threads 8 200
same_counts "little memory" trace.reel

# Dropping loses what it counts: all events are there or counted lost, and pairs hold.
expect 0 "$REEL" record --on-full drop --memory 256K ./threads 8 200
recorded=$(($(info trace.reel events) - $(info trace.reel repaired)))
equal "drop: undelivered" 0 "$(info trace.reel undelivered)"
equal "dropped and recorded" $((enters + exits)) $((recorded + $(info trace.reel lost)))
equal "pairs" "$(info trace.reel before)" "$(($(info trace.reel after) + $(info trace.reel abort)))"

# The trace says how the program was called, in JSON whatever the bytes are.
expect 0 "$REEL" record ./calls 0 'a "b" \c' "$(printf 'tab\there')" "$(printf 'caf\303\251 \377\355\240\200')"
"$REEL" replay trace.reel --listener json | sed -n 1p >meta
grep -q -F '"program":"./calls","arguments":["0","a \"b\" \\c","tab\u0009here","café \u00ff\u00ed\u00a0\u0080"]' \
	meta || fail "the arguments are not in $(cat meta)"

count_of() { # GLOB: befores of the functions that match
	"$REEL" replay trace.reel --listener json | awk -v name="\"name\":\"$1\"" '
		index($0, name) && /"def"/ { match($0, /"id":[0-9]+/); id[substr($0, RSTART + 5, RLENGTH - 5)] = 1 }
		/"t":"B"/ { match($0, /"fn":[0-9]+/); if (substr($0, RSTART + 5, RLENGTH - 5) in id) n++ }
		END { print n + 0 }'
}

# The names that a trace has events of.
names() {
	"$REEL" replay trace.reel --listener json | awk '
		/"def"/ { match($0, /"id":[0-9]+/); i = substr($0, RSTART + 5, RLENGTH - 5)
			match($0, /"name":"[^"]*"/); name[i] = substr($0, RSTART + 8, RLENGTH - 9) }
		/"t":"B"/ { match($0, /"fn":[0-9]+/); seen[substr($0, RSTART + 5, RLENGTH - 5)] = 1 }
		END { for (i in seen) print name[i] }' | sort | xargs
}

expect 0 "$REEL" record ./calls
all=$(names)
equal "all" "ackermann add at_end compare deep even fail_quietly main odd on_stack sum twice" "$all"
ackermann=$(count_of ackermann)
expect 0 "$REEL" record --include 'ack*' ./calls
equal "--include" "ackermann" "$(names)"
equal "--include: events" "$ackermann" "$(info trace.reel before)"
expect 0 "$REEL" record --include=odd --include calls:e?en ./calls
equal "--include twice" "even odd" "$(names)"
expect 0 "$REEL" record --exclude 'a*' --exclude=calls:odd ./calls
equal "--exclude" "compare deep even fail_quietly main on_stack sum twice" "$(names)"
expect 0 "$REEL" record --include '*d*' --exclude 'odd' ./calls
equal "both" "add at_end deep" "$(names)"
expect 0 "$REEL" record --include no_such_function ./calls
equal "nothing included" 0 "$(info trace.reel events)"
for depth in 1 2 17; do
	expect 0 "$REEL" record --max-depth $depth ./calls
	equal "--max-depth $depth" $depth "$(info trace.reel max_depth)"
	equal "--max-depth $depth: pairs" "$(info trace.reel before)" "$(info trace.reel after)"
done
expect 0 "$REEL" record --min-duration=1000s ./calls
equal "--min-duration" 0 "$(info trace.reel events)"
expect 0 "$REEL" record --min-duration 1ns ./calls
equal "--min-duration: pairs" "$(info trace.reel before)" "$(info trace.reel after)"
[ "$(info trace.reel before)" -gt 0 ] || fail "--min-duration 1ns leaves out all"
finish
