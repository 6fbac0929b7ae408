"""micrograd: one object for each number. It lacks exp and log; they are added as its lecture adds operations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from micrograd.engine import Value
from micrograd.nn import MLP

from benchmarks.peers.trainer import ByBatch, Trainer, UnavailableError, slices

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.workloads import Workload


def make(workload: Workload) -> tuple[str, Trainer]:
    """Make it, for the tiniest network alone."""
    if workload.kind != "mlp" or workload.sizes[0] > 2:
        raise UnavailableError("micrograd holds one object for each number: only the tiniest network is feasible")
    model = MLP(workload.sizes[0], list(workload.sizes[1:]))
    weights = workload.weights()
    for layer, weight, bias in zip(model.layers, weights[::2], weights[1::2], strict=True):
        for neuron, row, b in zip(layer.neurons, weight.tolist(), bias.tolist(), strict=True):
            neuron.b.data = b
            for value, number in zip(neuron.w, row, strict=True):
                value.data = number

    def update(x: Any, y: Any) -> float:
        total = Value(0)
        for row, label in zip(x.tolist(), y.tolist(), strict=True):
            scores = model(row)
            sum_of_exps = sum((_chain(z, math.exp, math.exp) for z in scores), Value(0))
            total = total + _chain(sum_of_exps, math.log, lambda z: 1 / z) - scores[label]
        loss = total * (1 / len(x))
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= workload.lr * p.grad
        return float(loss.data)

    return "", ByBatch(workload, update, slices(*workload.data(), workload.batch))


def _chain(x: Value, f: Callable[[float], float], slope: Callable[[float], float]) -> Value:
    out = Value(f(x.data), (x,))

    def backward() -> None:
        x.grad += slope(x.data) * out.grad

    out._backward = backward  # noqa: SLF001 - how micrograd is extended
    return out
