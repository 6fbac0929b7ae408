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
    step = _step(
        ours, nn.CrossEntropyLoss(), optim.MiniBatchGradientDescent(ours.parameters(), lr=0.01), tg.Tensor(X), y
    )
    their_step = _step(
        theirs,
        torch.nn.CrossEntropyLoss(),
        torch.optim.SGD(theirs.parameters(), lr=0.01),
        torch.from_numpy(X),
        torch.from_numpy(y),
    )
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


def _step(model: Any, criterion: Any, descent: Any, X: Any, y: Any) -> Any:
    def step() -> float:
        loss = criterion(model(X), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        number: float = loss.item()
        return number

    return step
