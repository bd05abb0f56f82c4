#!/usr/bin/env bash
# What cannot be recorded is refused by one line, with 125, 126 or 127, before anything runs, and
# leaves no file behind.
. "$SRC/tests/record_lib.sh"
mkdir run && cd run || exit 1

refused() { # STATUS TEXT COMMAND...
	expect_line "$1" "$2" "$REEL" record -o trace.reel "${@:3}"
	[ -z "$(ls)" ] || { fail "${*:3} left behind: $(ls)"; rm -f ./*; }
}

p=$work
compile gcc "$p/good" "$native/calls.c"
refused 127 "./missing" ./missing
refused 127 "missing-everywhere" missing-everywhere
refused 127 ": No such file" ""
refused 127 "$p/good/inside" "$p/good/inside"
refused 126 "directory" "$p"
cp "$p/good" "$p/plain-file" && chmod 644 "$p/plain-file"
refused 126 "Permission denied" "$p/plain-file"
printf 'no\0program' >"$p/binary" && chmod 755 "$p/binary"
refused 126 "Exec format error" "$p/binary"
printf '#!/missing/interpreter -x\n' >"$p/script" && chmod 755 "$p/script"
refused 126 "/missing/interpreter" "$p/script"
gcc -c -o "$p/object.o" "$native/plugin.c" && chmod 755 "$p/object.o"
refused 126 "not an executable" "$p/object.o"

if compile gcc "$p/static" "$native/calls.c" -static 2>/dev/null; then
	refused 125 "is static" "$p/static"
	printf '#!%s\n' "$p/static" >"$p/static-script" && chmod 755 "$p/static-script"
	refused 125 "$p/static is static" "$p/static-script" argument
fi
compile gcc "$p/static-pie" "$native/calls.c" -static-pie 2>/dev/null &&
	refused 125 "is static" "$p/static-pie"
for compiler in $compilers; do
	compile "$compiler" "$p/asan" "$native/calls.c" -fsanitize=address 2>/dev/null &&
		refused 125 "address sanitizer" "$p/asan"
done
compile gcc "$p/asan" "$native/calls.c" -fsanitize=address -static-libasan 2>/dev/null &&
	refused 125 "address sanitizer" "$p/asan"
cp "$p/good" "$p/setuid" && chmod 4755 "$p/setuid" && refused 125 "is setuid" "$p/setuid"
cp "$p/good" "$p/setgid" && chmod 2755 "$p/setgid" && refused 125 "is setgid" "$p/setgid"
if cp "$p/good" "$p/capable" && setcap cap_net_raw+ep "$p/capable" 2>/dev/null; then
	refused 125 "capabilities" "$p/capable"
fi
# A program for another machine and one of 32 bits: the numbers in the header are enough.
cp "$p/good" "$p/arm" && printf '\267' | dd of="$p/arm" bs=1 seek=18 conv=notrunc status=none
refused 125 "another machine" "$p/arm"
printf '.globl _start\n_start: ret\n' >"$p/small.s"
if gcc -m32 -nostdlib -static -o "$p/small" "$p/small.s" 2>/dev/null; then
	refused 125 "32-bit" "$p/small"
fi

# Outputs that cannot be written, before the program has done anything.
expect_line 125 "/missing/" "$REEL" record -o /missing/trace.reel touch here
expect_line 125 "not a regular file" "$REEL" record -o "$p" touch here
expect_line 125 "not a regular file" "$REEL" record -o /dev/null touch here
[ ! -e here ] || fail "the program ran though its trace could not be written"

# Memory that is not there, or makes no sense.
expect_line 125 "memory" "$REEL" record --memory 1K touch here
expect_line 125 "memory" "$REEL" record --memory 100T touch here
[ ! -e here ] || fail "the program ran without a session"

# Wrong usage is one line and 125.
expect_line 125 "which program" "$REEL" record
expect_line 125 "which program" "$REEL" record -o x --
expect_line 125 "--on-full is wait or drop" "$REEL" record --on-full=maybe true
expect_line 125 "--codec is" "$REEL" record --codec zip true
expect_line 125 "--max-depth" "$REEL" record --max-depth 0 true
expect_line 125 "--max-depth" "$REEL" record --max-depth=x true
expect_line 125 "--min-duration" "$REEL" record --min-duration 3parsecs true
expect_line 125 "--memory" "$REEL" record --memory lots true
expect_line 125 "-o needs" "$REEL" record -o "" true
expect_line 125 "--frob" "$REEL" record --frob true
expect 0 "$REEL" record --help
expect_output "Examples:"

# A program without instrumentation runs, and its status counts.
expect_line 0 "no events: true was not built with -finstrument-functions" "$REEL" record true
expect_line 1 "no events: false was not built" "$REEL" record -- false
expect_line 7 "no events: sh was not built" "$REEL" record sh -c 'exit 7'
expect_line 141 "no events: sh was not built" "$REEL" record sh -c 'kill -PIPE $$'
equal "an empty trace is complete" true "$(info trace.reel complete)"
equal "an empty trace has no events" 0 "$(info trace.reel events)"

# What stood under the name becomes .old, and stays when nothing is recorded.
cp trace.reel kept
refused_again() {
	expect_line 127 "missing" "$REEL" record ./missing
	cmp -s trace.reel kept || fail "a refusal touched the trace that was there"
}
rm -f trace.reel.old
refused_again
expect 0 "$REEL" record "$p/good"
cmp -s trace.reel.old kept || fail "the trace that was there is not .old"
finish
