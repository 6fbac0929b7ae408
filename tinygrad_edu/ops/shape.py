"""Rows that rearrange entries without computing: reshape, transpose, broadcast; and NumPy's functions made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.exceptions import AxisError
from numpy.lib.array_utils import normalize_axis_tuple

from tinygrad_edu.errors import ArgumentError, ShapeError
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.room import room
from tinygrad_edu.ops.table import Op, define


# -------------------------------------------------------------------- what compositions ask of arguments
def arraylike(x: Any) -> Any:
    """Give a Tensor or an array as it is, and make an array of anything else.

    Examples
    --------
    >>> arraylike([1.0, 2.0])
    array([1., 2.])
    """
    return x if isinstance(x, np.ndarray) or hasattr(x, "__apply_op__") else np.asarray(x)


def axes_within(axis: int | tuple[int, ...], ndim: int) -> tuple[int, ...]:
    """Count axes from the front.

    Raises
    ------
    ShapeError
        If there is no such axis, or one is named twice.

    Examples
    --------
    >>> axes_within(-1, 3), axes_within((0, -2), 3)
    ((2,), (0, 1))
    """
    try:
        return normalize_axis_tuple(axis, ndim)
    except AxisError as error:
        raise ShapeError(f"{str(error).capitalize()}. Its axes are 0 to {ndim - 1}, or -1 to {-ndim}.") from error
    except ValueError as error:
        raise ShapeError(f"An axis may be named once, but was given {axis}.") from error


def in_row_major_order(order: str, name: str) -> None:
    """Refuse any order of the entries but the one in which rows are written one after the other.

    Raises
    ------
    ArgumentError
        If `order` is not "C".
    """
    if order != "C":
        raise ArgumentError(
            f"{name} of a Tensor was given order={order!r}, but takes 'C' alone, row after row. "
            f"Transpose before and after for columns, or compute on tensor.numpy() where no gradient is needed."
        )


# ------------------------------------------------------------------------------------------- reshape
def _reshape(x: Any, shape: Any, order: str = "C", copy: bool | None = None) -> Any:  # noqa: FBT001 - as NumPy's
    in_row_major_order(order, "reshape")
    out = x.reshape(shape)
    if copy is None:
        return out
    shares = np.may_share_memory(x, out)
    if copy:
        return out.copy() if shares else out
    if not shares and x.size:
        raise ValueError("these entries do not lie in row-major order, so copy=False cannot be kept")
    return out


reshape = define(
    np.reshape,
    lambda g, _y, _x, shape, order="C", copy=None: g.reshape(_x.shape),
    forward=_reshape,
    view=True,
    doc="The entries, in row-major order, in another shape; -1 stands for what is left.",
    gradient="g, in the shape of x",
)


@compose(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """The entries along one axis, in row-major order."""
    in_row_major_order(order, "ravel")
    return arraylike(a).reshape(-1)


# ------------------------------------------------------------------------------------------ the axes
def _transpose_rule(g: Any, _y: Any, _x: Any, axes: tuple[int, ...] | None = None) -> Any:
    if axes is None:
        return transpose(g)
    forwards = [a % len(axes) for a in axes]
    return transpose(g, axes=tuple(forwards.index(a) for a in range(len(axes))))


transpose = define(
    np.transpose,
    _transpose_rule,
    forward=lambda x, axes=None: x.transpose(axes),
    view=True,
    doc="The axes permuted, or reversed.",
    gradient="g, permuted back",
)
swapaxes: Op = define(
    np.swapaxes,
    lambda g, _y, _x, axis1, axis2: swapaxes(g, axis1=axis1, axis2=axis2),
    forward=lambda x, axis1, axis2: x.swapaxes(axis1, axis2),
    view=True,
    doc="Two axes exchanged.",
    gradient="g, exchanged back",
)
expand_dims = define(
    np.expand_dims,
    lambda g, _y, _x, axis: g.reshape(_x.shape),
    view=True,
    doc="New axes of length 1.",
    gradient="g, in the shape of x",
)
squeeze = define(
    np.squeeze,
    lambda g, _y, _x, axis=None: g.reshape(_x.shape),
    forward=lambda x, axis=None: x.squeeze(axis),
    view=True,
    doc="Axes of length 1 dropped.",
    gradient="g, in the shape of x",
)


@compose("permute_dims")  # NumPy has it as another name of transpose
def permute_dims(a: Any, axes: tuple[int, ...] | None = None) -> Any:
    """The axes permuted, or reversed."""
    return transpose(arraylike(a), axes=axes)


@compose(np.moveaxis)
def moveaxis(a: Any, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Any:
    """Some axes moved to other places; the rest keep their order."""
    a = arraylike(a)
    old, new = axes_within(source, a.ndim), axes_within(destination, a.ndim)
    if len(old) != len(new):
        raise ShapeError(f"moveaxis moves each axis to one place, but was given {len(old)} axes and {len(new)} places.")
    order = [axis for axis in range(a.ndim) if axis not in old]
    for place, axis in sorted(zip(new, old, strict=True)):
        order.insert(place, axis)
    return transpose(a, axes=tuple(order))


def _each(f: Any, arrays: tuple[Any, ...]) -> Any:
    """Do the same to each of several arrays; one alone is given back alone."""
    out = tuple(f(arraylike(x)) for x in arrays)
    return out[0] if len(out) == 1 else out


@compose(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """A single number as a vector of one; all else as it is."""
    return _each(lambda x: x if x.ndim else x.reshape((1,)), arys)


@compose(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """A vector as a matrix of one row; what has more axes as it is."""
    return _each(lambda x: x if x.ndim >= 2 else x.reshape((1,) * (2 - x.ndim) + x.shape), arys)


@compose(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """A vector of n as (1, n, 1), a matrix as (n, m, 1); what has more axes as it is."""
    return _each(lambda x: x if x.ndim >= 3 else x.reshape(((1,) * (2 - x.ndim) + x.shape + (1,) * 3)[:3]), arys)


# ----------------------------------------------------------------------------------------- broadcasting
def _broadcast_to(x: Any, shape: int | tuple[int, ...]) -> Any:
    # A copy, where np.broadcast_to gives a read-only view: for small arrays it takes a fifth of the time.
    out = room(np.empty(shape, x.dtype), x, filled=False)
    if x.ndim > out.ndim:
        raise ValueError(f"{x.ndim} axes do not fit into {out.ndim}")
    out[...] = x
    return out


# The gradient of a broadcast is the sum over what it added; the tape does that for every row.
broadcast_to = define(
    np.broadcast_to,
    lambda g, _y, _x, shape: g,
    forward=_broadcast_to,
    doc="The entries repeated to fill a shape.",
    gradient="g, summed over what was added",
)


def common_shape(arrays: tuple[Any, ...] | list[Any], name: str) -> tuple[int, ...]:
    """Find the shape that arrays broadcast to.

    Raises
    ------
    ShapeError
        If they do not fit together.

    Examples
    --------
    >>> common_shape([np.zeros((2, 1)), np.zeros(3)], "where")
    (2, 3)
    """
    shapes = [np.shape(x) for x in arrays]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        named = " and ".join(map(str, shapes))
        raise ShapeError(
            f"{name} of shapes {named} is not possible: counted from the last, axes must be equally long, or one of "
            f"them of length 1."
        ) from error


@compose(np.broadcast_arrays)
def broadcast_arrays(*args: Any) -> Any:
    """Several arrays, each with its entries repeated to fill the shape common to all."""
    shape = common_shape(args, "broadcast_arrays")
    return tuple(broadcast_to(arraylike(x), shape=shape) for x in args)
