"""tinygrad: a training step under TinyJit, on its CPU device, which compiles C with clang."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise
from typing import TYPE_CHECKING, Any

# Before tinygrad is loaded, which reads them then.
_CLANG = next((name for name in ("clang", *(f"clang-{n}" for n in range(25, 13, -1))) if shutil.which(name)), "")
os.environ |= {"DEV": "CPU", "CC": _CLANG, "TRAINING": "1"}

import numpy as np  # noqa: E402
from tinygrad import Tensor, TinyJit, nn  # noqa: E402

from benchmarks.peers.trainer import ByBatch, Trainer, UnavailableError  # noqa: E402

if TYPE_CHECKING:
    from benchmarks.peers.workloads import Workload


def make(workload: Workload) -> tuple[str, Trainer]:
    """Make it. Its batches lie ready on the device, as they do for JAX."""
    if not _CLANG:
        raise UnavailableError("tinygrad's CPU device needs clang")
    layers = _layers(workload)
    weights = nn.state.get_parameters([layer for layer in layers if not callable(layer) or hasattr(layer, "weight")])
    for parameter, weight in zip(weights, workload.weights(), strict=True):
        parameter.assign(Tensor(weight)).realize()
    optimizer = {"adam": nn.optim.Adam, "sgd": nn.optim.SGD}[workload.optimizer]
    descent = optimizer(weights, lr=workload.lr)

    @TinyJit
    def step(x: Tensor, y: Tensor) -> Tensor:
        loss = _loss(workload, x.sequential(layers), y)
        descent.zero_grad()
        loss.backward()
        return loss.realize(*descent.schedule_step())

    X, y = workload.data()
    # It is slow, so that the first batches are enough; making one ready takes milliseconds.
    parts = np.split(workload.orders()[0], workload.steps)[:32]
    batches = [(Tensor(X[part]).realize(), Tensor(y[part]).realize()) for part in parts]
    return f"compiled by {_CLANG}", ByBatch(
        workload, lambda x, y: step(x, y).item(), lambda epoch: epoch, orders=[batches]
    )


def _loss(workload: Workload, out: Tensor, y: Tensor) -> Tensor:
    if workload.kind == "linear":
        return ((out - y) ** 2).mean()
    if workload.kind == "logistic":
        return out.binary_crossentropy_logits(y)
    return out.sparse_categorical_crossentropy(y)


def _layers(workload: Workload) -> list[Any]:
    sizes = workload.sizes
    layers: list[Any] = []
    if workload.kind == "convnet":
        side, first, second, classes = sizes
        for n_in, n_out in ((1, first), (first, second)):
            layers += [nn.Conv2d(n_in, n_out, 3, padding=1), Tensor.relu, Tensor.max_pool2d]
        return [*layers, lambda x: x.flatten(1), nn.Linear(second * (side // 4) ** 2, classes)]
    if workload.kind != "mlp":
        return [nn.Linear(sizes[0], 1)]
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), Tensor.relu]
    return layers[:-1]
