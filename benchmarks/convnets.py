"""Two convolutions with ReLU and pooling, on images of 8 × 8 and of 28 × 28."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.workloads import CONVNETS
from benchmarks.targets import against, competitions


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Measure both against the peers that have convolutions."""
    targets = [*against("NumPy", 1.0, "PyTorch eager"), *against("Numba", 1.2, "PyTorch eager")]
    without = ["scikit-learn", "autograd", "MyGrad", "micrograd"]
    return competitions(dict.fromkeys(CONVNETS, targets), without=without, quick=quick)
