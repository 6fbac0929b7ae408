"""Rows that run along an axis: each entry of the result is made of all entries up to it, as in a running sum.

Behind the gradients of most of them stands one row, the linear recurrence yᵢ = bᵢ + aᵢ yᵢ₋₁. It divides by nothing,
so zeros in the data do no harm, and its gradient is a recurrence in the other direction.

``axis`` is an integer, or None for all entries in row-major order, as in NumPy.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.ops.choices import maximum
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.joining import concatenate
from tinygrad_edu.ops.shape import arraylike, axes_within, broadcast_to
from tinygrad_edu.ops.table import Op, define
from tinygrad_edu.ops.turning import flip


# ----------------------------------------------------------------------------------- parts of an axis
def _along(axis: int, ndim: int, part: slice) -> tuple[slice, ...]:
    """Index a part of one axis, and all of the others."""
    index = [slice(None)] * ndim
    index[axis] = part
    return tuple(index)


def _tail(x: Any, axis: int) -> Any:
    return x[_along(axis, x.ndim, slice(1, None))]


def _but_last(x: Any, axis: int) -> Any:
    return x[_along(axis, x.ndim, slice(None, -1))]


def _line(x: Any, axis: int | None) -> tuple[Any, int]:
    """Give an array and the axis to run along: where that is None, the entries one after another."""
    if axis is None or not x.ndim:
        return x.reshape((-1,)), 0
    return x, operator.index(axis)


# --------------------------------------------------------------------------------- linear recurrence
def _linear_recurrence(b: Any, a: Any, axis: int = -1, reverse: bool = False) -> Any:  # noqa: FBT001, FBT002 - an option
    dtype = np.result_type(b, a)
    shape = list(b.shape)
    shape[axis] = max(shape[axis] - 1, 0)
    given, link = np.moveaxis(b, axis, -1), np.moveaxis(np.broadcast_to(a, shape).astype(dtype), axis, -1)
    if reverse:
        given, link = given[..., ::-1], link[..., ::-1]
    with np.errstate(over="ignore", invalid="ignore"):
        y = _doubling(given.astype(dtype), link)
    if not np.isfinite(y).all():
        y = _one_by_one(given.astype(dtype), link)
    return np.moveaxis(y[..., ::-1] if reverse else y, -1, axis)


def _doubling(y: Any, link: Any) -> Any:
    """Run in steps of 1, 2, 4, ...: yᵢ = bᵢ + aᵢ yᵢ₋₁ = (bᵢ + aᵢ bᵢ₋₁) + aᵢ aᵢ₋₁ yᵢ₋₂, and so on."""
    step = 1
    while step < y.shape[-1]:  # `link` leads from yᵢ back to yᵢ₋ₛₜₑₚ
        y[..., step:] += link * y[..., :-step]
        link = link[..., step:] * link[..., :-step]
        step *= 2
    return y


def _one_by_one(y: Any, link: Any) -> Any:
    """Run as it is written, which is slow, but right where a product of links overflows and yᵢ does not."""
    for i in range(1, y.shape[-1]):
        y[..., i] += link[..., i - 1] * y[..., i - 1]
    return y


def _recurrence_wrt_a(g: Any, y: Any, _b: Any, a: Any, axis: int = -1, reverse: bool = False) -> Any:  # noqa: FBT001, FBT002 - as the forward
    arrived = linear_recurrence(g, a, axis=axis, reverse=not reverse)
    if reverse:
        return _but_last(arrived, axis) * _tail(y, axis)
    return _tail(arrived, axis) * _but_last(y, axis)


linear_recurrence: Op = define(
    "linear_recurrence",
    lambda g, _y, _b, a, axis=-1, reverse=False: linear_recurrence(g, a, axis=axis, reverse=not reverse),
    _recurrence_wrt_a,
    forward=_linear_recurrence,
    doc="yᵢ = bᵢ + aᵢ yᵢ₋₁ along an axis; a, one shorter, begins with what leads from the first y to the second.",
    gradient="ḡᵢ = gᵢ + aᵢ₊₁ ḡᵢ₊₁; ḡᵢ yᵢ₋₁",
)


# ------------------------------------------------------------------------------- running sum, product
def _cumsum_rule(g: Any, _y: Any, _x: Any, axis: int | None = None, dtype: Any = None) -> Any:  # noqa: ARG001 - as the forward
    g, axis = _line(g, axis)
    return flip(cumsum(flip(g, axis=axis), axis=axis), axis=axis).reshape(_x.shape)


cumsum: Op = define(
    np.cumsum,
    _cumsum_rule,
    forward=lambda x, axis=None, dtype=None: np.cumsum(x, axis=axis, dtype=dtype),
    doc="The running sum along `axis`.",
    gradient="the running sum of g from the end",
)


def others_before(x: Any, y: Any, axis: int) -> Any:
    """Give the product of the entries before each one, from the running product y of x."""
    first = np.ones(x[_along(axis, x.ndim, slice(0, 1))].shape, y.dtype)
    return concatenate(first, _but_last(y, axis), axis=axis)


def _cumprod_rule(g: Any, y: Any, x: Any, axis: int | None = None, dtype: Any = None) -> Any:  # noqa: ARG001 - as the forward
    # xᵢ is a factor of yⱼ for every j from i on. The others are those before it, and those from i + 1 to j.
    line, along = _line(x, axis)
    g, y = g.reshape(line.shape), y.reshape(line.shape)
    later = linear_recurrence(g, _tail(line, along), axis=along, reverse=True)
    return (others_before(line, y, along) * later).reshape(x.shape)


cumprod: Op = define(
    np.cumprod,
    _cumprod_rule,
    forward=lambda x, axis=None, dtype=None: np.cumprod(x, axis=axis, dtype=dtype),
    doc="The running product along `axis`.",
    gradient="yᵢ₋₁ tᵢ with tᵢ = gᵢ + xᵢ₊₁ tᵢ₊₁: the product of the others, also where there are zeros",
)


# --------------------------------------------------------------------------------- running logsumexp
def above_minus_infinity(y: Any) -> Any:
    """Put the lowest finite number in the place of -inf, which would leave NaN where it is subtracted from itself."""
    return maximum(y, float(np.finfo(y.dtype).min))


def _logcumsumexp(x: Any, axis: int | None = None) -> Any:
    line, along = _line(x, axis)
    return np.logaddexp.accumulate(line, axis=along)


def _logcumsumexp_rule(g: Any, y: Any, x: Any, axis: int | None = None) -> Any:
    # xᵢ has the share exp(xᵢ - yⱼ) in yⱼ for every j from i on. As y never falls, no exponential is above 1.
    line, along = _line(x, axis)
    g, y = g.reshape(line.shape), above_minus_infinity(y)
    later = linear_recurrence(g, np.exp(_but_last(y, along) - _tail(y, along)), axis=along, reverse=True)
    return (np.exp(line - y) * later).reshape(x.shape)


logcumsumexp = define(
    "logcumsumexp",
    _logcumsumexp_rule,
    forward=_logcumsumexp,
    doc="log Σ eˣ of all entries up to each, along `axis`, without overflow.",
    gradient="exp(xᵢ - yᵢ) tᵢ with tᵢ = gᵢ + exp(yᵢ - yᵢ₊₁) tᵢ₊₁",
)


# --------------------------------------------------------------------------------- running extremes
def _running_rule(g: Any, y: Any, x: Any, axis: int | None = None) -> Any:
    # From entry to entry the extremum stays or is set anew. While it stays, the entries up to here that equal it
    # share its gradient equally.
    line, along = _line(x, axis)
    g, y = g.reshape(line.shape), y.reshape(line.shape)
    here = (line == y).astype(g.dtype)
    stays = (_tail(y, along) == _but_last(y, along)).astype(g.dtype)
    sharing = linear_recurrence(here, stays, axis=along)
    return (here * linear_recurrence(g / sharing, stays, axis=along, reverse=True)).reshape(x.shape)


def _running(ufunc: np.ufunc) -> Any:
    def forward(x: Any, axis: int | None = None) -> Any:
        line, along = _line(x, axis)
        return ufunc.accumulate(line, axis=along)

    return forward


_SHARED = "g of every entry that still has the extremum from here, shared by ties"
cummax = define(
    "cummax",
    _running_rule,
    forward=_running(np.maximum),
    doc="The largest entry so far along `axis`; entries that tie share the gradient.",
    domain="no two entries tie",
    gradient=_SHARED,
)
cummin = define(
    "cummin",
    _running_rule,
    forward=_running(np.minimum),
    doc="The smallest entry so far along `axis`; entries that tie share the gradient.",
    domain="no two entries tie",
    gradient=_SHARED,
)


# --------------------------------------------------------------------------------------- differences
@compose(np.diff)
def diff(x: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along `axis`, taken n times; `prepend` and `append` lengthen it before."""
    x = arraylike(x)
    (axis,) = axes_within(axis, x.ndim)
    if n < 0:
        raise OptionError(f"diff needs n >= 0, but was given n={n}.")
    if n == 0:
        return x
    if prepend is not None or append is not None:
        x = concatenate(*(_edge(part, x, axis) for part in (prepend, x, append) if part is not None), axis=axis)
    for _ in range(n):
        x = _tail(x, axis) != _but_last(x, axis) if x.dtype == bool else _tail(x, axis) - _but_last(x, axis)
    return x


def _edge(part: Any, x: Any, axis: int) -> Any:
    """Make one number an edge of x."""
    if np.ndim(part):
        return part
    shape = list(x.shape)
    shape[axis] = 1
    if isinstance(part, (int, float, np.generic)):
        return np.full(shape, part, x.dtype if x.dtype.kind == "f" else np.result_type(x.dtype, part))
    return broadcast_to(part, shape=tuple(shape))
