"""PyTorch: eager as its tutorials write it, and torch.compile around a whole training step."""

from __future__ import annotations

import os
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from benchmarks.peers.trainer import ByBatch, Trainer, UnavailableError, quickest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.peers.workloads import Workload


def make(workload: Workload, variant: str) -> tuple[str, Trainer]:
    """Make "eager" or "compile", with the optimizer's quickest form."""
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    torch.set_num_interop_threads(1)
    if variant == "compile":
        return "one graph", _compiled(workload)
    forms: dict[str, Callable[[], Trainer]] = {
        "fused": partial(_eager, workload, fused=True),
        "foreach": partial(_eager, workload, foreach=True),
        "for loop": partial(_eager, workload, foreach=False),
    }
    return quickest(forms, steps=min(workload.steps, 50))


def _eager(workload: Workload, **form: bool) -> Trainer:
    model = _model(workload)
    optimizer = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}[workload.optimizer]
    descent = optimizer(model.parameters(), lr=workload.lr, **form)
    criterion = _criterion(workload)

    def update(x: torch.Tensor, y: torch.Tensor) -> float:
        loss = criterion(model(x), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        return loss.item()

    return ByBatch(workload, update, _batches(workload), orders=_orders(workload))


def _compiled(workload: Workload) -> Trainer:
    """Compile loss, gradients and update as one graph: quicker than compiling the loss and the optimizer apart."""
    model, criterion, lr = _model(workload), _criterion(workload), workload.lr
    weights = {name: p.detach().clone() for name, p in model.named_parameters()}
    m = {name: torch.zeros_like(p) for name, p in weights.items()}
    v = {name: torch.zeros_like(p) for name, p in weights.items()}
    t = torch.zeros(())

    def loss_of(weights: dict[str, Any], x: torch.Tensor, y: torch.Tensor) -> Any:
        return criterion(torch.func.functional_call(model, weights, (x,)), y)

    @torch.compile(fullgraph=True)
    def update(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        gradients, loss = torch.func.grad_and_value(loss_of)(weights, x, y)
        if workload.optimizer == "adam":
            t.add_(1)
        for name, g in gradients.items():
            if workload.optimizer == "adam":
                m[name].lerp_(g, 0.1)
                v[name].mul_(0.999).addcmul_(g, g, value=0.001)
                root = (v[name] / (1 - 0.999**t)).sqrt() + 1e-8
                weights[name].sub_(lr * (m[name] / (1 - 0.9**t)) / root)
            else:
                weights[name].sub_(lr * g)
        return loss

    def step(x: torch.Tensor, y: torch.Tensor) -> float:
        with torch.no_grad():
            return update(x, y).item()

    trainer = ByBatch(workload, step, _batches(workload), orders=_orders(workload))
    start = {name: p.clone() for name, p in weights.items()}
    try:
        trainer.run(1)
    except Exception as error:
        raise UnavailableError(f"torch.compile: {str(error).strip().splitlines()[0]}") from error
    for name, p in start.items():
        weights[name].copy_(p)
        m[name].zero_(), v[name].zero_()
    t.zero_()
    return ByBatch(workload, step, _batches(workload), orders=_orders(workload))


def _orders(workload: Workload) -> list[torch.Tensor]:
    return [torch.from_numpy(order) for order in workload.orders()]


def _batches(workload: Workload) -> Callable[[torch.Tensor], Iterable[tuple[Any, Any]]]:
    X, y = (torch.from_numpy(array) for array in workload.data())
    b = workload.batch
    return lambda order: zip(X[order].split(b), y[order].split(b), strict=True)


def _criterion(workload: Workload) -> nn.Module:
    losses = {"linear": nn.MSELoss, "logistic": nn.BCEWithLogitsLoss}
    return losses.get(workload.kind, nn.CrossEntropyLoss)()


def _model(workload: Workload) -> nn.Module:
    sizes = workload.sizes
    layers: list[nn.Module] = []
    if workload.kind == "convnet":
        side, first, second, classes = sizes
        for n_in, n_out in ((1, first), (first, second)):
            layers += [nn.Conv2d(n_in, n_out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        layers += [nn.Flatten(), nn.Linear(second * (side // 4) ** 2, classes)]
    elif workload.kind == "mlp":
        for n_in, n_out in pairwise(sizes):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        layers.pop()
    else:
        layers.append(nn.Linear(sizes[0], 1))
    model = nn.Sequential(*layers)
    with torch.no_grad():
        for parameter, weight in zip(model.parameters(), workload.weights(), strict=True):
            parameter.copy_(torch.from_numpy(weight))
    return model
