#!/usr/bin/env bash
# The program's face: help that teaches, wrong usage answered by one line and exit status 2.
. "$SRC/tests/cli_lib.sh"
cd "$work" || exit 1

expect 0 "$REEL" --help
expect_output "Usage: reel COMMAND"
expect_output "Examples:"
expect 0 "$REEL" --version
expect 2 "$REEL"
expect_line 2 "no command 'frobnicate'" "$REEL" frobnicate
expect_line 2 "no option '--frobnicate'" "$REEL" --frobnicate
expect_line 2 "no command 'frobnicate'" "$REEL" help frobnicate

commands=$("$REEL" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fail "--help lists no commands"
for command in $commands; do
	expect 0 "$REEL" "$command" --help
	expect_output "Usage: reel $command"
	grep -q 'Example' "$work/out" || [ "$command" = listeners ] || fail "$command --help has no example"
	expect 0 "$REEL" help "$command"
	# The status of `record` is its program's: its own failures have one that programs leave alone.
	wrong=2
	[ "$command" != record ] || wrong=125
	expect_line $wrong "--frobnicate" "$REEL" "$command" --frobnicate
	expect_line $wrong "-Z" "$REEL" "$command" -Z
done

expect_line 2 "--listener" "$REEL" replay --listener
expect_line 2 "--as-delivered=1" "$REEL" replay --as-delivered=1
expect_line 2 "too many: 'b'" "$REEL" replay a b
expect_line 2 "too many: 'b'" "$REEL" info a b
expect_line 2 "too many: 'b'" "$REEL" verify a b
for time in abc 1x 5sec -1 1. .5 '' 99999999999999999999s 1e3; do
	expect_line 2 "--from takes a time" "$REEL" replay "--from=$time"
done
expect_line 2 "--to must be later than --from" "$REEL" replay --from 2s --to 1500ms
expect_line 2 "--stream takes a number" "$REEL" replay --stream x
expect_line 2 "--stream takes a number" "$REEL" replay --stream 4294967296
for jobs in 0 -1 many 4x; do
	expect_line 2 "--jobs takes a number" "$REEL" replay "--jobs=$jobs"
done
expect_line 2 "each takes its own NAME:file=PATH" "$REEL" replay -o x --listener stats --listener json
expect_line 2 "which --listener" "$REEL" bench
expect_line 2 "which file" "$REEL" import
expect_line 2 "--walk is trusted or full" "$REEL" import x --walk=some
for codec in zip zstd:99 zstd: zstd:0 lz4:3 ''; do
	expect_line 2 "--codec is" "$REEL" import x "--codec=$codec"
done
finish
