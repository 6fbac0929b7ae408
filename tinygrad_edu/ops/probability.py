"""Rows that turn scores into probabilities, in one step because the steps, one by one, overflow."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops import reductions
from tinygrad_edu.ops.along import add_up, largest
from tinygrad_edu.ops.table import define


# ------------------------------------------------------------------------------------------- softmax
def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - largest(x, axis, keepdims=True))
    return e / add_up(e, axis, keepdims=True)


def _log_softmax(x: Any, axis: int = -1) -> Any:
    shifted = x - largest(x, axis, keepdims=True)
    return shifted - np.log(add_up(np.exp(shifted), axis, keepdims=True))


softmax = define(
    "softmax",
    lambda g, y, _x, axis=-1: y * (g - reductions.sum(g * y, axis=axis, keepdims=True)),
    forward=_softmax,
    doc="Probabilities from scores along an axis: eˣ / Σ eˣ.",
)
log_softmax = define(
    "log_softmax",
    lambda g, y, _x, axis=-1: g - np.exp(y) * reductions.sum(g, axis=axis, keepdims=True),
    forward=_log_softmax,
    doc="The logarithm of softmax, without overflow.",
)
