#!/usr/bin/env bash
# Signals that are sent to the recorder reach the program once; the terminal's do not come twice; job
# control stops and continues both; the trace is complete whatever comes.
. "$SRC/tests/record_lib.sh"
set +m

compile gcc signals "$native/signals.c" -O2 || exit 1

wait_for() { # FILE TEXT
	for _ in $(seq 500); do
		grep -q -- "$2" "$1" 2>/dev/null && return 0
		sleep 0.02
	done
	fail "'$2' never came in $1"
}

state_of() { # PID
	sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null
}

wait_state() { # PID STATE
	for _ in $(seq 500); do
		[ "$(state_of "$1")" = "$2" ] && return 0
		sleep 0.02
	done
	fail "process $1 is in state $(state_of "$1"), not $2"
}

# bash starts background jobs of a script with SIGINT and SIGQUIT ignored, which the program inherits
# and overrides with handlers.
"$REEL" record -o trace.reel ./signals >out 2>err &
reel=$!
wait_for out ready
for signal in HUP INT QUIT USR1 USR2 PIPE ALRM WINCH RTMIN+3; do
	kill -"$signal" $reel
	sleep 0.05
done
kill -TERM $reel
wait $reel
equal "status" 9 $?
for signal in HUP INT QUIT USR1 USR2 PIPE ALRM WINCH RTMIN+3 TERM; do
	grep -q "^signal $(kill -l "$signal"): 1$" out || fail "SIG$signal was not passed on once"
	checks=$((checks + 1))
done
grep -c '^signal' out | grep -qx 10 || fail "other signals came too: $(cat out)"
equal "complete" true "$(info trace.reel complete)"

# Ended by a signal that was sent to the recorder.
"$REEL" record -o trace.reel sleep 100 2>err &
reel=$!
sleep 0.3
kill -TERM $reel
wait $reel
equal "a signal that ends the program" 143 $?
equal "complete" true "$(info trace.reel complete)"

# The recorder killed: the program goes on, and the trace is complete once it has ended.
rm -f out trace.reel
"$REEL" record -o trace.reel ./signals >out 2>err &
reel=$!
wait_for out ready
program=$(processes_named signals)
kill -KILL $reel
wait $reel 2>/dev/null
kill -USR1 "$program"
sleep 0.2
kill -TERM "$program"
wait_for out "values 0"
for _ in $(seq 500); do
	[ -e trace.reel ] && break
	sleep 0.02
done
equal "complete without the recorder" true "$(info trace.reel complete)"

# Job control and ^C need a terminal of their own.
if ! command -v script >/dev/null; then
	echo "no script(1): the terminal's signals are not tested"
	finish
fi
cat >terminal.sh <<'END'
set -m
exec 2>&1
"$REEL" record -o terminal.reel ./signals >terminal.out &
echo $! >recorder.pid
wait_ready() { until grep -q ready terminal.out; do sleep 0.02; done; }
wait_ready
fg >/dev/null
echo "status $?" >terminal.status
END
mkfifo keys
script -q -c "bash $work/terminal.sh" /dev/null <keys >/dev/null 2>&1 &
exec 3>keys
wait_for terminal.out ready
sleep 0.5
reel=$(cat recorder.pid)
printf '\003' >&3 # ^C
sleep 0.3
printf '\034' >&3 # ^\
sleep 0.3
kill -TERM "$reel"
wait_for terminal.status "status 9"
exec 3>&-
grep -q '^signal 2: 1$' terminal.out || fail "^C did not come once: $(cat terminal.out)"
grep -q '^signal 3: 1$' terminal.out || fail "^\\ did not come once: $(cat terminal.out)"
equal "complete after ^C" true "$(info terminal.reel complete)"

# The program stops itself as ^Z would stop it: the shell sees its job stopped, and fg continues both.
cat >stop.sh <<'END'
set -m
exec 2>&1
"$REEL" record -o stop.reel ./signals stop >stop.out
echo "stopped $?" >stop.status
fg %1 >/dev/null
echo "ended $?" >>stop.status
END
script -q -c "bash $work/stop.sh" /dev/null </dev/null >/dev/null 2>&1 &
wait_for stop.status stopped
sleep 0.3
kill -TERM "$(processes_named signals)"
wait_for stop.status ended
equal "the shell saw it stopped" "stopped 148" "$(sed -n 1p stop.status)"
equal "and continued it" "ended 9" "$(sed -n 2p stop.status)"
equal "complete after a stop" true "$(info stop.reel complete)"
finish
