#!/usr/bin/env bash
# Children that outlive the program: the recorder returns with the program's status, the trace is
# complete once they have ended; with --wait-children it returns when they have.
. "$SRC/tests/record_lib.sh"

compile gcc background "$native/background.c" -O2 -rdynamic "$work/count_hooks.o" || exit 1

wait_for_trace() {
	for _ in $(seq 1000); do
		[ -e trace.reel ] && return
		sleep 0.02
	done
	fail "the trace never came"
}

for when in eager lazy; do
	rm -f counts trace.reel
	COUNT_FILE=$work/counts expect_line 4 "lives on" \
		"$REEL" record -o trace.reel ./background 1500 $when
	[ ! -e trace.reel ] || fail "the trace is there before the child has ended"
	wait_for_trace
	same_counts "a child in the background, $when" trace.reel

	rm -f counts trace.reel
	COUNT_FILE=$work/counts expect 4 \
		"$REEL" record --wait-children -o trace.reel ./background 700 $when
	same_counts "a child that was waited for, $when" trace.reel
done

# A pipeline ends with the program, although the child lives: nobody holds the pipe but the program.
begin=$(date +%s)
"$REEL" record -o piped.reel ./background 5000 2>/dev/null | cat
[ $(($(date +%s) - begin)) -lt 4 ] || fail "the pipe stayed open as long as the child"

# The background consumer ends on SIGTERM, with a complete trace.
rm -f trace.reel
"$REEL" record -o trace.reel ./background 20000 2>/dev/null
kill -TERM $(processes_named reel-consumer)
wait_for_trace
equal "complete after SIGTERM" true "$(info trace.reel complete)"

# A child that was never instrumented keeps nothing open.
compile gcc calls "$native/calls.c"
rm -f trace.reel
begin=$(date +%s)
expect 0 "$REEL" record --wait-children -o trace.reel sh -c './calls >/dev/null; sleep 5 >&- 2>&- &'
[ $(($(date +%s) - begin)) -lt 4 ] || fail "a child that is not recorded was waited for"
equal "complete without the child" true "$(info trace.reel complete)"

# A short-lived child that ends just after its parent is waited for.
rm -f trace.reel
expect 4 "$REEL" record -o trace.reel ./background 20
equal "complete at once" true "$(info trace.reel complete)"
finish
