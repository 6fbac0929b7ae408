"""Rows that rearrange entries without computing: reshape, transpose, broadcast, join."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.table import Op, define

reshape = define(
    np.reshape,
    lambda g, _y, _x, shape: g.reshape(_x.shape),
    forward=lambda x, shape: x.reshape(shape),
    view=True,
    doc="The entries, in row-major order, in another shape; -1 stands for what is left.",
    gradient="g, in the shape of x",
)


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


def _broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    # A copy, where np.broadcast_to gives a read-only view: for small arrays it takes a fifth of the time.
    if x.ndim > len(shape):
        raise ValueError(f"{x.ndim} axes do not fit into {len(shape)}")
    out = np.empty(shape, x.dtype)
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
