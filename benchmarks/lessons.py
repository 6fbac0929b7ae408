"""How long a lesson takes: its computation and figure in a warm process, and the whole command in a cold one."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from tinygrad_edu import lessons

WARM, COLD = 2.0, 4.0  # seconds
ROOT = Path(__file__).parent.parent


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """Time every lesson as it is by default: the median of some runs, in turn."""
    rounds = 1 if quick else 5
    _warm("slope")  # loads matplotlib and its fonts
    warm: dict[str, list[float]] = {name: [] for name in lessons.LESSONS}
    cold: dict[str, list[float]] = {name: [] for name in lessons.LESSONS}
    for _ in range(rounds):
        for name in lessons.LESSONS:
            warm[name].append(_warm(name))
            cold[name].append(_cold(name))
    return [
        _claim("a lesson is computed and drawn", warm, WARM),
        _claim("the command of a lesson, from its start until the figure is written, takes", cold, COLD),
    ]


def _claim(what: str, seconds: dict[str, list[float]], most: float) -> dict[str, Any]:
    medians = {name: median(times) for name, times in seconds.items()}
    slowest = max(medians, key=lambda name: medians[name])
    return {
        "claim": f"{what} in under {most:g} s" if most == WARM else f"{what} under {most:g} s",
        "measured": f"{medians[slowest]:.2f} s at most ({slowest})",
        "seconds": {name: round(value, 3) for name, value in medians.items()},
        "holds": medians[slowest] < most,
    }


def _warm(name: str) -> float:
    begin = perf_counter()
    getattr(lessons, name)().figure().savefig(io.BytesIO(), format="png", dpi=150)
    return perf_counter() - begin


def _cold(name: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        begin = perf_counter()
        subprocess.run(
            [sys.executable, "-m", "tinygrad_edu", "lesson", name],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        return perf_counter() - begin
