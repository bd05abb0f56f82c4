#!/usr/bin/env bash
# Debian's zstd command line, compiled with -finstrument-functions, compresses some ten MB with two
# workers and decompresses them again. How its threads meet varies, and with it the number of calls, so
# the count is made by hooks linked into it, in the recorded run itself. REEL_REAL_MB (24): data.
. "$SRC/tests/real/real_lib.sh"

get_source libzstd
sources=$(find "$source/lib/common" "$source/lib/compress" "$source/lib/decompress" \
	"$source/lib/dictBuilder" "$source/programs" -name '*.c')
# shellcheck disable=SC2086
compile_all "$real/zstd" "-O2 -g -finstrument-functions -DZSTD_MULTITHREAD -DZSTD_DISABLE_ASM=1
	-DZSTD_LEGACY_SUPPORT=0 -DXXH_NAMESPACE=ZSTD_ -DDEBUGLEVEL=0" \
	"-rdynamic -lpthread -ldl $work/count_hooks.o" $sources

seq 1 100000000 | head -c "${REEL_REAL_MB:-24}M" >data
run_as plain "$real/zstd" -T2 -1 -B1048576 -q -f -o plain.zst data
rm -f counts
COUNT_FILE=$work/counts run_as recorded "$REEL" record -o trace.reel \
	"$real/zstd" -T2 -1 -B1048576 -q -f -o recorded.zst data
same_outcome "compress"
same_counts "compress" trace.reel
checks=$((checks + 1))
cmp plain.zst recorded.zst || fail "the compressed files differ"
[ "$(info trace.reel streams)" -ge 3 ] || fail "$(info trace.reel streams) streams: no workers"
[ "$(info trace.reel events)" -gt 1000000 ] || fail "$(info trace.reel events) events are few"

rm -f counts
COUNT_FILE=$work/counts run_as recorded "$REEL" record -o trace.reel \
	"$real/zstd" -d -q -f -o back recorded.zst
same_outcome "decompress"
same_counts "decompress" trace.reel
cmp data back || fail "the data did not come back"

# It refuses what is no zstd file, with the same words and status.
run_as plain "$real/zstd" -d -q -f -o back data
rm -f counts
COUNT_FILE=$work/counts run_as recorded "$REEL" record -o trace.reel "$real/zstd" -d -q -f -o back data
same_outcome "refuse"
same_counts "refuse" trace.reel
finish
