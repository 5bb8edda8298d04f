"""A script that takes the place of benchmark_model on the simulated device: it prints what the real one documents.

It runs no model. Its "latency" is 1 ms times the first swipe id of the sample it was given, so a test can tell on paper
which latencies must come back, and that the pushed inputs were the bundle's samples.
"""

import pathlib
import sys
import textwrap

# As the tool prints it: loading has a table of its own.
PROFILE = """
INFO: Profiling Info for Benchmark Initialization:
============================== Run Order ==============================
\t   [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t   AllocateTensors\t 9.000\t 9.000\t100.000%\t100.000%\t 0.000\t 1\tAllocateTensors/0

INFO: Operator-wise Profiling Info for Regular Benchmark Runs:
============================== Run Order ==============================
\t   [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]
\t   GATHER\t 0.100\t 0.250\t 25.000%\t 25.000%\t 0.000\t 20\t[x]:0
\t   Fully Connected (NC, F32) GEMM\t 0.500\t 0.600\t 60.000%\t 85.000%\t 0.000\t 20\tDelegate/x:1
\t   GATHER\t 0.100\t 0.150\t 15.000%\t 100.000%\t 0.000\t 20\t[x]:2
"""
_SCRIPT = """
import struct, sys, time
flags = dict(argument[2:].split("=", 1) for argument in sys.argv[1:])
names = flags["input_layer"].split(",")
shapes = [[int(size) for size in shape.split(",")] for shape in flags["input_layer_shape"].split(":")]
values = dict(item.rsplit(":", 1) for item in flags["input_layer_value_files"].split(","))
ids = {}
for name, shape in zip(names, shapes):
    content = open(values[name.replace(":", "::")], "rb").read()
    size = 1
    for each in shape:
        size *= each
    if len(content) != 4 * size:
        print("FATAL: input file size mismatch", file=sys.stderr)
        sys.exit(134)
    ids[name] = struct.unpack("<" + str(size) + "i", content)
open(flags["graph"], "rb").close()
swipe = next(each for name, each in ids.items() if "swipe" in name)
latency_us = 1000 * swipe[0]
runs = int(flags["num_runs"])
tail = f"p5={latency_us} median={latency_us} p95={latency_us}"
one = f"count=1 curr={latency_us} {tail}"
same = " ".join(f"{name}={latency_us}" for name in ("first", "curr", "min", "max", "avg"))
many = f"count={runs} {same} std=0 {tail}"
good = f'''INFO: STARTING!
INFO: Running benchmark for at least {flags["warmup_runs"]} iterations and at least 0 seconds
INFO: count={flags["warmup_runs"]} first=9000000 curr=9000000 min=9000000 max=9000000 avg=9e+06 std=0 {tail}
INFO: Running benchmark for at least {runs} iterations and at least 0 seconds
INFO: {one if runs == 1 else many}
INFO: Inference timings in us: Init: 2500, First inference: 9000000, Warmup (avg): 9e+06, \\
Inference (avg): {latency_us}'''
if flags.get("enable_op_profiling") == "true":
    good += PROFILE
"""


def write_tool(folder: pathlib.Path, ending: str = "print(good)") -> pathlib.Path:
    """Writes the script and returns its path.

    Args:
        folder: where to write it.
        ending: its last statements; the variables above are at hand, `good` is the whole output of a good run.
    """
    path = folder / "android_benchmark_model"
    path.write_text(f"#!{sys.executable} -IS\nPROFILE = {PROFILE!r}\n{_SCRIPT}\n{textwrap.dedent(ending)}\n")
    return path
