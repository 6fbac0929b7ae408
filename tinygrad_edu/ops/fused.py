"""Rows that fuse several steps because the steps, one by one, overflow: softmax and the losses on it.

The last axis holds the classes; a softmax row takes ``axis``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops import reductions
from tinygrad_edu.ops.elementwise import sigmoid
from tinygrad_edu.ops.reductions import logsumexp
from tinygrad_edu.ops.table import define


# ------------------------------------------------------------------------------------------- softmax
def _softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.maximum.reduce(x, axis=axis, keepdims=True))
    return e / np.add.reduce(e, axis=axis, keepdims=True)


softmax = define(
    "softmax",
    lambda g, y, _x, axis=-1: y * (g - reductions.sum(g * y, axis=axis, keepdims=True)),
    forward=_softmax,
)
log_softmax = define(
    "log_softmax",
    lambda g, y, _x, axis=-1: g - np.exp(y) * reductions.sum(g, axis=axis, keepdims=True),
    forward=lambda x, axis=-1: x - logsumexp(x, axis=axis, keepdims=True),
)


# -------------------------------------------------------------------------------------- cross-entropy
# For logits x the loss of an example is -Σᵢ tᵢ log softmax(x)ᵢ, and its gradient softmax(x) - t.
def _pick_negative_log(x: Any, target: Any) -> Any:
    rows = x.reshape(-1, x.shape[-1])
    picked = rows[np.arange(len(rows)), target.reshape(-1)]
    return logsumexp(x, axis=-1) - picked.reshape(target.shape)


# The target is a class index, (...) of integers against logits (..., classes).
softmax_cross_entropy = define(
    "softmax_cross_entropy",
    lambda g, _y, x, target: g[..., None] * (softmax(x) - (target[..., None] == np.arange(x.shape[-1]))),
    None,
    forward=_pick_negative_log,
)
# The target is a probability for each class, (..., classes) like the logits.
softmax_cross_entropy_probabilities = define(
    "softmax_cross_entropy_probabilities",
    lambda g, _y, x, target: g[..., None]
    * (softmax(x) * reductions.sum(target, axis=-1, keepdims=True) - target),
    lambda g, _y, x, _target: -g[..., None] * log_softmax(x),
    forward=lambda x, target: -np.add.reduce(target * log_softmax.forward(x), axis=-1),
)
# Two classes, one logit: -t log σ(x) - (1 - t) log(1 - σ(x)), in a form that neither overflows nor cancels.
binary_cross_entropy_with_logits = define(
    "binary_cross_entropy_with_logits",
    lambda g, _y, x, target: g * (sigmoid(x) - target),
    lambda g, _y, x, _target: -g * x,
    forward=lambda x, target: np.maximum(x, 0) - x * target + np.log1p(np.exp(-np.abs(x))),
)
