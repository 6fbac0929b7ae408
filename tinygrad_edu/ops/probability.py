"""Rows that turn scores into probabilities, in one step because the steps, one by one, overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops import reductions
from tinygrad_edu.ops.along import add_up, largest
from tinygrad_edu.ops.table import define


# ------------------------------------------------------------------------------------------- softmax
# In float16 a sum of 70,000 ones is infinite, and one of 4,096, added in turn, is 2,048.
def _softmax(x: Any, axis: int = -1) -> Any:
    if x.dtype.char == "e":
        return _softmax(x.astype(np.float32), axis).astype(np.float16)
    e = np.exp(x - largest(x, axis, keepdims=True))
    return e / add_up(e, axis, keepdims=True)


def _log_softmax(x: Any, axis: int = -1) -> Any:
    if x.dtype.char == "e":
        return _log_softmax(x.astype(np.float32), axis).astype(np.float16)
    shifted = x - largest(x, axis, keepdims=True)
    return shifted - np.log(add_up(np.exp(shifted), axis, keepdims=True))


def _softmax_rule(g: Any, y: Any, _x: Any, axis: int = -1) -> Any:
    if g.dtype.char == "e":
        g, y = g.astype(np.float32), y.astype(np.float32)
    return y * (g - reductions.sum(g * y, axis=axis, keepdims=True))


def _log_softmax_rule(g: Any, y: Any, _x: Any, axis: int = -1) -> Any:
    if g.dtype.char == "e":
        g, y = g.astype(np.float32), y.astype(np.float32)
    return g - np.exp(y) * reductions.sum(g, axis=axis, keepdims=True)


softmax = define(
    "softmax",
    _softmax_rule,
    forward=_softmax,
    doc="Probabilities from scores along an axis: eˣ / Σ eˣ.",
    gradient="y · (g - sum(g · y))",
)
log_softmax = define(
    "log_softmax",
    _log_softmax_rule,
    forward=_log_softmax,
    doc="The logarithm of softmax, without overflow.",
    gradient="g - exp(y) · sum(g)",
)
