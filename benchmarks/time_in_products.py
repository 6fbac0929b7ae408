"""How much of a compiled step is spent in its matrix products, which no framework computes faster than its BLAS.

The compiled step is straight-line source. Python's tracing tells when each line begins; the time until the next line
begins is that line's. A step has some dozens of lines and takes milliseconds, so that the tracing itself, which is
compared with an untraced step, does not matter.
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
        start = perf_counter()
        for _ in range(steps):
            step(X, y)
        plain = perf_counter() - start
        start = perf_counter()
        seconds = _seconds_of_lines(step, X, y, steps)
        traced = perf_counter() - start
        products = sum(s for number, s in seconds.items() if PRODUCT.search(lines[number - 1]))
        shares.append(products / traced)  # of all: what the call costs outside of its lines counts, too
        overheads.append(traced / plain - 1)
    return {
        "claim": f"{workload.name}, at least {LEAST:.0%} of the compiled step is inside matrix products",
        "measured": f"{median(shares):.1%} ({min(shares):.1%} to {max(shares):.1%}; tracing adds "
        f"{median(overheads):.1%})",
        "holds": median(shares) >= LEAST,
        "share": median(shares),
        "low": min(shares),
        "high": max(shares),
    }


def _seconds_of_lines(step: Any, X: Any, y: Any, steps: int) -> Counter[int]:
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
        for _ in range(steps):
            step(X, y)
    finally:
        sys.settrace(None)
    return seconds
