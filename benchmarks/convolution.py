"""What a convolution of a small network costs beside PyTorch's, on one thread: forward and backward, as in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import tinygrad_edu as tg
from benchmarks.alternate import claim, ratios
from tinygrad_edu.functional.basic import linear, relu
from tinygrad_edu.functional.losses import cross_entropy
from tinygrad_edu.functional.pooling import max_pool2d
from tinygrad_edu.functional.signal import conv2d

if TYPE_CHECKING:
    from collections.abc import Callable

# (N, C, H, W) to 32 channels; and whether the input asks for a gradient, as that of a first layer does not.
LAYERS = {
    "a first layer, 32 × 1 × 8 × 8 to 32 channels": ((32, 1, 8, 8), False, 200),
    "a second layer, 32 × 16 × 14 × 14 to 32 channels": ((32, 16, 14, 14), True, 20),
}
FEATURES = 32
LEAST = 1 / 1.2


def measure() -> list[dict[str, Any]]:
    """Measure each layer's convolution with a kernel of 3 × 3, padding 1 and a bias, in float32."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    claims = []
    for text, (shape, gradient_of_x, number) in LAYERS.items():
        arrays = [
            rng.standard_normal(size, dtype=np.float32)
            for size in (shape, (FEATURES, shape[1], 3, 3), (FEATURES,), (shape[0], FEATURES, *shape[2:]))
        ]
        asks = (gradient_of_x, True, True)
        ours, theirs = _ours(arrays, asks), _theirs(arrays, asks)
        _assert_that_they_agree(ours(), theirs())
        claims.append(claim(f"{text}, against PyTorch", ratios(ours, theirs, number=number), LEAST))
    ours, theirs = _networks(rng)
    _assert_that_they_agree(ours(), theirs())
    text = "a network of two such layers with ReLU and pooling on 32 × 1 × 28 × 28, against PyTorch"
    return [*claims, claim(text, ratios(ours, theirs, number=10), LEAST)]


def _ours(arrays: list[Any], asks: tuple[bool, ...]) -> Callable[[], list[Any]]:
    *parameters, g = arrays
    x, weight, bias = (tg.Tensor(a, requires_grad=ask) for a, ask in zip(parameters, asks, strict=True))

    def step() -> list[Any]:
        y = conv2d(x, weight, bias, padding=1)
        y.backward(g)
        results = [y.numpy(), *(t.grad.numpy() for t in (x, weight, bias) if t.grad is not None)]
        x.grad = weight.grad = bias.grad = None
        return results

    return step


def _theirs(arrays: list[Any], asks: tuple[bool, ...]) -> Callable[[], list[Any]]:
    x, weight, bias, g = (torch.from_numpy(a.copy()) for a in arrays)
    for tensor, ask in zip((x, weight, bias), asks, strict=True):
        tensor.requires_grad_(ask)

    def step() -> list[Any]:
        y = torch.nn.functional.conv2d(x, weight, bias, padding=1)
        y.backward(g)
        results = [y.detach(), *(t.grad for t in (x, weight, bias) if t.grad is not None)]
        x.grad = weight.grad = bias.grad = None
        return results

    return step


def _networks(rng: np.random.Generator) -> tuple[Callable[[], list[Any]], Callable[[], list[Any]]]:
    """Make the same step twice: loss and gradients of a network of 16 and 32 channels and 10 classes."""
    shapes = ((16, 1, 3, 3), (16,), (32, 16, 3, 3), (32,), (10, 32 * 7 * 7), (10,))
    weights = [rng.standard_normal(shape, dtype=np.float32) / 8 for shape in shapes]
    X, y = rng.standard_normal((32, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, 32)
    x, mine = tg.Tensor(X), [tg.tensor(w, requires_grad=True) for w in weights]

    def ours() -> list[Any]:
        hidden = max_pool2d(relu(conv2d(x, mine[0], mine[1], padding=1)), 2)
        hidden = max_pool2d(relu(conv2d(hidden, mine[2], mine[3], padding=1)), 2)
        loss = cross_entropy(linear(hidden.flatten(1), mine[4], mine[5]), y)
        loss.backward()
        results = [loss.numpy(), *(w.grad.numpy() for w in mine)]
        for w in mine:
            w.grad = None
        return results

    torch_x, torch_y, f = torch.from_numpy(X), torch.from_numpy(y), torch.nn.functional
    other = [torch.from_numpy(w.copy()).requires_grad_() for w in weights]

    def theirs() -> list[Any]:
        hidden = f.max_pool2d(f.relu(f.conv2d(torch_x, other[0], other[1], padding=1)), 2)
        hidden = f.max_pool2d(f.relu(f.conv2d(hidden, other[2], other[3], padding=1)), 2)
        loss = f.cross_entropy(f.linear(hidden.flatten(1), other[4], other[5]), torch_y)
        loss.backward()
        results = [loss.detach(), *(w.grad for w in other)]
        for w in other:
            w.grad = None
        return results

    return ours, theirs


def _assert_that_they_agree(ours: list[Any], theirs: list[Any]) -> None:
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        # The longest sums, of 6,272 products for the weight's gradient, err by some 80 roundings of 6e-8, their root.
        np.testing.assert_allclose(a, b.numpy(), rtol=0, atol=1e-5 * max(1, float(np.abs(a).max())))
