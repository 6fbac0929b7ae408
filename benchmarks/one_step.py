"""The memory of a training step, measured in a process of its own: ``python -m benchmarks.one_step REQUEST``.

Two numbers of bytes: what NumPy and Python allocate, and what the process takes of the machine, in whole pages. They
are measured in two runs, since the bookkeeping of the first is part of the second.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from pathlib import Path
from typing import Any

from benchmarks.peers.ours import compile_step, training_step
from benchmarks.peers.workloads import SMALL, Workload

STEPS = 5


def main() -> None:
    """Make the steps that are asked for, and print both peaks above what there was before the first."""
    request = json.loads(sys.argv[1])
    compiled = request["compiled"]
    _make(SMALL[0], compiled=compiled)(*_batch(SMALL[0]))  # modules and the BLAS take their own memory
    if request["traced"]:
        tracemalloc.start()
    workload = Workload.from_json(request["workload"])
    batch, run = _batch(workload), _make(workload, compiled=compiled)
    gc.collect()
    allocated, resident = tracemalloc.get_traced_memory()[0], _resident("VmRSS")
    for _ in range(STEPS):
        run(*batch)
    gc.collect()
    tracemalloc.reset_peak()
    Path("/proc/self/clear_refs").write_text("5")  # the peak of resident memory starts anew, too
    for _ in range(STEPS):
        run(*batch)
    print(json.dumps([tracemalloc.get_traced_memory()[1] - allocated, _resident("VmHWM") - resident]))


def _batch(workload: Workload) -> list[Any]:
    return [array[: workload.batch].copy() for array in workload.data()]


def _make(workload: Workload, *, compiled: bool) -> Any:
    step = training_step(workload)
    return compile_step(step, "numpy") if compiled else step


def _resident(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
