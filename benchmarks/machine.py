"""On what was measured: every results file begins with it."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import sleep
from typing import Any

LIBRARIES = ("numpy", "numba", "torch", "jax", "scikit-learn", "tinygrad", "autograd", "mygrad", "micrograd")


def describe(threads: list[int], others: float) -> dict[str, Any]:
    """Give date, machine, cores, what other programs took, threads that were used, and versions.

    `others` is what they took before the measurement; more after it counts instead.
    """
    versions = {"python": platform.python_version()}
    for library in LIBRARIES:
        with suppress(PackageNotFoundError):
            versions[library] = version(library)
    return {
        "date": date.today().isoformat(),  # noqa: DTZ011 - a local day
        "machine": _processor(),
        "cores": os.cpu_count(),
        "busy": round(max(others, busy()), 2),
        "threads": threads,
        "versions": versions,
    }


def busy(seconds: float = 0.5) -> float:
    """Measure what share of the processor other programs take while this one waits."""
    first = _ticks()
    sleep(seconds)
    idle, total = (b - a for a, b in zip(first, _ticks(), strict=True))
    return 1 - idle / total if total else 0.0


def _ticks() -> tuple[int, int]:
    with suppress(OSError):
        ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        return ticks[3] + ticks[4], sum(ticks)
    return 0, 0


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return f"{line.split(':')[1].strip()}, {platform.machine()}"
    return platform.processor() or platform.machine()
