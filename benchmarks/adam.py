"""The third of the small networks with Adam, held to the same targets as with plain descent."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.workloads import ADAM
from benchmarks.small_networks import COMMON
from benchmarks.targets import against, competitions


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Measure it against the peers that have Adam."""
    without = ["autograd", "MyGrad", "micrograd"]
    return competitions({ADAM: [*COMMON, *against("Numba", 1.5, "JAX lax.scan")]}, without=without, quick=quick)
