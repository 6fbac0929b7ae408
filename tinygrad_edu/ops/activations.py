"""Rows of activations: what stands between the layers of a network, entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.table import define


def _sigmoid(x: Any) -> Any:
    # exp(-|x|) never overflows; 1 / (1 + exp(-x)) would at x = -1000.
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


sigmoid = define(
    "sigmoid", lambda g, y, _x: g * (y * (1 - y)), forward=_sigmoid, doc="1 / (1 + e⁻ˣ), in (0, 1), without overflow."
)
# The maximum of two arrays is vectorised, that of an array and a number is not: 1.5 µs against 2.3 for 32 × 128.
# In the rule sign(y) is 0 or 1, and a float already: 1.1 µs against 1.9 for g * (y > 0) at 32 × 16.
relu = define(
    "relu",
    lambda g, y, _x: g * np.sign(y),
    forward=lambda x: np.maximum(x, np.zeros(x.shape, x.dtype) if isinstance(x, np.ndarray) else 0),
    doc="max(x, 0); the slope at 0 is taken as 0.",
    domain="x ≠ 0",
)
softplus = define(
    "softplus",
    lambda g, _y, x: g * sigmoid(x),
    forward=lambda x: np.logaddexp(x, 0),
    doc="log(1 + eˣ), without overflow.",
)
