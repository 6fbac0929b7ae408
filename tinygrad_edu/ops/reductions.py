"""Rows that make many entries into one: sum, mean, prod, max, min, logsumexp, all, any.

``axis`` is None (all), an integer or a tuple, negative from the end, as in NumPy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.errors import DtypeError
from tinygrad_edu.ops.along import add_up, largest
from tinygrad_edu.ops.scans import above_minus_infinity, cumprod, others_before
from tinygrad_edu.ops.shape import broadcast_to, transpose
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


def restore(reduced: Any, x: Any, axis: Axis) -> Any:
    """Put the axes that a reduction took away back with length 1, so that it broadcasts against x."""
    if reduced.ndim == 0:
        return reduced
    axes = axes_of(axis, x.ndim)
    return reduced.reshape(tuple(1 if a in axes else n for a, n in enumerate(x.shape)))


def count(x: Any, axis: Axis) -> int:
    """Count the entries that are made into one."""
    return int(x.size) if axis is None else math.prod(x.shape[a] for a in axes_of(axis, x.ndim))


def merge(x: Any, axis: Axis) -> Any:
    """Lay the axes that are reduced out as one, the last."""
    axes = axes_of(axis, x.ndim)
    kept = [a for a in range(x.ndim) if a not in axes]
    return transpose(x, axes=(*kept, *axes)).reshape((*(x.shape[a] for a in kept), count(x, axis)))


def _unmerge(merged: Any, x: Any, axis: Axis) -> Any:
    """Give what `merge` laid out the shape of x again."""
    axes = axes_of(axis, x.ndim)
    order = [*(a for a in range(x.ndim) if a not in axes), *axes]
    return transpose(
        merged.reshape(tuple(x.shape[a] for a in order)), axes=tuple(order.index(a) for a in range(x.ndim))
    )


# ------------------------------------------------------------------------------------------ sum, mean
def _sum_rule(g: Any, _y: Any, _x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    return broadcast_to(restore(g, _x, axis), shape=_x.shape)


def _mean(x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002 - as NumPy's
    if dtype is not None:
        return add_up(x, axis, keepdims, floating(dtype)) / count(x, axis)
    if x.itemsize == 2 and x.dtype.kind == "f":  # float16 ends at 65504, and so would the sum
        return (add_up(x, axis, keepdims, np.float32) / count(x, axis)).astype(x.dtype)
    return add_up(x, axis, keepdims) / count(x, axis)


def _mean_rule(g: Any, _y: Any, _x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    if g.dtype.itemsize == 2:  # as above; the number of entries, too
        g = g.astype(np.float32)
    return broadcast_to(restore(g / count(_x, axis), _x, axis), shape=_x.shape)


def floating(dtype: Any) -> Any:
    """Check that a dtype is one that an average can be in.

    Raises
    ------
    DtypeError
        If it is not.
    """
    if np.dtype(dtype).kind != "f":
        raise DtypeError(f"An average is a floating number, but was asked for as {dtype}. Round the result instead.")
    return dtype


sum = define(
    np.sum, _sum_rule, forward=add_up, doc="The sum along `axis`, or of all.", gradient="g, repeated along the axes"
)
mean = define(
    np.mean,
    _mean_rule,
    forward=_mean,
    doc="The average along `axis`, or of all.",
    gradient="g / n, repeated along the axes",
)


# ------------------------------------------------------------------------------------------- product
def _prod_rule(g: Any, _y: Any, x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    # The slope of each factor is the product of the others: of those before it times those after it. It is not
    # y / x, which is 0 / 0 where there are zeros.
    line = merge(x, axis)
    backwards = line[..., ::-1]
    before = others_before(line, cumprod(line, axis=-1), -1)
    after = others_before(backwards, cumprod(backwards, axis=-1), -1)[..., ::-1]
    return restore(g, x, axis) * _unmerge(before * after, x, axis)


prod = define(
    np.prod,
    _prod_rule,
    forward=lambda x, axis=None, dtype=None, keepdims=False: np.multiply.reduce(x, axis, dtype, keepdims=keepdims),
    doc="The product along `axis`, or of all.",
    gradient="g times the product of the others, also where there are zeros",
)


# ------------------------------------------------------------------------------------------- max, min
def _extremum_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    # Entries that share the extremum share its gradient equally.
    here = x == restore(y, x, axis)
    ties = sum(here, axis=axis, keepdims=True)
    return restore(g, x, axis) * here / ties.astype(g.dtype)


max = define(
    np.max,
    _extremum_rule,
    forward=largest,
    also=(np.amax,),
    doc="The largest entry along `axis`; entries that tie share the gradient.",
    domain="no two entries tie",
    gradient="g at the largest entry, shared by ties, else 0",
)
min = define(
    np.min,
    _extremum_rule,
    forward=lambda x, axis=None, keepdims=False: np.minimum.reduce(x, axis=axis, keepdims=keepdims),
    also=(np.amin,),
    doc="The smallest entry along `axis`; entries that tie share the gradient.",
    domain="no two entries tie",
    gradient="g at the smallest entry, shared by ties, else 0",
)


# ------------------------------------------------------------------------------------------ logsumexp
def _logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002 - as NumPy's reductions
    if x.dtype.char == "e":  # the sum may be beyond float16, its logarithm is not
        return _logsumexp(x.astype(np.float32), axis, keepdims).astype(np.float16)
    # With the largest entry taken out first, no exponential overflows.
    top = largest(x, axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0)  # where all are -inf, or one is inf, there is nothing to take out
    with np.errstate(divide="ignore", over="ignore"):
        y = np.log(add_up(np.exp(x - top), axis, keepdims=True)) + top
    return y if keepdims else y.squeeze(axis=axes_of(axis, x.ndim))


def _logsumexp_rule(g: Any, y: Any, x: Any, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    return restore(g, x, axis) * np.exp(x - above_minus_infinity(restore(y, x, axis)))


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


# ---------------------------------------------------------------------- yes, no and how many: no derivative
_JUMPS = "none: the answer jumps"
all = define(
    np.all,
    None,
    forward=lambda x, axis=None, keepdims=False: np.all(x, axis=axis, keepdims=keepdims),
    doc="Whether every entry along `axis` is true, or not 0.",
    gradient=_JUMPS,
)
any = define(
    np.any,
    None,
    forward=lambda x, axis=None, keepdims=False: np.any(x, axis=axis, keepdims=keepdims),
    doc="Whether some entry along `axis` is true, or not 0.",
    gradient=_JUMPS,
)
count_nonzero = define(
    np.count_nonzero,
    None,
    forward=lambda x, axis=None, keepdims=False: np.count_nonzero(x, axis=axis, keepdims=keepdims),
    doc="How many entries along `axis` are not 0.",
    gradient=_JUMPS,
)
