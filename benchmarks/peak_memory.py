"""Peak memory of a compiled step beside an eager one: all that the step holds or takes, weights and examples aside."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.peers.process import ROOT, environment
from benchmarks.peers.workloads import MEDIUM, SMALL

if TYPE_CHECKING:
    from benchmarks.peers.workloads import SMALL, Workload

MOST = 0.8

# Traced, what NumPy and Python allocated; resident, what the process takes of the machine in whole pages.
_PROGRAM = """
import gc, json, sys, tracemalloc
import numpy as np
from benchmarks.peers.ours import training_step, compile_step
from benchmarks.peers.workloads import Workload

request = json.loads(sys.argv[1])
workload = Workload.from_json(request["workload"])

def one_batch(workload):
    return [array[: workload.batch].copy() for array in workload.data()]

def make(workload):
    step = training_step(workload)
    return compile_step(step, "numpy") if request["compiled"] else step

def resident(name):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name))

make(SMALL[0])(*one_batch(SMALL[0]))  # modules and the BLAS take their own memory
if request["traced"]:
    tracemalloc.start()
X, y = one_batch(workload)
run = make(workload)
gc.collect()
before = tracemalloc.get_traced_memory()[0], resident("VmRSS")
for _ in range(5):
    run(X, y)
gc.collect()
tracemalloc.reset_peak()
with open("/proc/self/clear_refs", "w") as file:
    file.write("5")  # the peak of resident memory starts anew, too
for _ in range(5):
    run(X, y)
print(json.dumps([tracemalloc.get_traced_memory()[1] - before[0], (resident("VmHWM") - before[1]) * 1024]))
"""


def measure() -> list[dict[str, Any]]:
    """Measure a small and a medium network, each mode in a process of its own."""
    return [_claim(workload) for workload in (SMALL[2], MEDIUM)]


def _claim(workload: Workload) -> dict[str, Any]:
    traced = {compiled: _run(workload, compiled=compiled, traced=True)[0] for compiled in (False, True)}
    resident = {compiled: _run(workload, compiled=compiled, traced=False)[1] for compiled in (False, True)}
    ratio = traced[True] / traced[False]
    return {
        "claim": f"{workload.name}, the compiled step's peak memory is at most {MOST:g} of the eager step's",
        "measured": f"{ratio:.2f} ({traced[True] / 1024:,.0f} KB against {traced[False] / 1024:,.0f} KB; the process "
        f"grows by {resident[True] / 1024:,.0f} KB, compiling included, against {resident[False] / 1024:,.0f} KB)",
        "holds": ratio <= MOST,
        "ratio": ratio,
        "compiled_bytes": traced[True],
        "eager_bytes": traced[False],
        "compiled_resident_bytes": resident[True],
        "eager_resident_bytes": resident[False],
    }


def _run(workload: Workload, *, compiled: bool, traced: bool) -> list[int]:
    request = json.dumps({"workload": workload.as_json(), "compiled": compiled, "traced": traced})
    command = [sys.executable, "-c", _PROGRAM, request]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment(1))
    found: list[int] = json.loads(run.stdout)
    return found
