"""Networks whose cost is that of the calls, not of the arithmetic, against all peers."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.workloads import SMALL
from benchmarks.targets import against, competitions

COMMON = [
    *against("NumPy", 5, "PyTorch eager"),
    *against("NumPy", 4, "scikit-learn"),
    *against("NumPy", 1, "JAX jit"),
    *against("Numba", 15, "PyTorch eager", "torch.compile"),
]


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Measure the three; beside lax.scan the first, where calls are all there is, has more to win."""
    scan = [3.0, 1.5, 1.5]
    return competitions(
        {w: [*COMMON, *against("Numba", s, "JAX lax.scan")] for w, s in zip(SMALL, scan, strict=True)}, quick=quick
    )
