"""A script that takes the place of the native runner: it prints the events that the real one documents.

Its "latency" is 1 ms times the first swipe id of the sample, and its outputs are those of the tiny model, computed here
by hand, so a test can tell on paper what must come back.
"""

import pathlib
import sys
import textwrap

# As LiteRT prints it.
PROFILE = """
======= Run Order =======
   [node type]    [start]    [first]   [avg ms]        [%]     [cdf%]   [mem KB] [times called]   [Name]
   DEQUANTIZE      0.000      0.001      0.001     0.250%     0.250%      0.000             20   [Builtin]:0
   Delegate/Sum (ND) Reduce2   0.000   0.400   0.399   99.750%   100.000%   0.000   20   Delegate/Sum (ND) Reduce2:1
"""
_SCRIPT = """
import json, math, os, struct, sys, time
flags, files = {}, {"input": {}, "output": {}}
for argument in sys.argv[1:]:
    flag, value = argument[2:].split("=", 1)
    if flag in files:
        name, path = value.split("=", 1)
        files[flag][name] = path
    else:
        flags[flag] = value
samples, runs, warmup = (int(flags[name]) for name in ("samples", "runs", "warmup"))
open(flags["model"], "rb").close()
open(flags["library"], "rb").close()
ids = {name: open(path, "rb").read() for name, path in files["input"].items()}
assert [len(ids["swipe"]), len(ids["profile"])] == [samples * 48, samples * 24]
swipe = [each[0] for each in struct.iter_unpack("<12i", ids["swipe"])]
profile = [each[0] for each in struct.iter_unpack("<6i", ids["profile"])]
sigmoid = lambda x: 1 / (1 + math.exp(-x))
pairs = list(zip(swipe, profile))
outputs = {
    "realtime_purchase": b"".join(struct.pack("<f", sigmoid(s - p)) for s, p in pairs),
    "leaf_category": b"".join(struct.pack("<2f", sigmoid(s), sigmoid(p)) for s, p in pairs),
}
events = [
    {"event": "tensor", "side": side, "name": name, "element": element, "bytes": size}
    for side, name, element, size in [
        ("input", "swipe", 2, 48), ("input", "profile", 2, 24),
        ("output", "realtime_purchase", 1, 4), ("output", "leaf_category", 1, 8),
    ]
]
events.append({"event": "loaded", "library_ns": 1500000, "load_ns": 2500000, "peak_memory_kb": 100})
for phase, count in [("first", 1), ("warmup", warmup), ("output", samples), ("timed", runs)]:
    for i in range(count):
        ms = swipe[i % samples] if phase == "timed" else 9000
        events.append({"event": "run", "phase": phase, "index": i, "ns": 1000000 * ms, "cpu": i % 4})
if "profile" in flags:
    events.append({"event": "profile", "text": PROFILE})
threads = int(flags["threads"])
events.append({"event": "done", "runs": runs, "process_threads": threads, "peak_memory_kb": 200})
def write_outputs():
    for name, path in files["output"].items():
        with open(path, "wb") as file:
            file.write(outputs[name])
def print_events():
    for event in events:
        print(json.dumps(event, separators=(",", ":")))
"""
GOOD = "write_outputs(); print_events()"


def write_runner(folder: pathlib.Path, ending: str = GOOD) -> pathlib.Path:
    """Writes the script and returns its path.

    Args:
        folder: where to write it.
        ending: its last statements; the variables and functions above are at hand.
    """
    path = folder / "stand_in_runner"
    path.write_text(f"#!{sys.executable} -IS\nPROFILE = {PROFILE!r}\n{_SCRIPT}\n{textwrap.dedent(ending)}\n")
    path.chmod(0o755)
    return path


# What may go wrong with a runner: the script's ending, and the reason that must be named.
RUNNER_FAULTS = {
    "wrong exit code": (f"{GOOD}; sys.exit(3)", "failed with exit code 3"),
    "error event": (
        'print(\'{"event":"error","message":"LiteRT failed","detail":"LiteRtX returned status 3"}\'); sys.exit(3)',
        "the native runner failed: LiteRT failed: LiteRtX returned status 3",
    ),
    "error event that exits with 0": (
        f'{GOOD}; print(\'{{"event":"error","message":"too late"}}\')',
        "the native runner failed: too late",
    ),
    "nothing": ("write_outputs()", "printed 0 events 'loaded'"),
    "garbage": ("write_outputs(); sys.stdout.buffer.write(bytes(range(256)) * 9)", "printed 0 events 'loaded'"),
    "no end": ("events.pop(); write_outputs(); print_events()", "printed 0 events 'done'"),
    "cut off": (f'{GOOD}; print(\'{{"event":"run","pha\')', "a line that is cut off"),
    "a run is missing": ("del events[-3]; write_outputs(); print_events()", "asked for were 30"),
    "runs twice": ("events += events[-31:-1]; write_outputs(); print_events()", "reported 60 timed runs"),
    "fewer runs": ("events[-1]['runs'] = 29; write_outputs(); print_events()", "timed 29 of 30 runs"),
    "latency of 0": ("events[-2]['ns'] = 0; write_outputs(); print_events()", "a latency that is not above 0"),
    "latency as text": ("events[-2]['ns'] = '5'; write_outputs(); print_events()", "printed ns='5' in an event 'run'"),
    "latency beyond all numbers": ("events[-2]['ns'] = 10**400; write_outputs(); print_events()", "printed ns=1000"),
    "threads ignored": (
        "events[-1]['process_threads'] = 1; write_outputs(); print_events()",
        "was asked for 2 threads and had 1",
    ),
    "another model": (
        "events[0]['bytes'] = 96; write_outputs(); print_events()",
        "found another input 'swipe' in the file than the manifest declares",
    ),
    "short output": ("outputs['leaf_category'] = b'1234'; write_outputs(); print_events()", "wrote 4 bytes of output"),
    "outputs that are no numbers": (
        "outputs['leaf_category'] = struct.pack('<f', math.nan) * 16; write_outputs(); print_events()",
        "an output is not a finite number",
    ),
}
