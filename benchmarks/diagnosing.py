"""How long ``tg.diagnose`` takes: on the digits, on 784-256-128-10, and on a small convolutional network."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import nn, optim

if TYPE_CHECKING:
    from collections.abc import Callable

# The most seconds that each may take.
MOST = {"digits": 2.0, "784-256-128-10": 4.0, "convolutions on 28 × 28": 8.0}


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure the median of several calls of each."""
    cases: dict[str, Callable[[], tuple[Any, ...]]] = {
        "digits": _digits,
        "784-256-128-10": _wide,
        "convolutions on 28 × 28": _convolutions,
    }
    return [_claim(name, *make(), repeats=1 if quick else 5) for name, make in cases.items()]


def _claim(name: str, model: Any, X: Any, y: Any, *, repeats: int) -> dict[str, Any]:
    descent, loss = optim.SGD(model.parameters(), lr=0.05), nn.CrossEntropyLoss()
    times = []
    for _ in range(repeats):
        start = perf_counter()
        found = tg.diagnose(model, loss, X, y, descent)
        times.append(perf_counter() - start)
    curvature = found.measurements.curvature
    products = f"curvature: {curvature.products} products on {curvature.n_examples} examples"
    return {
        "claim": f"diagnosing {name} ({len(X):,} examples) takes at most {MOST[name]:g} s",
        "measured": f"{median(times):.2f} s ({products})",
        "holds": median(times) <= MOST[name],
        "seconds": times,
        "parameters": found.measurements.n_parameters,
    }


def _digits() -> tuple[Any, ...]:
    data = tg.data.digits()
    return nn.MLP(64, [128, 64], 10, rng=np.random.default_rng(0)), tg.data.standardize(data.X), data.y


def _images() -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    return rng, rng.normal(size=(2000, 784)).astype(np.float32), np.arange(2000) % 10


def _wide() -> tuple[Any, ...]:
    rng, X, y = _images()
    return nn.MLP(784, [256, 128], 10, rng=rng), X, y


def _convolutions() -> tuple[Any, ...]:
    rng, X, y = _images()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, rng=rng),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, rng=rng),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1568, 10, rng=rng),
    )
    return model, X.reshape(-1, 1, 28, 28), y
