"""The framework itself: eager, and its compiled step called for each batch or over the epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tinygrad_edu as tg
from benchmarks.peers.trainer import ByBatch, ByEpoch, Trainer, UnavailableError, slices
from tinygrad_edu import nn, optim

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.workloads import Workload


def make(workload: Workload, variant: str) -> tuple[str, Trainer]:
    """Make "eager", or "numpy", "numba" (per batch), "numpy epoch", "numba epoch"."""
    X, y = workload.data()
    step = training_step(workload)
    batches = slices(X, y, workload.batch)
    if variant == "eager":
        return "", ByBatch(workload, lambda x, y: step(x, y).item(), batches)
    backend, _, whole_epoch = variant.partition(" ")
    compiled = compile_step(step, backend)
    if whole_epoch:
        return "", ByEpoch(workload, lambda order: compiled.epoch(X, y, order, batch_size=workload.batch))
    return "", ByBatch(workload, compiled, batches)


def compile_step(step: Callable[..., Any], backend: str) -> Any:
    """Compile a step, or say why that is not possible."""
    try:
        return tg.compile(step, backend=backend)
    except (AttributeError, ModuleNotFoundError) as error:
        raise UnavailableError(str(error)) from error


def training_step(workload: Workload) -> Callable[[Any, Any], tg.Tensor]:
    """Write the step as a user does."""
    network = model(workload)
    state = zip(network.state_dict(), workload.weights(), strict=True)
    network.load_state_dict(dict(state))
    descent: optim.Optimizer
    if workload.optimizer == "adam":
        descent = optim.Adam(network.parameters(), lr=workload.lr)
    else:
        descent = optim.MiniBatchGradientDescent(network.parameters(), lr=workload.lr, batch_size=workload.batch)
    losses = {"linear": nn.MSELoss, "logistic": nn.BCEWithLogitsLoss}
    criterion = losses.get(workload.kind, nn.CrossEntropyLoss)()

    def step(x: Any, y: Any) -> tg.Tensor:
        loss = criterion(network(x), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss

    return step


def model(workload: Workload) -> Any:
    """Make the network."""
    sizes = workload.sizes
    if workload.kind == "mlp":
        return nn.MLP(sizes[0], sizes[1:-1], sizes[-1])
    if workload.kind != "convnet":
        return nn.Linear(sizes[0], 1)
    side, first, second, classes = sizes
    return nn.Sequential(
        nn.Conv2d(1, first, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(first, second, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(second * (side // 4) ** 2, classes),
    )
