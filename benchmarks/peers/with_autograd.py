"""autograd: gradients of plain NumPy code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import autograd.numpy as np
from autograd import value_and_grad

from benchmarks.peers.trainer import ByBatch, Trainer, UnavailableError, slices

if TYPE_CHECKING:
    from benchmarks.peers.workloads import Workload


def make(workload: Workload) -> tuple[str, Trainer]:
    """Make it."""
    if workload.kind == "convnet" or workload.optimizer == "adam":
        raise UnavailableError("autograd has neither convolutions of images nor an Adam to step by hand")
    weights = workload.weights()

    def loss(weights: Any, x: Any, y: Any) -> Any:
        *hidden, (weight, bias) = zip(weights[::2], weights[1::2], strict=True)
        for w, b in hidden:
            x = np.maximum(np.dot(x, w.T) + b, 0)
        z = np.dot(x, weight.T) + bias
        if workload.kind == "linear":
            return np.mean((z - y) ** 2)
        if workload.kind == "logistic":
            return np.mean(np.logaddexp(np.float32(0), z) - z * y)
        z = z - np.max(z, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(len(y)), y])

    loss_and_gradients = value_and_grad(loss)
    lr = np.float32(workload.lr)

    def update(x: Any, y: Any) -> float:
        value, gradients = loss_and_gradients(weights, x, y)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight -= lr * gradient  # noqa: PLW2901 - in place
        return float(value)

    return "", ByBatch(workload, update, slices(*workload.data(), workload.batch))
