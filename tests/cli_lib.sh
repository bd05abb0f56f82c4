# What the scripts that test the program share: a scratch directory that goes away, `expect`, and a small
# trace to work on. A script ends with `finish`.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
checks=0

fail() {
	printf 'FAILED: %s\n' "$*"
	failures=$((failures + 1))
}

# expect STATUS COMMAND...: runs it, keeping what it prints in $work/out and $work/err.
expect() {
	local wanted=$1 status

	shift
	checks=$((checks + 1))
	"$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	if [ "$status" -ne "$wanted" ]; then
		fail "$* ended with $status, not $wanted"
		head -n 5 "$work/err"
	fi
}

# The same, and exactly one line on standard error, which has TEXT in it; nothing on standard output.
expect_line() { # STATUS TEXT COMMAND...
	local text=$2 status=$1

	shift 2
	expect "$status" "$@"
	[ "$(wc -l <"$work/err")" -eq 1 ] || { fail "$*: not one line:"; cat "$work/err"; }
	grep -q -F -- "$text" "$work/err" || { fail "$*: no '$text' in:"; cat "$work/err"; }
	[ ! -s "$work/out" ] || fail "$*: printed something"
}

# expect_output TEXT: the last command's output has it.
expect_output() {
	grep -q -F -- "$1" "$work/out" || { fail "no '$1' in the output:"; head -n 20 "$work/out"; }
}

finish() {
	printf '%d checks, %d failures\n' "$checks" "$failures"
	[ "$failures" -eq 0 ]
	exit
}

# Two streams; main calls add twice, the second time with an error; 8 events, depth 2.
small_events() {
	cat <<'END'
{"meta":{"name":"small","stack_delta":false,"streams":2}}
{"def":{"id":0,"module":"m","index":0,"name":"main","debug_name":"m.main","export_names":["_start"],"import":null,"host":false,"listener":true,"param_types":[],"param_names":[],"result_types":[],"result_names":[]}}
{"def":{"id":1,"module":"m","index":1,"name":"add","debug_name":"m.add","export_names":[],"import":null,"host":false,"listener":true,"param_types":["i32","i64"],"param_names":["a","b"],"result_types":["i64"],"result_names":[""]}}
{"mod":{"id":0,"name":"m","globals":0,"has_memory":false}}
{"t":"B","tid":0,"ns":1000,"fn":0,"mod":0,"params":[],"stack":[{"fn":0,"pc":0,"off":0}]}
{"t":"B","tid":0,"ns":2000,"fn":1,"mod":0,"params":[1,2],"stack":[{"fn":1,"pc":0,"off":9},{"fn":0,"pc":4,"off":5}]}
{"t":"B","tid":7,"ns":2500,"fn":0,"mod":0,"params":[],"stack":[{"fn":0,"pc":0,"off":0}]}
{"t":"A","tid":0,"ns":3000,"fn":1,"mod":0,"results":[3]}
{"t":"B","tid":0,"ns":4000,"fn":1,"mod":0,"params":[5,6],"stack":[{"fn":1,"pc":0,"off":9},{"fn":0,"pc":8,"off":7}]}
{"t":"X","tid":0,"ns":5000,"fn":1,"mod":0,"err":"unreachable"}
{"t":"A","tid":7,"ns":5500,"fn":0,"mod":0,"results":[]}
{"t":"A","tid":0,"ns":6000,"fn":0,"mod":0,"results":[]}
END
}
