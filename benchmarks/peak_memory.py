"""Peak memory of a compiled step beside an eager one: all that the step holds or takes, weights and examples aside."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from benchmarks.peers.process import ROOT, environment
from benchmarks.peers.workloads import MEDIUM, SMALL

if TYPE_CHECKING:
    from benchmarks.peers.workloads import Workload

MOST = 0.8


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
    command = [sys.executable, "-m", "benchmarks.one_step", request]
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment(1))
    found: list[int] = json.loads(run.stdout)
    return found
