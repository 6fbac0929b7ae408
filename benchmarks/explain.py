"""What it costs to explain and to draw a graph: of 10,000 operations, and of 150 boxes with many arrows."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg

if TYPE_CHECKING:
    from collections.abc import Callable

OPERATIONS = 10_000


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure explaining, with its text and its HTML, and drawing."""
    rounds = 1 if quick else 7
    long, wide = _chain(OPERATIONS), _mesh(100)
    assert len(tg.explain(long)) > 2 * OPERATIONS
    assert 140 < len(wide.graph().nodes) == len(wide.graph().summary().nodes) < 160  # drawn as it is
    seconds = {
        f"explaining {OPERATIONS:,} operations, text and HTML, takes under 1 s": (1.0, lambda: _explained(long)),
        f"going through all steps of {OPERATIONS:,} operations takes under 2 s": (2.0, lambda: list(tg.explain(long))),
        f"drawing {OPERATIONS:,} operations, as a summary, takes under 2 s": (2.0, lambda: long.graph().to_svg()),
        "drawing 150 boxes and 329 arrows as they are takes under 1 s": (1.0, lambda: wide.graph().to_svg()),
    }
    return [_claim(claim, most, run, rounds) for claim, (most, run) in seconds.items()]


def _chain(n: int) -> tg.Tensor:
    x = y = tg.tensor(0.5, requires_grad=True)
    for k in range(n):
        y = y + x if k % 3 else y.sin()
    return y


def _mesh(n: int) -> tg.Tensor:
    """Make numbers of which each is computed from two of the twelve before it."""
    rng = np.random.default_rng(0)
    pool = [tg.tensor(float(k), requires_grad=True) for k in range(4)]
    while len(pool) < n:
        a, b = rng.integers(max(len(pool) - 12, 0), len(pool), 2)
        pool.append((pool[a] + pool[b]) if len(pool) % 2 else (pool[a] * pool[b]).tanh())
    return tg.functional.stack(pool[4:]).sum()


def _explained(loss: tg.Tensor) -> tuple[str, str]:
    explanation = tg.explain(loss)
    return str(explanation), explanation._repr_html_()


def _claim(claim: str, most: float, run: Callable[[], Any], rounds: int) -> dict[str, Any]:
    times = []
    for _ in range(rounds):
        start = perf_counter()
        run()
        times.append(perf_counter() - start)
    seconds = median(times)
    return {"claim": claim, "measured": f"{seconds:.2f} s", "seconds": times, "holds": seconds < most}
