#!/usr/bin/env bash
# The examples do what they say: the program to record runs alone, the embedding one writes a trace
# whose events are known, exactly.
set -eu

embed=$BUILD/examples/example-embed
if [ ! -e "$embed" ]; then
	echo "skipped: $embed is missing"
	exit 77
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$embed" embed.reel | diff - <(echo '5! = 120')
"$REEL" verify embed.reel

# value KEY: what `info --json` says.
value() {
	"$REEL" info embed.reel --json | python3 -c "import json, sys; print(json.load(sys.stdin)['$1'])"
}

# factorial(5) with its checks, factorial(21) with one that fails, count_down from 9.
expect() {
	if [ "$(value "$1")" != "$2" ]; then
		echo "$1 is $(value "$1"), not $2"
		exit 1
	fi
}
expect events 44
expect before 22
expect after 21
expect abort 1
expect repaired 0
expect undelivered 0
expect lost 0
expect streams 2
expect functions 3
expect max_depth 10
expect complete True

"$REEL" replay embed.reel --listener json -o embed.jsonl
python3 - <<'END'
import json
lines = [json.loads(line) for line in open("embed.jsonl")]
names = {line["def"]["id"]: line["def"]["name"] for line in lines if "def" in line}
events = [line for line in lines if line.get("t") in ("B", "A", "X")]
results = [line["results"][0] for line in events
           if line["t"] == "A" and names[line["fn"]] == "factorial"]
assert results == [1, 2, 6, 24, 120, 1], results
errors = [line["err"] for line in events if line["t"] == "X"]
assert errors == ["the result would not fit"], errors
deepest = [line for line in events if line["t"] == "B" and names[line["fn"]] == "count_down"][-1]
assert [frame["pc"] for frame in deepest["stack"]] == list(range(10)), deepest
END

"$CC" -O2 -Wall "$SRC"/examples/demo/*.c -o demo
./demo >plain.txt
"$CC" -O2 -finstrument-functions "$SRC"/examples/demo/*.c -o demo
./demo | diff plain.txt -
