"""MyGrad: its own layers' functions, and plain descent in NumPy, as its documentation does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mygrad
import numpy as np
from mygrad.nnet import relu, softmax_crossentropy

from benchmarks.peers.trainer import ByBatch, Trainer, UnavailableError, slices

if TYPE_CHECKING:
    from benchmarks.peers.workloads import Workload


def make(workload: Workload) -> tuple[str, Trainer]:
    """Make it. Its checks of memory are off, as it advises for speed."""
    if workload.kind not in {"mlp", "linear"} or workload.optimizer == "adam":
        raise UnavailableError("MyGrad has no Adam and no cross-entropy of one logit, and is slow at convolutions")
    mygrad.turn_memory_guarding_off()
    weights = [mygrad.tensor(weight) for weight in workload.weights()]
    lr = np.float32(workload.lr)

    def update(x: Any, y: Any) -> float:
        *hidden, (weight, bias) = zip(weights[::2], weights[1::2], strict=True)
        for w, b in hidden:
            x = relu(mygrad.matmul(x, w.T) + b)
        out = mygrad.matmul(x, weight.T) + bias
        loss = mygrad.mean((out - y) ** 2) if workload.kind == "linear" else softmax_crossentropy(out, y)
        loss.backward()
        for parameter in weights:
            parameter.data -= lr * parameter.grad
            parameter.null_grad()
        return float(loss.item())

    return "", ByBatch(workload, update, slices(*workload.data(), workload.batch))
