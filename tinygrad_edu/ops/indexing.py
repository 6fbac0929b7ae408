"""Rows that pick entries: ``x[index]`` in each of NumPy's forms, and its reverse."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.table import Op, define


def _put(g: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Add g into zeros of `shape` at `index`; an entry picked twice receives both."""
    out = np.zeros(shape, dtype=g.dtype)
    if _picks_each_once(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def _picks_each_once(index: Any) -> bool:
    """Slices, integers and masks never pick an entry twice; arrays of integers may."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is Ellipsis
        or isinstance(part, (slice, int, np.integer))
        or (isinstance(part, np.ndarray) and part.dtype == bool)
        for part in parts
    )


getitem = define(
    "getitem",
    lambda g, _y, _x, index: put(g, shape=_x.shape, index=index),
    forward=lambda x, index: x[index],
    view=True,
    doc="The entries at an index, in each of NumPy's forms.",
    gradient="g added into zeros at the index",
)
put: Op = define(
    "put",
    lambda g, _y, _x, shape, index: g[index],
    forward=_put,
    doc="g added into zeros at an index; an entry that is picked twice receives both.",
    gradient="g at the index",
)
