"""784-1024-1024-10 in batches of 512: nearly all of the time is in matrix products."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.workloads import LARGE
from benchmarks.targets import SLOW, against, competitions


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Measure it against the peers that are not slow."""
    targets = [*against("NumPy", 0.9, "the best peer"), *against("Numba", 1.0, "the best peer")]
    return competitions({LARGE: targets}, without=SLOW, quick=quick)
