"""Rows that join arrays into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.shape import arraylike, atleast_1d, atleast_2d, atleast_3d
from tinygrad_edu.ops.table import define

if TYPE_CHECKING:
    from collections.abc import Sequence


def _with_numbers(xs: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give plain numbers the dtype of the arrays that they are joined with: they are weak, as everywhere."""
    if not any(type(x) in (int, float, bool) for x in xs):
        return xs
    dtype = np.result_type(*xs)
    return tuple(np.asarray(x, dtype) if type(x) in (int, float, bool) else x for x in xs)


def _concatenate_rule(i: int, g: Any, _y: Any, *_xs: Any, axis: int | None = 0, dtype: Any = None) -> Any:  # noqa: ARG001 - as the forward
    if axis is None:  # joined as if each were flat
        start = sum(np.size(x) for x in _xs[:i])
        return g[start : start + _xs[i].size].reshape(_xs[i].shape)
    start = sum(x.shape[axis] for x in _xs[:i])
    index: list[slice] = [slice(None)] * g.ndim
    index[axis] = slice(start, start + _xs[i].shape[axis])
    return g[tuple(index)]


concatenate = define(
    np.concatenate,
    variadic=_concatenate_rule,
    forward=lambda *xs, axis=0, dtype=None: np.concatenate(_with_numbers(xs), axis=axis, dtype=dtype),
    doc="Arrays joined along an axis that is there.",
    gradient="the part of g that came from each",
)


def _stack_rule(i: int, g: Any, _y: Any, *_xs: Any, axis: int = 0, dtype: Any = None) -> Any:  # noqa: ARG001 - as the forward
    index: list[Any] = [slice(None)] * g.ndim
    index[axis] = i
    return g[tuple(index)]


stack = define(
    np.stack,
    variadic=_stack_rule,
    forward=lambda *xs, axis=0, dtype=None: np.stack(_with_numbers(xs), axis=axis, dtype=dtype),
    doc="Arrays joined along a new axis.",
    gradient="the slice of g that came from each",
)


# --------------------------------------------------------------------- along the axis that a name says
@compose(np.vstack, sequence=True)
def vstack(tup: Sequence[Any], dtype: Any = None) -> Any:
    """Arrays below each other: joined along the first axis, a vector being a row."""
    return concatenate(*(atleast_2d(x) for x in tup), axis=0, dtype=dtype)


@compose(np.hstack, sequence=True)
def hstack(tup: Sequence[Any], dtype: Any = None) -> Any:
    """Arrays side by side: joined along the second axis, vectors along their only one."""
    arrays = [atleast_1d(x) for x in tup]
    return concatenate(*arrays, axis=0 if arrays and arrays[0].ndim == 1 else 1, dtype=dtype)


@compose(np.dstack, sequence=True)
def dstack(tup: Sequence[Any]) -> Any:
    """Arrays behind each other: joined along the third axis."""
    return concatenate(*(atleast_3d(x) for x in tup), axis=2)


@compose(np.column_stack, sequence=True)
def column_stack(tup: Sequence[Any]) -> Any:
    """Vectors as the columns of a matrix, beside matrices with as many rows."""
    arrays = [arraylike(x) for x in tup]
    return concatenate(*(x if x.ndim >= 2 else x.reshape((-1, 1)) for x in arrays), axis=1)


@compose(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Values joined to the end along `axis`; without one, both as if flat."""
    values = values if type(values) in (int, float, bool) else arraylike(values)
    return concatenate(arraylike(arr), values, axis=axis)
