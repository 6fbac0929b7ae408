"""Rows that rearrange entries without computing: reshape, transpose, broadcast, join."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.table import Op, define

reshape = define(
    np.reshape,
    lambda g, _y, _x, shape: g.reshape(_x.shape),  # noqa: ARG005 - as the forward
    forward=lambda x, shape: x.reshape(shape),
    view=True,
)


def _transpose_rule(g: Any, _y: Any, _x: Any, axes: tuple[int, ...] | None = None) -> Any:
    if axes is None:
        return transpose(g)
    forwards = [a % len(axes) for a in axes]
    return transpose(g, axes=tuple(forwards.index(a) for a in range(len(axes))))


transpose = define(np.transpose, _transpose_rule, forward=lambda x, axes=None: x.transpose(axes), view=True)
swapaxes: Op = define(
    np.swapaxes,
    lambda g, _y, _x, axis1, axis2: swapaxes(g, axis1=axis1, axis2=axis2),
    forward=lambda x, axis1, axis2: x.swapaxes(axis1, axis2),
    view=True,
)
expand_dims = define(
    np.expand_dims,
    lambda g, _y, _x, axis: g.reshape(_x.shape),  # noqa: ARG005 - as the forward
    view=True,
)
squeeze = define(
    np.squeeze,
    lambda g, _y, _x, axis=None: g.reshape(_x.shape),  # noqa: ARG005 - as the forward
    forward=lambda x, axis=None: x.squeeze(axis),
    view=True,
)


def _broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
    # A copy, where np.broadcast_to gives a read-only view: for small arrays it takes a fifth of the time.
    if x.ndim > len(shape):
        raise ValueError(f"{x.ndim} axes do not fit into {len(shape)}")
    out = np.empty(shape, x.dtype)
    out[...] = x
    return out


# The gradient of a broadcast is the sum over what it added; the tape does that for every row.
broadcast_to = define(np.broadcast_to, lambda g, _y, _x, shape: g, forward=_broadcast_to)  # noqa: ARG005 - as the forward


# ----------------------------------------------------------------------------------------------- join
def _concatenate_rule(i: int, g: Any, _y: Any, *xs: Any, axis: int | None = 0) -> Any:
    if axis is None:  # joined as if each were flat
        start = sum(x.size for x in xs[:i])
        return g[start : start + xs[i].size].reshape(xs[i].shape)
    start = sum(x.shape[axis] for x in xs[:i])
    index: list[slice] = [slice(None)] * g.ndim
    index[axis] = slice(start, start + xs[i].shape[axis])
    return g[tuple(index)]


concatenate = define(
    np.concatenate, variadic=_concatenate_rule, forward=lambda *xs, axis=0: np.concatenate(xs, axis=axis)
)


def _stack_rule(i: int, g: Any, _y: Any, *_xs: Any, axis: int = 0) -> Any:
    index: list[Any] = [slice(None)] * g.ndim
    index[axis] = i
    return g[tuple(index)]


stack = define(np.stack, variadic=_stack_rule, forward=lambda *xs, axis=0: np.stack(xs, axis=axis))
