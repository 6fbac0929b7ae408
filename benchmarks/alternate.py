"""Compare two functions in one run, in turn, so that a machine whose speed drifts treats both alike."""

from __future__ import annotations

from statistics import median
from timeit import timeit
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def ratios(ours: Callable[[], Any], theirs: Callable[[], Any], *, number: int, rounds: int = 15) -> dict[str, float]:
    """Time both `rounds` times; give medians in microseconds, and the median and range of theirs / ours."""
    ours(), theirs()  # what is done once, at the first call, is not timed
    a, b = [], []
    for _ in range(rounds):
        a.append(timeit(ours, number=number) / number * 1e6)
        b.append(timeit(theirs, number=number) / number * 1e6)
    each = [y / x for x, y in zip(a, b, strict=True)]
    return {"ours_us": median(a), "theirs_us": median(b), "ratio": median(each), "low": min(each), "high": max(each)}


def claim(text: str, figures: dict[str, float], least: float) -> dict[str, Any]:
    """Put a claim of the form "at least `least` times faster" beside what was measured."""
    measured = "{ratio:.2f} times ({low:.2f} to {high:.2f}; {ours_us:.4g} µs against {theirs_us:.4g} µs)".format(
        **figures
    )
    return {
        "claim": f"{text}, at least {least:g} times faster",
        "measured": measured,
        "holds": figures["ratio"] >= least,
    } | figures
