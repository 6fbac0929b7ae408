"""What a slice of a loss landscape costs beside a plain loop of PyTorch: 51 × 51 points of a digits network.

The network is 64-128-64-10 with ReLU, on 1,000 examples. Both move all weights to each point, predict, and take the
cross-entropy. The loop makes it as one writes it: the weights of a point are the origin and a share of each direction,
copied into the parameters. It is measured on rows of the grid, of which the whole has 51, since it is a loop.
"""

from __future__ import annotations

import os
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import tinygrad_edu as tg
from benchmarks.alternate import claim, ratios
from tinygrad_edu.landscapes import Plane, Slice, slice_2d
from tinygrad_edu.landscapes.vectors import shaped

if TYPE_CHECKING:
    from collections.abc import Callable

SIDE, EXAMPLES, ROWS = 51, 1000, 6
SECONDS = 5.0
ALL = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
# NumPy's way runs on one thread, as the loop beside it; machine code gives each thread lines of its own, and PyTorch
# its products.
LEAST = {("numpy", 1): 1.5, ("numba", 1): 4.0, ("numba", 2): 5.0}


def measure(*, quick: bool = False) -> list[dict[str, Any]]:
    """Measure both ways of a slice against the loop, and the whole slice in seconds."""
    rng = np.random.default_rng(0)
    digits = tg.data.digits()
    X, y = (digits.X[:EXAMPLES] / 16).astype(np.float32), digits.y[:EXAMPLES]
    model = tg.nn.MLP(64, [128, 64], 10, rng=rng)
    descent = tg.optim.MiniBatchGradientDescent(model.parameters(), lr=0.1, batch_size=32)
    tg.fit(model, X, y, loss=tg.nn.CrossEntropyLoss(), optimizer=descent, epochs=5)
    plane = Plane.random(model)

    def cut(compile: Any) -> Slice:  # noqa: A002 - as the argument is called
        return slice_2d(model, tg.nn.CrossEntropyLoss(), X, y, plane, points=SIDE, compile=compile)

    loop, theirs = _loop(model, plane, X, y)
    claims = []
    try:
        for (way, threads), least in LEAST.items():
            torch.set_num_threads(threads)
            _use_processors(threads)
            _assert_that_they_agree(cut(way), loop)
            figures = ratios(lambda way=way: cut(way), theirs, number=1, rounds=1 if quick else 5)
            for name in ("theirs_us", "ratio", "low", "high"):
                figures[name] *= SIDE / ROWS  # the loop made some of the rows only
            text = f'compile="{way}", {threads} thread{"s" * (threads > 1)}, against a plain loop of PyTorch on as many'
            claims.append(claim(text, figures, least))
            claims.append(_in_seconds(way, threads, lambda way=way: cut(way)))
    finally:
        _use_processors(len(ALL))
    return claims


def _use_processors(n: int) -> None:
    """Let this process, and with it both ways, run on so many processors."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, ALL[:n])


def _loop(
    model: tg.nn.Module, plane: Plane, X: np.ndarray[Any, Any], y: np.ndarray[Any, Any]
) -> tuple[Callable[[list[int]], np.ndarray[Any, Any]], Callable[[], Any]]:
    linear = torch.nn.Linear
    net = torch.nn.Sequential(
        linear(64, 128), torch.nn.ReLU(), linear(128, 64), torch.nn.ReLU(), linear(64, 10)
    ).requires_grad_(requires_grad=False)
    inputs, targets, criterion = torch.from_numpy(X), torch.from_numpy(y.astype(np.int64)), torch.nn.CrossEntropyLoss()
    vectors = (plane.origin, *plane.directions)
    origin, first, second = (
        [torch.from_numpy(array.copy()) for _, array in shaped(model, vector)] for vector in vectors
    )
    steps = np.linspace(-1, 1, SIDE)

    def rows(chosen: list[int]) -> np.ndarray[Any, Any]:
        losses = np.empty((len(chosen), SIDE))
        with torch.no_grad():
            for i, b in enumerate(steps[chosen].tolist()):
                for j, a in enumerate(steps.tolist()):
                    for parameter, o, u, v in zip(net.parameters(), origin, first, second, strict=True):
                        parameter.copy_(o + a * u + b * v)
                    losses[i, j] = criterion(net(inputs), targets).item()
        return losses

    spread = np.linspace(0, SIDE - 1, ROWS).round().astype(int).tolist()
    return rows, lambda: rows(spread)


def _assert_that_they_agree(cut: Slice, loop: Callable[[list[int]], np.ndarray[Any, Any]]) -> None:
    chosen = [0, SIDE // 2]
    np.testing.assert_allclose(cut.losses[chosen], loop(chosen), rtol=2e-5)


def _in_seconds(way: str, threads: int, cut: Callable[[], Any]) -> dict[str, Any]:
    start = perf_counter()
    cut()
    seconds = perf_counter() - start
    return {
        "claim": f'compile="{way}", {threads} thread{"s" * (threads > 1)}: all points in under {SECONDS:g} seconds',
        "measured": f"{seconds:.2f} s",
        "holds": seconds < SECONDS,
        "seconds": seconds,
    }
