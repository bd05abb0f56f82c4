#!/usr/bin/env bash
# A listener cannot tell a replay from the live run: the virtual machine of examples/vm drives
# listeners beside a recorder, and what they wrote live is what they write when the trace is replayed.
set -eu

vm=$BUILD/examples/example-vm
edges=$BUILD/examples/edges.so
for needed in "$vm" "$edges"; do
	if [ ! -e "$needed" ]; then
		echo "skipped: $needed is missing"
		exit 77
	fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

"$vm" run.reel log:file=log.live "$edges:file=edges.live" stats:file=stats.live \
	folded:file=folded.live json:file=json.live >results.txt
diff - results.txt <<'END'
sum_memory: 570
forever: trap: stack overflow
hypotenuse: 4609047870845172685
overrun: trap: out of bounds memory access
hypotenuse: trap: the host refused
fibonacci: 34
divide: trap: division by zero
ackermann: 9
halves: 42
decrement: 0
END

"$REEL" verify run.reel
"$REEL" replay run.reel --listener log -o log.replay
"$REEL" replay run.reel --listener "$edges" >edges.replay
"$REEL" replay run.reel --listener stats -o stats.replay
"$REEL" replay run.reel --listener folded -o folded.replay
"$REEL" replay run.reel --listener json -o json.replay
for listener in log edges stats folded; do
	test -s "$listener.live"
	diff "$listener.live" "$listener.replay"
done

# Ids may be others, and functions without listeners are defined when they are first seen.
python3 "$SRC/tests/compare_jsonl.py" json.live json.replay

# Several at once, each walking the stack from its top.
"$REEL" replay run.reel --listener log:file=log.both --listener "$edges:file=edges.both"
cmp log.live log.both
cmp edges.live edges.both
"$REEL" replay run.reel --listener "$edges" -o edges.file >edges.nothing
cmp edges.live edges.file
[ ! -s edges.nothing ]
"$REEL" bench run.reel --listener "$edges" --json | python3 -m json.tool >bench.json
"$REEL" replay run.reel --listener "$edges:top=2" >edges.top
head -n 2 edges.live | cmp - edges.top
if "$REEL" replay run.reel --listener "$edges:nonsense" 2>message.txt; then
	echo "an option that does not exist was taken"
	exit 1
fi
grep -q '^reel: ' message.txt
