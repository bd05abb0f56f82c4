#!/usr/bin/env python3
"""Measures what recording and replaying cost, and writes bench/results/*.jsonl.

Usage: bench/run.py [quick] [--lua SOURCE]

Every workload is compiled twice with the same flags, plain and with -finstrument-functions. In each round
it runs plain, with empty hooks, and under `reel record`, one after the other, so that whatever else the
machine does strikes all of them; the figures are medians over the rounds. Traces go to the directory of
TMPDIR (/tmp). SOURCE is an unpacked source tree of Lua 5.4; without it only Fibonacci runs.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
REEL = os.path.join(ROOT, "build", "reel")
FLAGS = ["-O2", "-g", "-fno-optimize-sibling-calls"]


def run(command, environment=None):
    """Wall and all-CPU seconds, and the peak resident bytes of the largest process."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as peak:
        # Not from our own wait: a child starts out with the peak of this interpreter.
        begin = time.monotonic()
        process = subprocess.Popen(["/usr/bin/time", "-f", "%M", "-o", peak.name, *command],
                                   env=environment, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)}: status {process.returncode}")
        return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime,
                "rss": int(peak.read().split()[-1]) * 1024}


def output(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Workload:
    def __init__(self, name, work, sources, options, arguments):
        self.name = name
        self.programs = {}
        self.arguments = arguments
        self.trace = os.path.join(work, name + ".reel")
        hooks = os.path.join(work, "empty_hooks.so")
        if not os.path.exists(hooks):
            subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", hooks,
                            os.path.join(ROOT, "bench/workloads/empty_hooks.c")], check=True)
        self.hooks = dict(os.environ, LD_PRELOAD=hooks)
        for kind, extra in (("plain", []), ("instrumented", ["-finstrument-functions"])):
            program = os.path.join(work, f"{name}-{kind}")
            subprocess.run(["gcc", *FLAGS, *extra, *sources, *options, "-o", program], check=True)
            self.programs[kind] = program

    def record(self):
        return run([REEL, "record", "-o", self.trace, "--", self.programs["instrumented"],
                    *self.arguments])

    def round(self):
        return {"plain": run([self.programs["plain"], *self.arguments]),
                "empty": run([self.programs["instrumented"], *self.arguments], self.hooks),
                "record": self.record()}

    def replay(self, listener):
        return run([REEL, "replay", self.trace, "--listener", listener])


def median(rounds, kind, key):
    return statistics.median(r[kind][key] for r in rounds)


def spread(values):
    return max(values) - min(values)


def measure(workload, repeats):
    rounds = [workload.round() for _ in range(repeats)]
    info = json.loads(output([REEL, "info", workload.trace, "--json"]))
    events = info["events"]
    over_plain = [(r["record"]["wall"] - r["plain"]["wall"]) * 1e9 / events for r in rounds]
    over_empty = [(r["record"]["wall"] - r["empty"]["wall"]) * 1e9 / events for r in rounds]
    all_cpus = [(r["record"]["cpu"] - r["plain"]["cpu"]) * 1e9 / events for r in rounds]
    result = {
        "workload": workload.name, "repeats": repeats, "events": events, "lost": info["lost"],
        "plain_s": median(rounds, "plain", "wall"),
        "empty_hooks_s": median(rounds, "empty", "wall"),
        "record_s": median(rounds, "record", "wall"),
        "ns_per_event_over_plain": statistics.median(over_plain),
        "ns_per_event_over_plain_spread": spread(over_plain),
        "ns_per_event_over_empty_hooks": statistics.median(over_empty),
        "ns_per_event_all_cpus_over_plain": statistics.median(all_cpus),
        "recorded_events_per_s": events / median(rounds, "record", "wall"),
        "bytes_per_event": info["bytes"] / events,
        "record_peak_bytes": median(rounds, "record", "rss"),
    }
    for listener in ("null", "stats"):
        replays = [{listener: workload.replay(listener)} for _ in range(repeats)]
        result[f"replay_{listener}_events_per_s"] = events / median(replays, listener, "wall")
        result[f"replay_{listener}_peak_bytes"] = median(replays, listener, "rss")
    return result


def machine():
    model = "unknown"
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    commit = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True, check=False).stdout.strip()
    return {"machine": model, "cpus": os.cpu_count(), "kernel": platform.release(),
            "compiler": output(["gcc", "--version"]).splitlines()[0], "commit": commit,
            "date": time.strftime("%Y-%m-%dT%H:%M:%S%z")}


def show(result):
    print(f"\n{result['workload']}: {result['events']} events, {result['lost']} lost, medians of "
          f"{result['repeats']}")
    for label, key, scale, unit in (
            ("recording, over the plain run", "ns_per_event_over_plain", 1, "ns/event"),
            ("recording, over empty hooks", "ns_per_event_over_empty_hooks", 1, "ns/event"),
            ("recording, all CPUs, over plain", "ns_per_event_all_cpus_over_plain", 1, "ns/event"),
            ("recorded", "recorded_events_per_s", 1e-6, "M events/s"),
            ("trace", "bytes_per_event", 1, "bytes/event"),
            ("recording, largest process", "record_peak_bytes", 2 ** -20, "MiB"),
            ("replay into null", "replay_null_events_per_s", 1e-6, "M events/s"),
            ("replay into null, peak", "replay_null_peak_bytes", 2 ** -20, "MiB"),
            ("replay into stats", "replay_stats_events_per_s", 1e-6, "M events/s"),
            ("replay into stats, peak", "replay_stats_peak_bytes", 2 ** -20, "MiB")):
        print(f"  {label:34} {result[key] * scale:10.3f} {unit}")


def lua_sources(source):
    folder = os.path.join(source, "src")
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder))
            if name.endswith(".c") and name != "luac.c"]


def main():
    arguments = sys.argv[1:]
    quick = "quick" in arguments
    source = arguments[arguments.index("--lua") + 1] if "--lua" in arguments else None
    bench = os.path.join(ROOT, "bench")
    repeats = 3 if quick else 5
    results = os.path.join(bench, "results")
    about = machine()
    os.makedirs(results, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        workloads = [Workload("fib", work, [os.path.join(bench, "workloads/fib.c")], ["-pthread"],
                              ["31" if quick else "35"])]
        if source:
            workloads.append(Workload("lua", work, lua_sources(source),
                                      ["-DLUA_USE_LINUX", "-lm", "-ldl"],
                                      [os.path.join(bench, "workloads/lua-bench.lua"),
                                       "0.2" if quick else "1"]))
        path = os.path.join(results, time.strftime("%Y%m%d-%H%M%S.jsonl"))
        with open(path, "w", encoding="utf-8") as lines:
            for workload in workloads:
                result = measure(workload, repeats)
                lines.write(json.dumps({**about, **result}) + "\n")
                show(result)
        print(f"\nwritten to {os.path.relpath(path)}")


main()
