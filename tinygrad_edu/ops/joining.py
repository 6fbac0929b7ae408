"""Rows that join arrays into one."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.table import define


def _concatenate_rule(i: int, g: Any, _y: Any, *_xs: Any, axis: int | None = 0) -> Any:
    if axis is None:  # joined as if each were flat
        start = sum(x.size for x in _xs[:i])
        return g[start : start + _xs[i].size].reshape(_xs[i].shape)
    start = sum(x.shape[axis] for x in _xs[:i])
    index: list[slice] = [slice(None)] * g.ndim
    index[axis] = slice(start, start + _xs[i].shape[axis])
    return g[tuple(index)]


concatenate = define(
    np.concatenate,
    variadic=_concatenate_rule,
    forward=lambda *xs, axis=0: np.concatenate(xs, axis=axis),
    doc="Arrays joined along an axis that is there.",
    gradient="the part of g that came from each",
)


def _stack_rule(i: int, g: Any, _y: Any, *_xs: Any, axis: int = 0) -> Any:
    index: list[Any] = [slice(None)] * g.ndim
    index[axis] = i
    return g[tuple(index)]


stack = define(
    np.stack,
    variadic=_stack_rule,
    forward=lambda *xs, axis=0: np.stack(xs, axis=axis),
    doc="Arrays joined along a new axis.",
    gradient="the slice of g that came from each",
)
