#!/usr/bin/env bash
# Libraries that are loaded, unloaded and loaded again: events are counted right and each function has
# the name and the object that were at its address at that time.
. "$SRC/tests/record_lib.sh"

for compiler in $compilers; do
	compile "$compiler" one.so "$native/plugin.c" -O0 -fPIC -shared -DNAME=one
	compile "$compiler" two.so "$native/plugin.c" -O0 -fPIC -shared -DNAME=two
	compile "$compiler" host "$native/plugin_host.c" -O2 || continue
	check_program "$compiler plug-ins" ./host 20 ./one.so ./two.so
	"$REEL" replay trace.reel --listener json >events.jsonl
	for name in one two; do
		count=$("$REEL" replay trace.reel --listener folded --function "$name.so:*" | wc -l)
		[ "$count" -gt 0 ] || fail "no function of $name.so"
		grep -q "\"module\":\"$name.so\",.*\"name\":\"plugin_$name\"" events.jsonl ||
			fail "no plugin_$name in $name.so"
		grep -q "\"module\":\"$name.so\",.*\"name\":\"plugin_run\".*\"file\":\"[^\"]*plugin.c\",\"line\"" \
			events.jsonl || fail "no file and line for plugin_run in $name.so"
		checks=$((checks + 3))
	done
done
finish
