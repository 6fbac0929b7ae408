"""784-256-128-10 in batches of 128: most of the time is in matrix products, which all take from a BLAS."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.workloads import MEDIUM
from benchmarks.targets import SLOW, against, competitions


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Measure it against the peers that are not slow."""
    targets = [
        *against("NumPy", 1.3, "PyTorch eager", "torch.compile"),
        *against("Numba", 1.0, "the best peer"),
    ]
    return competitions({MEDIUM: targets}, without=SLOW, quick=quick)
