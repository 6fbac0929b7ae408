"""How the cost of a compiled step grows: the slope of log(seconds) against log(depth, width, batch, examples)."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.peers.ours import compile_step, training_step
from benchmarks.peers.workloads import mlp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.peers.workloads import Workload

# What grows, its values, and the most that the slope may be. Costs that do not grow with it make it less than that of
# the arithmetic: 1, and of the width 2.
MOST = {"depth": 1.1, "width": 2.1, "batch": 1.1, "examples": 1.05, "depth, of compiling": 1.3}


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure the NumPy backend along each."""
    last = 3 if quick else None
    depths, widths = [4, 8, 16, 32, 64][:last], [64, 128, 256, 512, 1024][:last]
    batches, examples = [32, 128, 512, 2048, 8192][:last], [1024, 4096, 16384, 65536][:last]
    networks = [mlp(*[64] * depth, 10, batch=32, examples=32) for depth in depths]
    found = {
        "depth": (depths, map(_seconds_of_a_step, networks)),
        "width": (widths, (_seconds_of_a_step(mlp(w, w, w, 10, batch=64, examples=64)) for w in widths)),
        "batch": (batches, (_seconds_of_a_step(mlp(64, 128, 64, 10, batch=b, examples=b)) for b in batches)),
        "examples": (examples, map(_seconds_of_an_epoch, examples)),
        "depth, of compiling": (depths, map(_seconds_of_compiling, networks)),
    }
    return [_claim(name, values, seconds) for name, (values, seconds) in found.items()]


def _claim(name: str, values: list[int], seconds: Iterable[float]) -> dict[str, Any]:
    times = list(seconds)
    slope = float(np.polyfit(np.log(values), np.log(times), 1)[0])
    points = ", ".join(f"{v}: {t * 1e6:.0f} µs" for v, t in zip(values, times, strict=True))
    return {
        "claim": f"cost against {name}: the log–log slope is at most {MOST[name]:g}",
        "measured": f"{slope:.2f} ({points})",
        "holds": slope <= MOST[name],
        "slope": slope,
        "values": values,
        "seconds": times,
    }


def _seconds_of_a_step(workload: Workload) -> float:
    X, y = workload.data()
    step = compile_step(training_step(workload), "numpy")
    for _ in range(4):
        step(X, y)
    return _median(lambda: step(X, y))


def _seconds_of_an_epoch(examples: int) -> float:
    workload = mlp(64, 128, 64, 10, batch=32, examples=examples)
    X, y = workload.data()
    step, order = compile_step(training_step(workload), "numpy"), workload.orders()[0]
    step.epoch(X, y, order[:128], batch_size=32)
    return _median(lambda: step.epoch(X, y, order, batch_size=32))


def _seconds_of_compiling(workload: Workload) -> float:
    X, y = workload.data()

    def first_calls() -> None:
        step = compile_step(training_step(workload), "numpy")
        for _ in range(2):
            step(X, y)

    return _median(first_calls, rounds=5)


def _median(run: Callable[[], Any], rounds: int = 7) -> float:
    """Time about 20 ms at once, `rounds` times."""
    start = perf_counter()
    run()
    number = max(1, round(0.02 / (perf_counter() - start)))
    times = []
    for _ in range(rounds):
        start = perf_counter()
        for _ in range(number):
            run()
        times.append((perf_counter() - start) / number)
    return median(times)
