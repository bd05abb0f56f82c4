#!/usr/bin/env bash
# Makes the traces that fuzz_trace starts from: the events in corpus/import, in each codec, so that they are
# always of the newest format. Usage: make_seeds.sh REEL DIRECTORY
set -euo pipefail
reel=$1 directory=$2

mkdir -p "$directory"
for events in "$(dirname "$0")"/corpus/import/*; do
	for codec in zstd lz4 none; do
		file=$directory/$(basename "$events")-$codec
		"$reel" import "$events" -o "$file" --codec=$codec
		rm -f "$file.old"
	done
done
