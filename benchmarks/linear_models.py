"""Linear and logistic regression, one example at a time: scikit-learn has a loop in Cython for just this."""

from __future__ import annotations

from typing import Any

from benchmarks.peers.workloads import LINEAR, LOGISTIC
from benchmarks.targets import against, competitions


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Measure both; the peer called scikit-learn is SGDRegressor and SGDClassifier here."""
    targets = [
        *against("NumPy", 5, "PyTorch eager", "torch.compile"),
        *against("Numba", 1.0, "scikit-learn"),
    ]
    return competitions({LINEAR: targets, LOGISTIC: targets}, without=["micrograd"], quick=quick)
