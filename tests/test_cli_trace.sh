#!/usr/bin/env bash
# The commands that read traces, on a small imported one: what they print, their exit codes, and what is
# left behind when something is wrong.
. "$SRC/tests/cli_lib.sh"
cd "$work" || exit 1

json() { # FILE EXPRESSION: a Python expression over the object d
	python3 -c 'import json,sys; d=json.load(open(sys.argv[1])); sys.exit(0 if eval(sys.argv[2]) else 1)' \
		"$1" "$2" || { fail "$1: not $2"; cat "$1"; }
}

# Nothing there yet.
for command in info verify replay "bench --listener stats"; do
	expect_line 1 "trace.reel" "$REEL" $command
	expect_line 1 "no/such.reel" "$REEL" $command no/such.reel
done
expect_line 1 "missing.jsonl" "$REEL" import missing.jsonl
[ ! -e trace.reel ] || fail "a failed import left a trace"

small_events >small.jsonl
expect 0 "$REEL" import small.jsonl
[ ! -s err ] || fail "import talks"
[ "$(ls)" = "$(printf '%s\n' err out small.jsonl trace.reel)" ] || fail "left behind: $(ls)"

# The trace of an import that fails stays as it was.
cp trace.reel before.reel
{ small_events; echo '{"t":"B","tid":0,"ns":'; } >broken.jsonl
expect_line 1 "broken.jsonl:13" "$REEL" import broken.jsonl
cmp -s trace.reel before.reel || fail "a failed import touched the trace"
[ ! -e trace.reel.old ] || fail "a failed import renamed the trace"
expect 0 "$REEL" import small.jsonl
cmp -s trace.reel.old before.reel || fail "the trace that was there is not trace.reel.old"
expect_line 1 "standard input" "$REEL" import - -o piped.reel
[ ! -e piped.reel ] || fail "an import of nothing left a trace"
small_events | "$REEL" import - -o piped.reel || fail "import from a pipe"
expect 0 "$REEL" verify piped.reel
expect_line 1 "no/directory" "$REEL" import small.jsonl -o no/directory/x.reel

# info
expect 0 "$REEL" info --json
cp out info.json
json info.json 'd["events"]==8 and d["before"]==4 and d["after"]==3 and d["abort"]==1'
json info.json 'd["repaired"]==0 and d["undelivered"]==0 and d["lost"]==0 and d["streams"]==2'
json info.json 'd["functions"]==2 and d["max_depth"]==2 and d["duration_ns"]==5000'
json info.json "d['bytes']==$(stat -c %s trace.reel) and d['blocks']>0 and d['complete'] is True"
json info.json '"version" in d'
expect 0 "$REEL" info
expect_output "complete"
expect_output "stream 7"

# verify
expect 0 "$REEL" verify
expect_output "whole"
size=$(stat -c %s trace.reel)
head -c $((size - 20)) trace.reel >cut.reel
expect 3 "$REEL" verify cut.reel
[ -s err ] || fail "verify does not say what is wrong"
expect 0 "$REEL" info cut.reel --json
cp out info.json
json info.json 'd["complete"] is False'
for file in /dev/null /bin/sh small.jsonl .; do
	expect_line 1 "$file" "$REEL" info "$file"
	expect_line 1 "$file" "$REEL" verify "$file"
	expect_line 1 "$file" "$REEL" replay "$file"
done

# replay
expect 0 "$REEL" replay
expect_output "add"
expect 0 "$REEL" replay --listener json
cp out all.jsonl
[ "$(grep -c '"t":"[BAX]"' all.jsonl)" -eq 8 ] || fail "json does not have 8 events"
expect 0 "$REEL" replay --listener json -o file.jsonl
cmp -s all.jsonl file.jsonl || fail "-o differs from standard output"
[ ! -s out ] || fail "-o and standard output both"
expect 0 "$REEL" replay --listener json:file=one.jsonl --listener stats:file=two.txt --listener null
cmp -s all.jsonl one.jsonl || fail "json beside others differs"
[ -s two.txt ] || fail "stats beside others wrote nothing"
expect 0 "$REEL" replay --listener json --stream 7
[ "$(grep -c '"t":"[BAX]"' out)" -eq 2 ] || fail "--stream 7 does not have 2 events"
expect 0 "$REEL" replay --listener json --function add --jobs 2
[ "$(grep -c '"t":"[BAX]"' out)" -eq 4 ] || fail "--function add does not have 4 events"
expect 0 "$REEL" replay --listener json --function 'm:m*'
[ "$(grep -c '"t":"[BAX]"' out)" -eq 4 ] || fail "--function m:m* does not have 4 events"
# From 2 to 4 us: main and add are open at the edge, add ends, another begins and is open at the end.
expect 0 "$REEL" replay --listener json --from 2us --to 0.000004s --stream 0
[ "$(grep -o '"t":"[BAX]"' out | cut -c 6 | tr -d '\n')" = BBABXX ] || { fail "a range"; cat out; }
[ "$(grep -c '"repaired":true' out)" -eq 4 ] || fail "what is open at the edges is not repaired"
[ "$(grep -c '"reason":"stopped"' out)" -ge 2 ] || fail "what is open at the end is not stopped"
expect 0 "$REEL" replay --fail-on-loss --listener null
small_events | sed '/"ns":3000/i {"t":"G","tid":0,"ns":2600,"lost":4}' >gap.jsonl
expect 0 "$REEL" import gap.jsonl -o gap.reel
expect 0 "$REEL" replay gap.reel --listener null
expect_line 3 "4 events are missing" "$REEL" replay gap.reel --listener null --fail-on-loss
expect 1 "$REEL" replay --listener json -o no/directory/x
expect 1 "$REEL" replay --listener ./missing.so
[ "$(wc -l <err)" -eq 1 ] || fail "a missing plug-in is not one line"
cp small.jsonl broken.so
expect_line 1 "broken.so" "$REEL" replay --listener ./broken.so
"$REEL" replay --listener nosuch >out 2>err
[ $? -ne 0 ] && [ "$(wc -l <err)" -eq 1 ] || fail "an unknown listener is not one line"
[ ! -e out.tmp ] || fail "left behind"

# Functions that --function leaves out show in stacks and have no listener.
expect 0 "$REEL" replay --listener json --function add
expect_output '"name":"main","debug_name":"m.main","export_names":["_start"],"import":null,"host":false,"listener":false'
expect_output '"name":"add","debug_name":"m.add","export_names":[],"import":null,"host":false,"listener":true'
expect_output '"stack":[{"fn":1,"pc":0,"off":9},{"fn":0,"pc":4,"off":5}]'
{
	small_events | head -n 4
	echo '{"t":"A","tid":0,"ns":1,"fn":0,"mod":0,"results":[]}'
	echo '{"t":"A","tid":0,"ns":2,"fn":1,"mod":0,"results":[7]}'
} >exits.jsonl
expect 0 "$REEL" import exits.jsonl -o exits.reel
expect 0 "$REEL" replay exits.reel --listener json --function add
[ "$(grep -c '"delivered":false' out)" -eq 1 ] || fail "--function and undelivered exits"

# Times count from the first call, not from a mark before it; the last of all times ends nothing.
{
	small_events | head -n 4
	echo '{"t":"I","tid":0,"ns":10,"op":"call"}'
	small_events | tail -n 8
	echo '{"t":"O","tid":0,"ns":9000,"op":"call","err":null}'
} >marked.jsonl
expect 0 "$REEL" import marked.jsonl -o marked.reel
expect 0 "$REEL" info marked.reel --json
cp out info.json
json info.json 'd["duration_ns"]==5000'
expect 0 "$REEL" replay marked.reel --listener json --from 1500ns
expect_output '"ns":2500,"fn":0,"mod":0,"params":[],"stack":[{"fn":0,"pc":0,"off":0}],"repaired":true'
expect 0 "$REEL" replay marked.reel --listener json --to 6us
grep -q '"ns":9000' out && fail "a mark behind --to is replayed"
small_events | sed '$s/6000/18446744073709551615/' >late.jsonl
expect 0 "$REEL" import late.jsonl -o late.reel
expect 0 timeout 60 "$REEL" replay late.reel --listener json
[ "$(grep -c '"t":"[BAX]"' out)" -eq 8 ] || fail "the last of all times: not 8 events"

# A trace is not overwritten by its own replay.
expect_line 1 "is the trace itself" "$REEL" replay marked.reel --listener json -o ./marked.reel
expect 0 "$REEL" verify marked.reel

# On a terminal the progress line is gone before anything else is printed, and never in a listener's way.
on_terminal() {
	python3 -c 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)' "$@" </dev/null >out 2>err
}
on_terminal "$REEL" replay || fail "replay on a terminal"
expect_output "replay: 100%"
tr '\r' '\n' <out | grep -q '%.*calls' && fail "the table stands behind the progress"
on_terminal "$REEL" replay --listener log || fail "replay of a log on a terminal"
grep -q '%' out && fail "progress between a listener's lines"

# Output that cannot be written.
"$REEL" replay --listener json 2>err >/dev/full && fail "a full device is no failure"
[ "$(wc -l <err)" -eq 1 ] || { fail "a full device is not one line"; cat err; }
"$REEL" info 2>err >&- && fail "a closed standard output is no failure"
[ "$(wc -l <err)" -eq 1 ] || { fail "a closed standard output is not one line"; cat err; }
for i in $(seq 300); do small_events | tail -n 8; done | cat <(small_events | head -n 4) - >many.jsonl
expect 0 "$REEL" import many.jsonl -o many.reel
{ "$REEL" replay many.reel --listener json 2>err; echo $? >status; } | head -n 1 >/dev/null
[ "$(cat status)" -eq 1 ] && [ "$(wc -l <err)" -eq 1 ] || { fail "a closed pipe"; cat status err; }

# Progress shows on a terminal, on a line that is gone in the end, and nowhere else.
expect 0 "$REEL" replay many.reel --listener null
[ ! -s err ] || fail "progress where no terminal is"
if command -v script >/dev/null; then
	script -qec "\"$REEL\" replay many.reel --listener null" /dev/null >out </dev/null
	expect_output "reel: replay: 100%"
	[ "$(tail -c 4 out)" = "$(printf '\r\033[K')" ] || { fail "the progress line stays"; od -c out; }
fi

# listeners
expect 0 "$REEL" listeners
for listener in log json stats folded flamegraph null; do
	expect_output "$listener"
done

# bench
expect 0 "$REEL" bench --listener stats
expect_output "median"
expect 0 "$REEL" bench --listener stats --vs folded --json
cp out bench.json
json bench.json 'set(d) == {"context", "benchmarks"}'
json bench.json 'all(k in b for b in d["benchmarks"] for k in ("name","run_name","run_type","iterations","real_time","cpu_time","time_unit"))'
json bench.json 'all(b["real_time"] > 0 and b["time_unit"] == "ns" and b["iterations"] > 0 for b in d["benchmarks"])'
json bench.json '{"stats/before","stats/after","folded/before","null/before"} <= {b["name"] for b in d["benchmarks"]}'
json bench.json '[b["ratio"] > 0 for b in d["benchmarks"] if b["name"].startswith("stats/")] == [True, True]'
expect 1 "$REEL" bench --listener ./missing.so
[ "$(wc -l <err)" -eq 1 ] || fail "bench: a missing plug-in is not one line"
finish
