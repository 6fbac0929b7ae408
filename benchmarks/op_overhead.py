"""What one recorded operation costs beside the peers': adding numbers one at a time."""

from __future__ import annotations

from typing import Any

import autograd
import autograd.numpy as anp
import mygrad
import numpy as np
import torch

import tinygrad_edu as tg
from benchmarks.alternate import claim, ratios


def measure() -> list[dict[str, Any]]:
    """Measure one addition against PyTorch, and a chain of 1,000 forward and backward against each peer."""
    torch.set_num_threads(1)
    ones = np.ones(1, np.float32)
    a, b = tg.tensor(ones, requires_grad=True), tg.tensor(ones)
    c, d = torch.tensor([1.0], requires_grad=True), torch.tensor([1.0])
    e, f = mygrad.tensor(ones), mygrad.tensor(ones, constant=True)
    by_autograd = autograd.grad(lambda x: anp.sum(_chain(x, ones)))

    def ours() -> Any:
        a.grad = None
        _chain(a, b).backward()
        return a.grad

    def pytorch() -> Any:
        c.grad = None
        _chain(c, d).backward()
        return c.grad

    def mygrads() -> Any:
        e.null_grad()
        _chain(e, f).backward()
        return e.grad

    for peer in (pytorch, mygrads, lambda: by_autograd(ones)):
        assert ours().numpy() == np.asarray(peer())
    return [
        claim(
            "a recorded addition of one number against PyTorch",
            ratios(lambda: a + b, lambda: c + d, number=5000),
            1 / 0.6,
        ),
        claim("1,000 chained additions forward and backward against PyTorch", _against(ours, pytorch), 1 / 0.7),
        claim(
            "1,000 chained additions forward and backward against autograd",
            _against(ours, lambda: by_autograd(ones)),
            1 / 0.35,
        ),
        claim("1,000 chained additions forward and backward against MyGrad", _against(ours, mygrads), 1 / 0.25),
    ]


def _against(ours: Any, theirs: Any) -> dict[str, float]:
    return ratios(ours, theirs, number=5)


def _chain(x: Any, y: Any) -> Any:
    out = x
    for _ in range(1000):
        out = out + y
    return out
