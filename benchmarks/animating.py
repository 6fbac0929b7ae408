"""How long an animation of a hundred frames takes, of each kind, and how large its file is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import tinygrad_edu as tg
from tinygrad_edu.visualize import animate_descent

FRAMES, MOST = 100, 10.0  # seconds
_VALLEY = "x**2 + 10*y**2"


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """Time each kind of animation: the median of some runs, in turn."""
    steps = {"tolerance": 0, "max_steps": FRAMES - 1}
    traces = {
        "curve": tg.minimize("x**2", -6.0, lr=0.95, **steps),
        "map": tg.minimize(_VALLEY, [-5, 2], lr=0.09, **steps),
        "losses": tg.minimize(lambda x: (x**2).sum(), [1.0, 2.0, 3.0], lr=0.01, **steps),
    }
    seconds: dict[str, list[float]] = {name: [] for name in traces}
    kilobytes = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "descent.gif"
        animate_descent(None, traces["curve"], file, frames=2)  # loads matplotlib and its fonts
        for _ in range(1 if quick else 5):
            for name, trace in traces.items():
                begin = perf_counter()
                animate_descent(None, trace, file, frames=2 if quick else FRAMES)
                seconds[name].append(perf_counter() - begin)
                kilobytes[name] = round(file.stat().st_size / 1000)
    medians = {name: median(times) for name, times in seconds.items()}
    slowest = max(medians, key=lambda name: medians[name])
    return [
        {
            "claim": f"an animation of {FRAMES} frames is written in under {MOST:g} s",
            "measured": f"{medians[slowest]:.1f} s at most ({slowest})",
            "seconds": {name: round(value, 2) for name, value in medians.items()},
            "kilobytes": kilobytes,
            "holds": medians[slowest] < MOST,
        }
    ]
