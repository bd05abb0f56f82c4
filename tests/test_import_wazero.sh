#!/usr/bin/env bash
# Real engines' events, imported and given back: for every file of the wazero traces beside the source
# tree, `import --walk=full` and `replay --listener json` return it event for event, and so does
# --walk=trusted but for stacks that go on where the host's stopped.
set -u

traces=${REEL_WAZERO_TRACES:-$SRC/../shared/wazero-traces}
if ! compgen -G "$traces/*.jsonl.zst" >/dev/null; then
	echo "skipped: no traces in $traces"
	exit 77
fi
for tool in python3 zstd; do
	if ! command -v "$tool" >/dev/null; then
		echo "skipped: $tool is missing"
		exit 77
	fi
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
checked=0

# round_trip FILE WALK: imports FILE and compares what comes back.
round_trip() {
	"$REEL" import "$1" -o "$work/trace.reel" --walk="$2" &&
		"$REEL" verify "$work/trace.reel" >"$work/verify.txt" &&
		"$REEL" replay "$work/trace.reel" --listener json -o "$work/back.jsonl" &&
		python3 "$SRC/tests/compare_jsonl.py" --walk="$2" "$1" "$work/back.jsonl"
}

for file in "$traces"/*.jsonl.zst; do
	for walk in full trusted; do
		# An engine that rewinds its stack shows frames that are not those of the open calls.
		case $walk/${file##*/} in
		trusted/snap_*) continue ;;
		esac
		checked=$((checked + 1))
		if ! round_trip "$file" "$walk" >"$work/output.txt" 2>&1; then
			failed=$((failed + 1))
			printf 'FAILED --walk=%s %s: %s\n' "$walk" "${file##*/}" \
				"$(head -c 2000 "$work/output.txt")"
		fi
		rm -f "$work"/*.reel*
	done
done

# The same trace again: what json wrote is imported like its source.
file=$traces/hostmix.i171.jsonl.zst
if [ -e "$file" ]; then
	"$REEL" import "$file" -o "$work/one.reel" --walk=full &&
		"$REEL" replay "$work/one.reel" --listener json -o "$work/one.jsonl" &&
		"$REEL" import "$work/one.jsonl" -o "$work/two.reel" --walk=full &&
		"$REEL" replay "$work/two.reel" --listener json -o "$work/two.jsonl" &&
		cmp "$work/one.jsonl" "$work/two.jsonl" || failed=$((failed + 1))
	zstd -dcq "$file" | "$REEL" import - -o "$work/three.reel" --walk=full &&
		"$REEL" replay "$work/three.reel" --listener json -o "$work/three.jsonl" &&
		cmp "$work/one.jsonl" "$work/three.jsonl" || failed=$((failed + 1))
fi

echo "$checked round trips, $failed failed"
[ "$failed" -eq 0 ]
