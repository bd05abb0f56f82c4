#!/usr/bin/env python3
"""Compares two files of JSON lines: what was imported, and what the json listener gave back.

    compare_jsonl.py [--walk=full|trusted] SOURCE[.zst] RESULT[.zst]

Per stream and in order, the events and marks of SOURCE must be those of RESULT without its repaired
lines: times, functions by their definitions, modules, values, errors, stacks, captured memory. With
--walk=trusted a stack of RESULT begins with the frames that SOURCE shows. RESULT itself must be well
paired once its undelivered exits are left out, and if SOURCE is, RESULT has nothing repaired and
nothing undelivered. Prints one line; exits 1 at the first difference.
"""
import json
import subprocess
import sys

DEF_KEYS = ("module", "index", "name", "debug_name", "export_names", "import", "host", "listener",
            "param_types", "param_names", "result_types", "result_names", "file", "line")
MOD_KEYS = ("name", "globals", "has_memory")
REASONS = ("unwound", "exit", "killed", "stopped", "lost")


class Different(Exception):
    pass


def read_lines(path):
    with open(path, "rb") as file:
        data = file.read()
    if data[:4] == b"\x28\xb5\x2f\xfd":
        data = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in data.split(b"\n") if line.strip()]


class Stream:
    def __init__(self):
        self.stack = []  # of the last before
        self.error = None  # of the last abort that is not repaired: text, full length
        self.items = []  # what the host gave: events and marks
        self.delivered = []  # what listeners saw: "B", "A", "X" and the function, or "I", "O"


class Trace:
    """One file, with ids replaced by what they stand for."""

    def __init__(self, path):
        self.meta = None
        self.functions, self.modules, self.streams = {}, {}, {}
        self.repaired = self.undelivered = self.ends = 0
        for number, line in enumerate(read_lines(path), 1):
            try:
                self.add(line)
            except (KeyError, TypeError, IndexError) as error:
                raise Different(f"{path}:{number}: {error!r} in {json.dumps(line)[:300]}") from error

    def add(self, line):
        if "t" in line:
            if line["t"] in "BAXIOG":
                self.add_item(line)
            self.ends += line["t"] == "E"
        elif "def" in line:
            definition = line["def"]
            self.functions[definition["id"]] = json.dumps(
                {key: definition[key] for key in DEF_KEYS if key in definition}, sort_keys=True)
        elif "mod" in line:
            module = line["mod"]
            self.modules[module["id"]] = json.dumps({key: module.get(key) for key in MOD_KEYS})
        elif "meta" in line:
            self.meta = line["meta"]

    def add_item(self, line):
        stream = self.streams.setdefault(line["tid"], Stream())
        kind = line["t"]
        repaired = line.get("repaired", False)
        item = {"t": kind, "ns": line["ns"]}
        if kind in "IO":
            item = {key: value for key, value in line.items() if key != "tid"}
        elif kind == "G":
            item["lost"] = line["lost"]
        else:
            item["fn"] = self.functions[line["fn"]]
            item["mod"] = self.modules[line["mod"]] if line.get("mod") is not None else None
            for key in ("g0", "msz", "mem", "params", "results"):
                if key in line:
                    item[key] = line[key]
        if kind == "B":
            stream.stack = self.frames(stream, line)
            item["stack"] = stream.stack
        if kind == "X" and not repaired:
            if line["err"] != "=" or stream.error is None:
                stream.error = line["err"], len(line["err"].encode())
            stream.error = stream.error[0], line.get("err_len", stream.error[1])
            item["err"] = stream.error
        if repaired and kind == "X" and (
                line["reason"] not in REASONS or line["err"] != line["reason"]):
            raise KeyError("a repaired abort's reason")
        if line.get("delivered", True):
            stream.delivered.append((kind, item.get("fn")))
        self.undelivered += not line.get("delivered", True)
        self.repaired += repaired
        if not repaired:
            stream.items.append(item)

    def frames(self, stream, line):
        shown = [(self.functions[frame["fn"]], frame["pc"], frame["off"]) for frame in line["stack"]]
        tail = line.get("tail", 0)
        return shown + (stream.stack[-tail:] if tail else [])

    def unpaired(self):
        """Where the promise to listeners is broken, or None."""
        for tid, stream in self.streams.items():
            calls, marks = [], []
            for position, (kind, function) in enumerate(stream.delivered):
                if kind == "B":
                    calls.append(function)
                elif kind in "AX":
                    if not calls or calls.pop() != function:
                        return f"stream {tid}: exit {position} is not of the innermost call"
                elif kind == "I":
                    marks.append(len(calls))
                elif kind == "O" and marks and marks.pop() < len(calls):
                    return f"stream {tid}: a top-level call ends before its calls at {position}"
            if calls:
                return f"stream {tid}: {len(calls)} calls have no end"
        return None


def check_stack(walk, wanted, got):
    return got == wanted or walk == "trusted" and got[:len(wanted)] == wanted


def compare_item(walk, where, wanted, got):
    if wanted.keys() != got.keys():
        raise Different(f"{where}: keys {sorted(wanted)} became {sorted(got)}")
    for key, value in wanted.items():
        same = check_stack(walk, value, got[key]) if key == "stack" else value == got[key]
        if not same:
            raise Different(f"{where}: {key} {str(value)[:600]} became {str(got[key])[:600]}")


def compare(walk, source, result):
    if {**(source.meta or {}), "stack_delta": False} != (result.meta or {"stack_delta": False}):
        raise Different(f"meta {source.meta} became {result.meta}")
    if sorted(source.functions.values()) != sorted(result.functions.values()):
        lost = set(source.functions.values()) ^ set(result.functions.values())
        raise Different(f"definitions differ: {sorted(lost)[:4]}")
    if sorted(source.modules.values()) != sorted(result.modules.values()):
        raise Different("modules differ")
    if source.streams.keys() != result.streams.keys():
        raise Different(f"streams {sorted(source.streams)} became {sorted(result.streams)}")
    if bool(source.ends) > bool(result.ends):
        raise Different("the line of kind E is missing")
    for tid, stream in source.streams.items():
        given = result.streams[tid].items
        for number, (wanted, got) in enumerate(zip(stream.items, given)):
            compare_item(walk, f"stream {tid}, item {number} ({wanted['t']} at {wanted['ns']})",
                         wanted, got)
        if len(stream.items) != len(given):
            raise Different(f"stream {tid}: {len(stream.items)} items became {len(given)}")


def main():
    arguments = sys.argv[1:]
    walk = "full"
    if arguments and arguments[0].startswith("--walk="):
        walk = arguments.pop(0)[len("--walk="):]
    source_path, result_path = arguments
    try:
        source, result = Trace(source_path), Trace(result_path)
        compare(walk, source, result)
        if result.unpaired():
            raise Different(f"not well paired: {result.unpaired()}")
        if not source.unpaired() and (result.repaired or result.undelivered):
            raise Different(f"{result.repaired} repaired and {result.undelivered} undelivered events"
                            " although nothing was wrong")
    except Different as difference:
        print(f"{source_path}: {difference}")
        return 1
    count = sum(len(stream.items) for stream in source.streams.values())
    print(f"{source_path}: {count} items come back, {result.repaired} repaired,"
          f" {result.undelivered} undelivered" + ("" if source.unpaired() is None else
                                                   " (the source is not well paired)"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
