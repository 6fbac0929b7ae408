"""Rows that write at an index, into a copy: the entries set, added to, multiplied.

The value is broadcast to ``x[index].shape`` and takes on the dtype of x. Where an index picks an entry twice, the
last value set stays; what is added, multiplied or compared counts each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.ops.arithmetic import astype
from tinygrad_edu.ops.choices import maximum, minimum, where
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.indexing import picks_each_once, put, rows_picked, seen_rows
from tinygrad_edu.ops.room import copied
from tinygrad_edu.ops.shape import arraylike, broadcast_to
from tinygrad_edu.ops.table import Op, define

if TYPE_CHECKING:
    from collections.abc import Callable


def _fitted(v: Any, x: Any, index: Any) -> Any:
    """Give v the dtype of x and the shape of ``x[index]``."""
    v = arraylike(v)
    if not np.can_cast(v.dtype, x.dtype, "same_kind"):
        raise DtypeError(f"Values of {v.dtype} would be cut off in an array of {x.dtype}. Write x.astype({v.dtype}).")
    shape = np.broadcast_to(np.False_, x.shape)[index].shape
    if v.shape != shape and not _broadcasts(v.shape, shape):
        raise ValueError(f"values of shape {v.shape} do not broadcast to x[index], which has shape {shape}")
    if v.dtype != x.dtype:
        v = astype(v, dtype=x.dtype)
    return v if v.shape == shape else broadcast_to(v, shape=shape)


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    try:
        return np.broadcast_shapes(shape, to) == to
    except ValueError:
        return False


def _prepared(name: str, x: Any, v: Any, index: Any) -> tuple[Any, Any]:
    """Fit v for a composition, with the error that a row would raise."""
    x = arraylike(x)
    try:
        return x, _fitted(v, x, index)
    except (ValueError, IndexError) as error:
        raise ShapeError(f"{name} of shapes {x.shape} and {np.shape(v)} is not possible: {error}.") from error


def _stays(shape: tuple[int, ...], index: Any) -> Any:
    """Tell which of the values set at an index stays: for each entry the last; None if all of them do."""
    if picks_each_once(index):
        return None
    picked, n_rows, row = rows_picked(shape, index)
    if seen_rows(picked, n_rows)[1]:
        return None
    numbers, order = picked.reshape(-1), np.arange(picked.size)
    last = np.zeros(n_rows, np.intp)
    np.maximum.at(last, numbers, order)
    return (last[numbers] == order).reshape(picked.shape + (1,) * len(row))


# ------------------------------------------------------------------------------------------------ set
def _set_at(x: Any, v: Any, index: Any) -> Any:
    v = _fitted(v, x, index)
    out = copied(x, v)
    stays = _stays(x.shape, index)
    if stays is None:
        out[index] = v
    else:
        picked, n_rows, row = rows_picked(x.shape, index)
        out.reshape(n_rows, *row)[picked[stays.reshape(picked.shape)]] = v[stays.reshape(picked.shape)]
    return out


def _set_at_wrt_v(g: Any, _y: Any, _x: Any, _v: Any, index: Any) -> Any:
    stays = _stays(_x.shape, index)
    return g[index] if stays is None else where(stays, g[index], 0)


set_at: Op = define(
    "set_at",
    lambda g, _y, _x, _v, index: set_at(g, 0, index=index),
    _set_at_wrt_v,
    forward=_set_at,
    doc="A copy of x with the values v at an index; where an entry is picked twice, the last value stays.",
    gradient="g, with 0 at the index; g at the index, 0 for values that did not stay",
)


# ------------------------------------------------------------------------------------------ add, subtract
@compose("add_at")
def add_at(x: Any, v: Any, index: Any) -> Any:
    """A copy of x with v added at an index; an entry that is picked twice receives both."""
    x, v = _prepared("add_at", x, v, index)
    return x + put(v, shape=tuple(x.shape), index=index)


@compose("subtract_at")
def subtract_at(x: Any, v: Any, index: Any) -> Any:
    """A copy of x with v subtracted at an index, each time that an entry is picked."""
    x, v = _prepared("subtract_at", x, v, index)
    return x - put(v, shape=tuple(x.shape), index=index)


# ------------------------------------------------------------------------- multiply, divide, max, min
def _combine_at(
    x: Any, v: Any, index: Any, combine: Callable[[Any, Any], Any], fold: Callable[[Any, Any], Any] | None = None
) -> Any:
    """Set x[index] to its combination with v; the values for one entry are first folded into one."""
    if not picks_each_once(index):
        picked, n_rows, row = rows_picked(tuple(x.shape), index)
        if not seen_rows(picked, n_rows)[1]:
            values, index = _fold(v.reshape((picked.size, *row)), picked.reshape(-1), fold or combine)
            rows = x.reshape((n_rows, *row))
            return set_at(rows, combine(rows[index], values), index=index).reshape(x.shape)
    return set_at(x, combine(x[index], v), index=index)


def _fold(values: Any, numbers: Any, fold: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    """Fold the values of equal numbers into one, neighbours in pairs, in as many rounds as a tournament has."""
    order = np.argsort(numbers, kind="stable")
    values, numbers = values[order], numbers[order]
    while True:
        place = np.arange(len(numbers))
        first = np.append(True, numbers[1:] != numbers[:-1])
        rank = place - np.maximum.accumulate(np.where(first, place, 0))  # among its equals
        if not rank.any():
            return values, numbers
        left = np.flatnonzero(rank % 2 == 0)
        right = np.flatnonzero(rank % 2)
        both = np.searchsorted(left, right) - 1  # which of the left ones have a right one
        paired = fold(values[left[both]], values[right])
        values, numbers = set_at(values[left], paired, index=both), numbers[left]


@compose("multiply_at")
def multiply_at(x: Any, v: Any, index: Any) -> Any:
    """A copy of x multiplied by v at an index, each time that an entry is picked."""
    x, v = _prepared("multiply_at", x, v, index)
    return _combine_at(x, v, index, lambda a, b: a * b)


@compose("divide_at", domain="v ≠ 0")
def divide_at(x: Any, v: Any, index: Any) -> Any:
    """A copy of x divided by v at an index, each time that an entry is picked."""
    x, v = _prepared("divide_at", x, v, index)
    return _combine_at(x, v, index, lambda a, b: a / b, fold=lambda a, b: a * b)


@compose("max_at", domain="x ≠ v")
def max_at(x: Any, v: Any, index: Any) -> Any:
    """A copy of x with the larger of x and v at an index; a tie shares the gradient."""
    x, v = _prepared("max_at", x, v, index)
    return _combine_at(x, v, index, maximum)


@compose("min_at", domain="x ≠ v")
def min_at(x: Any, v: Any, index: Any) -> Any:
    """A copy of x with the smaller of x and v at an index; a tie shares the gradient."""
    x, v = _prepared("min_at", x, v, index)
    return _combine_at(x, v, index, minimum)
