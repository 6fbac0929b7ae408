"""How much of a compiled step is spent in its matrix products, which no framework computes faster than its BLAS.

The compiled step is straight-line source. Python's tracing tells when each line begins; the time until the next line
begins is that line's. Tracing adds a little to each line, which is nothing beside a matrix product, but adds up over
all the others: so the time of the products is compared with that of steps that are not traced.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchmarks.peers.ours import compile_step, training_step
from benchmarks.peers.workloads import LARGE, MEDIUM

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from benchmarks.peers.workloads import Workload

LEAST = 0.85
PRODUCT = re.compile(r"\b\w*(dot|matmul|gemm|gemv)\w*\(")


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure the two largest networks on one thread."""
    return [_claim(MEDIUM, 5 if quick else 60), _claim(LARGE, 1 if quick else 8)]


def _claim(workload: Workload, steps: int) -> dict[str, Any]:
    X, y = (array[: workload.batch] for array in workload.data())
    step = compile_step(training_step(workload), "numpy")
    for _ in range(4):
        step(X, y)
    lines = step.source.splitlines()
    shares, overheads = [], []
    for _ in range(9):
        plain, traced, products = [], [], []
        for _ in range(steps):  # one of each in turn: what disturbs the one disturbs the other
            plain.append(_time(lambda: step(X, y)))
            seconds = _seconds_of_lines(step, X, y)
            products.append(sum(s for number, s in seconds.items() if PRODUCT.search(lines[number - 1])))
            traced.append(sum(seconds.values()))
        shares.append(median(products) / median(plain))  # of all: what the call costs outside of its lines, too
        overheads.append(median(traced) / median(plain) - 1)
    return {
        "claim": f"{workload.name}, at least {LEAST:.0%} of the compiled step is inside matrix products",
        "measured": f"{median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%}; tracing adds "
        f"{median(overheads):.1%})",
        "holds": median(shares) >= LEAST,
        "share": median(shares),
        "low": min(shares),
        "high": max(shares),
    }


def _time(run: Callable[[], Any]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def _seconds_of_lines(step: Any, X: Any, y: Any) -> Counter[int]:
    seconds: Counter[int] = Counter()
    line, since = 0, 0.0

    def each_line(frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal line, since
        now = perf_counter()
        if line:
            seconds[line] += now - since
        line = 0 if event == "return" else frame.f_lineno
        since = perf_counter()
        return each_line

    def each_call(frame: FrameType, _event: str, _argument: Any) -> Any:
        return each_line if frame.f_code.co_filename.startswith("<compiled step") else None

    sys.settrace(each_call)
    try:
        step(X, y)
    finally:
        sys.settrace(None)
    return seconds
