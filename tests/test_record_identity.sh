#!/usr/bin/env bash
# A program cannot see that it is recorded but for the two variables that reach it: descriptors, closed
# standard files, signal mask and dispositions, umask, limits, directory and environment stay.
. "$SRC/tests/record_lib.sh"

compile gcc identity "$native/identity.c" -O2 || exit 1
same() { # WHAT COMMAND...: runs it with `run` being nothing or the recorder
	local what=$1

	shift
	run='' run_as plain bash -c "$1"
	run="$REEL record -o trace.reel" run_as recorded bash -c "$1"
	# The shell puts the name of what it starts into _.
	sed -i '/^environment run=/d; /^environment _=/d' plain.out recorded.out
	same_outcome "$what"
	equal "$what: complete" true "$(info trace.reel complete)"
}

same "as it comes" '$run ./identity one "two three" ""'
same "umask, directory" 'umask 027; cd /; run=${run/-o trace.reel/-o '"$work"'/trace.reel}; $run '"$work"'/identity'
same "more descriptors" '$run ./identity 7</dev/null 9>/dev/null'
same "no input" '$run ./identity <&-'
same "no standard error" '$run ./identity 2>&-'
same "no standard files but output" '$run ./identity <&- 2>&-'
same "ignored signals" 'trap "" HUP INT QUIT USR1 PIPE CHLD TERM; $run ./identity'
same "limits" 'ulimit -c 0; ulimit -n 100; ulimit -s 4096; $run ./identity'
same "nice" 'nice -n 5 $run ./identity'
same "an empty environment" 'env -i run="$run" PATH="$PATH" $run ./identity'
same "not found in PATH but here" 'PATH=$PWD:/usr/bin; $run identity x'
same "through a shell" '$run sh -c "exec ./identity inner"'

# What was preloaded before stays, after ours, and works.
cat >other.c <<'END'
#include <unistd.h>
__attribute__((constructor)) static void say(void) { write(1, "preloaded\n", 10); }
END
gcc -shared -fPIC -o other.so other.c
# The option is for a recorder that is itself built with the address sanitizer.
ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD=$work/other.so "$REEL" record -o trace.reel \
	sh -c 'echo "$LD_PRELOAD"' >preloaded.out 2>/dev/null
equal "LD_PRELOAD is kept" "$work/other.so" "$(sed -n 's/.*libreel-native.so://p' preloaded.out)"
grep -q '^preloaded$' preloaded.out || fail "what was preloaded is not any more"
checks=$((checks + 1))

# A reader of the program's output sees its end when the program ends: nobody else holds the pipe.
output=$("$REEL" record -o trace.reel ./identity | wc -l)
[ "$output" -gt 10 ] || fail "no output through a pipe"

# Standard input is the program's.
equal "input" "a line" "$(echo "a line" | "$REEL" record -o trace.reel cat 2>/dev/null)"

# Nothing stays behind.
equal "files" "trace.reel" "$(find . -name 'trace.reel*' ! -name '*.old' -printf '%f\n' | xargs)"
finish
