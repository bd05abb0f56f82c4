#!/usr/bin/env bash
# Every way to end: the same output and status as plainly, 128 + signal for a signal, a complete trace,
# and open calls aborted for the right reason.
. "$SRC/tests/record_lib.sh"

reasons() { # TRACE: the reasons of repaired events, each once
	"$REEL" replay "$1" --listener json | sed -n 's/.*"reason":"\([a-z]*\)".*/\1/p' | sort -u | xargs
}

for compiler in $compilers; do
	compile "$compiler" ends "$native/ends.c" -O1 || continue
	for way in return exit _exit quick_exit abort segv kill term pthread_exit exec; do
		check_program "$compiler $way" ./ends "$way"
		case $way in
		return | pthread_exit) reason= ;;
		abort | segv | kill | term) reason=killed ;;
		*) reason=exit ;;
		esac
		[ "$way" = pthread_exit ] || equal "$way: reasons" "$reason" "$(reasons trace.reel)"
	done
	for end in segv:139 abort:134 kill:137 term:143 return:15 exit:11; do
		expect "${end#*:}" "$REEL" record -o trace.reel ./ends "${end%:*}"
	done
done
finish
