"""What one recorded operation costs beside PyTorch's: adding numbers one at a time."""

from __future__ import annotations

from typing import Any

import torch

import tinygrad_edu as tg
from benchmarks.alternate import claim, ratios


def measure() -> list[dict[str, Any]]:
    """Measure one addition, and a chain of 1,000 forward and backward."""
    torch.set_num_threads(1)
    a, b = tg.tensor([1.0], requires_grad=True), tg.tensor([1.0])
    c, d = torch.tensor([1.0], requires_grad=True), torch.tensor([1.0])
    one = ratios(lambda: a + b, lambda: c + d, number=5000)
    chain = ratios(lambda: _chain(a, b), lambda: _chain(c, d), number=5)
    return [
        claim("a recorded addition of one number against PyTorch", one, 1 / 0.6),
        claim("1,000 chained additions forward and backward against PyTorch", chain, 1 / 0.7),
    ]


def _chain(x: Any, y: Any) -> None:
    out = x
    for _ in range(1000):
        out = out + y
    out.backward()
