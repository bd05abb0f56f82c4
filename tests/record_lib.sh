# What the scripts that record native programs share: compiling the programs of tests/native/, running
# them plainly, counted and recorded, and comparing. See cli_lib.sh for the rest.
. "$SRC/tests/cli_lib.sh"
cd "$work" || exit 1
unset COUNT_FILE LD_PRELOAD
native=$SRC/tests/native

command -v gcc >/dev/null || { echo "skipped: no gcc"; exit 77; }
compilers=gcc
if command -v clang >/dev/null; then
	compilers="gcc clang"
else
	echo "no clang: only gcc's programs are tested"
fi

# compile COMPILER OUTPUT SOURCE FLAG...
compile() {
	local compiler=$1 output=$2 source=$3

	shift 3
	case $compiler:$source in
	gcc:*.cpp) compiler=g++ ;;
	clang:*.cpp) compiler=clang++ ;;
	esac
	"$compiler" -g -w -finstrument-functions -o "$output" "$source" "$@" -ldl -lpthread || {
		fail "$compiler $* $source"
		return 1
	}
}

# The counting hooks: preloaded, and to be linked into a program.
gcc -O2 -fPIC -shared -o "$work/count_hooks.so" "$native/count_hooks.c" -ldl &&
	gcc -O2 -c -o "$work/count_hooks.o" "$native/count_hooks.c" || exit 1

# The number that a trace's description has under KEY.
info() { # TRACE KEY
	"$REEL" info "$1" --json | sed -n "s/.*\"$2\":\([a-z0-9]*\).*/\1/p"
}

# Sets enters and exits from the count file.
read_counts() {
	read -r enters exits <<<"$(od -An -t u8 counts)"
}

# Processes of this test with this name: those that run in its directory.
processes_named() { # NAME
	local pid

	for pid in $(sed -n "s/^\([0-9]*\) ($1) .*/\1/p" /proc/[0-9]*/stat 2>/dev/null); do
		[ "$(readlink "/proc/$pid/cwd")" = "$PWD" ] && echo "$pid"
	done
}

# Runs a command and keeps its output and status as NAME.out, NAME.err, NAME.status.
run_as() { # NAME COMMAND...
	local name=$1

	shift
	# The braces take the shell's own words about signals away.
	{ "$@" >"$name.out" 2>"$name.err" </dev/null; } 2>/dev/null
	echo $? >"$name.status"
}

# The recorded run printed and ended as the plain one did.
same_outcome() { # WHAT
	local part

	for part in out err status; do
		checks=$((checks + 1))
		cmp -s "plain.$part" "recorded.$part" || {
			fail "$1: $part differs when it is recorded"
			diff "plain.$part" "recorded.$part" | head -n 10
		}
	done
}

equal() { # WHAT WANTED GOT
	checks=$((checks + 1))
	[ "$2" = "$3" ] || fail "$1: $3, not $2"
}

# The trace has every event that was counted, whole pairs, and has ended no call that was alive: that
# call's own exit would be undelivered.
same_counts() { # WHAT TRACE [UNDELIVERED]
	local foreign=${3:-0}

	read_counts
	equal "$1: befores" "$enters" "$(info "$2" before)"
	equal "$1: exits" "$((exits - foreign))" "$(info "$2" after)"
	equal "$1: aborts" "$((enters - exits + foreign))" "$(info "$2" abort)"
	equal "$1: repaired" "$((enters - exits + foreign))" "$(info "$2" repaired)"
	equal "$1: undelivered" "$foreign" "$(info "$2" undelivered)"
	equal "$1: lost" 0 "$(info "$2" lost)"
	equal "$1: complete" true "$(info "$2" complete)"
	expect 0 "$REEL" verify "$2"
}

# Set by a caller whose program has exits of calls that were opened in another stream.
undelivered=0

# Plain, counted by a library in the recorder's place, and recorded: for programs that make the same
# calls every time.
check_program() { # WHAT COMMAND...
	local what=$1

	shift
	rm -f counts trace.reel
	run_as plain "$@"
	COUNT_FILE=$work/counts LD_PRELOAD=$work/count_hooks.so run_as counted "$@"
	run_as recorded "$REEL" record -o trace.reel "$@"
	same_outcome "$what"
	same_counts "$what" trace.reel $undelivered
}

# The same for a program that has the counting hooks linked in: they count in the recorded run itself.
check_counting_program() { # WHAT COMMAND...
	local what=$1

	shift
	rm -f counts trace.reel
	run_as plain "$@"
	COUNT_FILE=$work/counts run_as recorded "$REEL" record -o trace.reel "$@"
	same_outcome "$what"
	same_counts "$what" trace.reel
}
