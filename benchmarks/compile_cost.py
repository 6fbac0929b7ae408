"""What compiling costs beside the steps that it speeds up: its time in eager steps, and its memory."""

from __future__ import annotations

import gc
import tracemalloc
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.peers.ours import compile_step, training_step
from benchmarks.peers.workloads import ALL

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.workloads import Workload

MOST = 30.0
# Calls after which no more recording or checking happens.
CALLS = 4


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure each workload; the compiler's import, which the first compilation of a process pays, is apart."""
    _compile(ALL[0])
    return [_claim(workload, 3 if quick else 9) for workload in ALL]


def _claim(workload: Workload, rounds: int) -> dict[str, Any]:
    X, y = (array[: workload.batch] for array in workload.data())
    eager = training_step(workload)
    number = 2 if workload.batch > 100 else 20
    steps, compiles = [], []
    for _ in range(rounds):
        steps.append(_time(lambda: eager(X, y), number))
        compiled = compile_step(training_step(workload), "numpy")
        first = _time(lambda: compiled(X, y), CALLS) * CALLS  # noqa: B023 - called at once
        compiles.append(first - _time(lambda: compiled(X, y), number) * CALLS)  # noqa: B023
    each = [c / s for c, s in zip(compiles, steps, strict=True)]
    peak, kept = _memory(workload)
    return {
        "claim": f"{workload.name}, compiling takes less than {MOST:g} eager steps",
        "measured": f"{median(each):.1f} ({min(each):.1f} to {max(each):.1f}; {median(compiles) * 1e3:.1f} ms against "
        f"{median(steps) * 1e6:.0f} µs a step; at most {peak / 1024:,.0f} KB, of which {kept / 1024:,.0f} KB stay)",
        "holds": median(each) < MOST,
        "ratio": median(each),
        "compile_s": median(compiles),
        "eager_step_s": median(steps),
        "peak_bytes": peak,
        "kept_bytes": kept,
    }


def _memory(workload: Workload) -> tuple[int, int]:
    step = training_step(workload)
    X, y = (array[: workload.batch] for array in workload.data())
    gc.collect()
    tracemalloc.start()
    compiled = compile_step(step, "numpy")
    for _ in range(CALLS):
        compiled(X, y)
    gc.collect()
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, kept


def _compile(workload: Workload) -> None:
    X, y = (array[: workload.batch] for array in workload.data())
    compile_step(training_step(workload), "numpy")(X, y)


def _time(run: Callable[[], Any], number: int) -> float:
    start = perf_counter()
    for _ in range(number):
        run()
    return (perf_counter() - start) / number
