"""Rows of losses that, taken apart, would overflow or cancel: on log-probabilities and on logits.

The last axis holds the classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.activations import sigmoid
from tinygrad_edu.ops.constants import positions
from tinygrad_edu.ops.room import room
from tinygrad_edu.ops.table import define


# ------------------------------------------------------------------------------------- cross-entropy
# The cross-entropy of logits is this row after log_softmax: -log softmax(x) at the target. Two rows and not
# one, because the gradient then needs no second softmax: exp(log_softmax(x)) is at hand. The mean over the
# examples is part of the row, because a row of its own would cost two calls for one division.
def _negative_log_likelihood(log_p: Any, target: Any, reduction: str = "none") -> Any:
    rows, classes = _rows(log_p), target.reshape(-1)
    picked = rows[positions(len(rows)), classes]
    if reduction == "none":
        return -picked.reshape(target.shape)
    total = -np.add.reduce(picked)
    return total / len(rows) if reduction == "mean" else total


def _negative_log_likelihood_rule(g: Any, _y: Any, log_p: Any, target: Any, reduction: str = "none") -> Any:
    return place(g * (-1 / target.size) if reduction == "mean" else -g, target, n_classes=log_p.shape[-1])


def _place(g: Any, target: Any, n_classes: int) -> Any:
    out = room(np.zeros((target.size, n_classes), g.dtype), g, target)
    out[positions(target.size), target.reshape(-1)] = g.reshape(-1)
    return out if target.ndim == 1 else out.reshape((*target.shape, n_classes))


def _rows(x: Any) -> Any:
    """See all leading axes as one."""
    return x if x.ndim == 2 else x.reshape((-1, x.shape[-1]))


# The target is a class index, (...) of integers against log-probabilities (..., classes).
negative_log_likelihood = define(
    "negative_log_likelihood",
    _negative_log_likelihood_rule,
    None,
    forward=_negative_log_likelihood,
    doc="-log p at the target's class.",
    gradient="-g at the target's class, else 0; none",
)
# Its reverse: g, one number or one for each example, at the place of the target, and 0 elsewhere.
place = define(
    "place",
    lambda g, _y, _g, target, n_classes: -negative_log_likelihood(g, target),
    None,
    forward=_place,
    doc="Numbers put at their targets' classes among zeros.",
    gradient="g at the target's class; none",
)
# Two classes, one logit: -t log σ(x) - (1 - t) log(1 - σ(x)), in a form that neither overflows nor cancels.
binary_cross_entropy_with_logits = define(
    "binary_cross_entropy_with_logits",
    lambda g, _y, x, target: g * (sigmoid(x) - target),
    lambda g, _y, x, _target: -g * x,
    forward=lambda x, target: np.maximum(x, 0) - x * target + np.log1p(np.exp(-np.abs(x))),
    doc="-t log σ(x) - (1 - t) log(1 - σ(x)), without overflow.",
)


# log p of a probability, for losses that are to stay finite where p is 0. There the slope is kept too, at most
# 1 / ε: what is clamped shall still be learned from.
_LEAST_LOG, _LEAST_P = -100.0, 1e-12


def _clamped_log(x: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), _LEAST_LOG)


clamped_log = define(
    "clamped_log",
    lambda g, _y, x: g / np.maximum(x, max(_LEAST_P, float(np.finfo(x.dtype).tiny))),
    forward=_clamped_log,
    doc="log x, but -100 at the least.",
    domain="x > 10⁻¹²",
    gradient="g / max(x, 10⁻¹²)",
)
