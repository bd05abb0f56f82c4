#!/usr/bin/env bash
# Debian's Lua 5.4, compiled with -finstrument-functions, runs a benchmark and a script full of errors,
# coroutines and closures, plainly, counted and recorded. REEL_REAL_SCALE (0.1) is the benchmark's size;
# 1 makes 50 million events.
. "$SRC/tests/real/real_lib.sh"

get_source lua5.4
sources=$(find "$source/src" -name '*.c' ! -name luac.c)
# The seed of string hashes is the time and addresses otherwise, and the number of calls with it.
flags="-O2 -g -fno-optimize-sibling-calls -finstrument-functions -DLUA_USE_LINUX -DLUA_COMPAT_5_3
	'-Dluai_makeseed(L)=0x5eed'"
# shellcheck disable=SC2086
compile_all "$real/lua" "$flags" "-lm -ldl -Wl,-E" $sources

benchmark=$SRC/../shared/workloads/lua-bench.lua
[ -e "$benchmark" ] || benchmark=$SRC/tests/real/bench.lua
check_program "benchmark" "$real/lua" "$benchmark" "${REEL_REAL_SCALE:-0.1}"
[ "$(info trace.reel events)" -gt 1000000 ] || fail "the benchmark made few events"
equal "the benchmark's calls end" 0 "$(info trace.reel abort)"

check_program "errors" "$real/lua" "$SRC/tests/real/errors.lua"
[ "$(info trace.reel abort)" -gt 1000 ] || fail "the errors unwound nothing"
expect 1 "$real/lua" -e 'error("at the end")'
check_program "an error at the end" "$real/lua" -e 'local function f() error("at the end") end f()'
check_program "exit inside" "$real/lua" -e 'local function f() os.exit(7, false) end f()'
finish
