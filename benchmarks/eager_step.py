"""An eager training step (forward, backward, update) against PyTorch's: float32, batches of 32, one thread."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch

import tinygrad_edu as tg
from benchmarks.alternate import claim, ratios
from tinygrad_edu import nn, optim

WORKLOADS = (((64, 128, 64, 10), 2.5), ((2, 16, 16, 2), 3.0))


def measure() -> list[dict[str, Any]]:
    """Measure each network."""
    torch.set_num_threads(1)
    return [_measure(sizes, least) for sizes, least in WORKLOADS]


def _measure(sizes: tuple[int, ...], least: float) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((32, sizes[0]), dtype=np.float32)
    y = rng.integers(0, sizes[-1], 32)
    ours = nn.MLP(sizes[0], sizes[1:-1], sizes[-1], rng=rng)
    theirs = _torch_model(sizes, ours)
    step, their_step = _our_step(ours, X, y), _their_step(theirs, X, y)
    assert abs(step() - their_step()) < 1e-5, "the two do not compute the same"
    assert abs(step() - their_step()) < 1e-5, "the two do not make the same update"
    figures = ratios(step, their_step, number=200)
    return claim(
        f"a step of a {'-'.join(map(str, sizes))} ReLU network against PyTorch {torch.__version__}", figures, least
    )


def _torch_model(sizes: tuple[int, ...], ours: nn.MLP) -> torch.nn.Sequential:
    layers: list[torch.nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1])
    model.load_state_dict({name: torch.from_numpy(array) for name, array in ours.state_dict().items()})
    return model


def _our_step(model: nn.Module, X: Any, y: Any) -> Any:
    criterion, descent = nn.CrossEntropyLoss(), optim.MiniBatchGradientDescent(model.parameters(), lr=0.01)
    X = tg.Tensor(X)

    def step() -> float:
        loss = criterion(model(X), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss.item()

    return step


def _their_step(model: torch.nn.Module, X: Any, y: Any) -> Any:
    criterion, descent = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=0.01)
    X, y = torch.from_numpy(X), torch.from_numpy(y)

    def step() -> float:
        loss = criterion(model(X), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss.item()

    return step
