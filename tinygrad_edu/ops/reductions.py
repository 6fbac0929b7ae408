"""Rows that make many entries into one: sum, mean, max, min, logsumexp.

``axis`` is None (all), an integer or a tuple, negative from the end, as in NumPy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.ops.along import add_up, largest
from tinygrad_edu.ops.shape import broadcast_to
from tinygrad_edu.ops.table import define

Axis = int | tuple[int, ...] | None


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """List the axes that `axis` means, counted from the front.

    Examples
    --------
    >>> axes_of(None, 2), axes_of(-1, 2), axes_of((0, -1), 3)
    ((0, 1), (1,), (0, 2))
    """
    if axis is None:
        return tuple(range(ndim))
    return tuple(a % ndim for a in (axis if isinstance(axis, tuple) else (axis,)))


def _restore(reduced: Any, x: Any, axis: Axis) -> Any:
    """Put the axes that a reduction took away back with length 1, so that it broadcasts against x."""
    if reduced.ndim == 0:
        return reduced
    axes = axes_of(axis, x.ndim)
    return reduced.reshape(tuple(1 if a in axes else n for a, n in enumerate(x.shape)))


def _count(x: Any, axis: Axis) -> int:
    return int(x.size) if axis is None else math.prod(x.shape[a] for a in axes_of(axis, x.ndim))


# ------------------------------------------------------------------------------------------ sum, mean
def _sum_rule(g: Any, _y: Any, _x: Any, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    return broadcast_to(_restore(g, _x, axis), shape=_x.shape)


def _mean_rule(g: Any, _y: Any, _x: Any, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    return broadcast_to(_restore(g / _count(_x, axis), _x, axis), shape=_x.shape)


sum = define(
    np.sum, _sum_rule, forward=add_up, doc="The sum along `axis`, or of all.", gradient="g, repeated along the axes"
)
mean = define(
    np.mean,
    _mean_rule,
    forward=lambda x, axis=None, keepdims=False: add_up(x, axis, keepdims) / _count(x, axis),
    doc="The average along `axis`, or of all.",
    gradient="g / n, repeated along the axes",
)


# ------------------------------------------------------------------------------------------- max, min
def _extremum_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    # Entries that share the extremum share its gradient equally.
    here = x == _restore(y, x, axis)
    ties = sum(here, axis=axis, keepdims=True)
    return _restore(g, x, axis) * here / ties.astype(g.dtype)


max = define(
    np.max,
    _extremum_rule,
    forward=largest,
    doc="The largest entry along `axis`; entries that tie share the gradient.",
    gradient="g at the largest entry, shared by ties, else 0",
)
min = define(
    np.min,
    _extremum_rule,
    forward=lambda x, axis=None, keepdims=False: np.minimum.reduce(x, axis=axis, keepdims=keepdims),
    doc="The smallest entry along `axis`; entries that tie share the gradient.",
    gradient="g at the smallest entry, shared by ties, else 0",
)


# ------------------------------------------------------------------------------------------ logsumexp
def _logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002 - as NumPy's reductions
    # With the largest entry taken out first, no exponential overflows.
    top = largest(x, axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)  # where all are -inf, or one is inf, there is nothing to take out
    with np.errstate(divide="ignore"):
        y = np.log(add_up(np.exp(x - top), axis, keepdims=True)) + top
    return y if keepdims else y.squeeze(axis=axes_of(axis, x.ndim))


def _logsumexp_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    return _restore(g, x, axis) * np.exp(x - _restore(y, x, axis))


logsumexp = define(
    "logsumexp",
    _logsumexp_rule,
    forward=_logsumexp,
    doc="log Σ eˣ along `axis`, without overflow.",
    gradient="g softmax(x)",
)

# --------------------------------------------------------------------------- positions: no derivative
argmax = define(
    np.argmax,
    None,
    forward=lambda x, axis=None, keepdims=False: np.argmax(x, axis=axis, keepdims=keepdims),
    doc="The position of the largest entry along `axis`.",
    gradient="none: a position is a whole number",
)
argmin = define(
    np.argmin,
    None,
    forward=lambda x, axis=None, keepdims=False: np.argmin(x, axis=axis, keepdims=keepdims),
    doc="The position of the smallest entry along `axis`.",
    gradient="none: a position is a whole number",
)
