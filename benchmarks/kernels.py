"""Why some forward functions are not written in the plainest way: each beside the plain one, on float32."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as tg
from benchmarks.alternate import claim, ratios
from tinygrad_edu import functional, nn, ops
from tinygrad_edu.ops.along import add_up, largest


def measure() -> list[dict[str, Any]]:
    """Measure each kernel at the sizes that its comment names."""
    rng = np.random.default_rng(0)

    def draw(*shape: int) -> Any:
        return rng.standard_normal(shape, dtype=np.float32)

    wide, narrow, scores, many = draw(32, 128), draw(32, 16), draw(32, 10), draw(512, 10)
    y = np.maximum(narrow, 0)
    square, tensor, layer = draw(16, 16), tg.Tensor(narrow), nn.Linear(16, 16)
    out, single, one, bias = draw(32, 16), draw(1, 16), draw(1, 16), draw(16)
    row = bias[None]
    rate, as_array = 0.1, np.array(0.1, np.float32)
    relu = ops.TABLE["relu"].forward
    pairs = {
        "relu of 32 × 128 against np.maximum(x, 0)": (lambda: relu(wide), lambda: np.maximum(wide, 0)),
        "relu's rule at 32 × 16 against g * (y > 0)": (lambda: narrow * np.sign(y), lambda: narrow * (y > 0)),
        "x.dot(y) of 32 × 16 by 16 × 16 against x @ y": (lambda: narrow.dot(square), lambda: narrow @ square),
        "x.dot(y, out=z) of the same against np.dot(x, y, out=z)": (
            lambda: narrow.dot(square, out=out),
            lambda: np.dot(narrow, square, out=out),
        ),
        "a bias for one example, seen in the result's shape, against one that is broadcast": (
            lambda: np.add(single, row, out=one),
            lambda: np.add(single, bias, out=one),
        ),
        "linear of 32 × 16 to 16 as one row against three": (
            lambda: functional.linear(tensor, layer.weight, layer.bias),
            lambda: tensor @ layer.weight.T + layer.bias,
        ),
        "row sums of 32 × 10 against np.add.reduce": (
            lambda: add_up(scores, 1),
            lambda: np.add.reduce(scores, axis=1),
        ),
        "row maxima of 512 × 10 against np.maximum.reduce": (
            lambda: largest(many, 1),
            lambda: np.maximum.reduce(many, axis=1),
        ),
        "a learning rate as an array against a number": (lambda: as_array * narrow, lambda: rate * narrow),
    }
    return [claim(text, ratios(ours, plain, number=300), 1.2) for text, (ours, plain) in pairs.items()]
