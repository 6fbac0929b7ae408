"""Rows that pick entries: ``x[index]`` in each of NumPy's forms, and its reverse, which adds into zeros."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.ops.room import room
from tinygrad_edu.ops.table import Op, define


# --------------------------------------------------------------------------------- what an index picks
def picks_each_once(index: Any) -> bool:
    """Tell whether an index is of slices, integers and masks, which never pick an entry twice.

    Examples
    --------
    >>> picks_each_once((0, slice(None))), picks_each_once(np.array([0, 0]))
    (True, False)
    """
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None
        or part is Ellipsis
        or isinstance(part, (slice, int, np.integer))
        or (isinstance(part, np.ndarray) and part.dtype == bool)
        for part in parts
    )


def rows_picked(shape: tuple[int, ...], index: Any) -> tuple[Any, int, tuple[int, ...]]:
    """Number what an index with arrays picks: entries, or whole rows where it takes all of the last axes.

    Returns
    -------
    The number of each row that is picked; how many rows there are; and the shape of a row.

    Examples
    --------
    >>> rows_picked((5, 2), np.array([0, -1]))
    (array([0, 4]), 5, (2,))
    >>> rows_picked((5, 2), (slice(3, None), np.array([0, 0])))
    (array([[6, 6],
           [8, 8]]), 10, ())
    """
    parts = list(index) if isinstance(index, tuple) else [index]
    if parts[-1] is Ellipsis:
        parts.pop()
    taken = len(shape)
    if not any(part is Ellipsis for part in parts):
        while isinstance(parts[-1], slice) and parts[-1] == slice(None):
            parts.pop()
        taken = sum(map(_axes_taken, parts))
    n_rows = math.prod(shape[:taken])
    return np.arange(n_rows).reshape(shape[:taken])[tuple(parts)], n_rows, shape[taken:]


def _axes_taken(part: Any) -> int:
    if part is None or isinstance(part, slice):
        return int(part is not None)
    array = np.asarray(part)
    return array.ndim if array.dtype == bool else 1  # a mask takes as many axes as it has


def seen_rows(picked: Any, n_rows: int) -> tuple[Any, bool]:
    """Mark the rows that are picked, and tell whether each is picked once."""
    seen = np.zeros(n_rows, bool)
    seen[picked] = True
    return seen, np.count_nonzero(seen) == picked.size


# ------------------------------------------------------------------------------------- getitem and put
# What is picked twice receives both gradients, which np.add.at adds up, one entry after the other. For many entries
# that is slow unless index and entries are flat: made so, the rows of an embedding (1,000 rows of 64, 2,048 of them
# picked) take 400 µs and not 1,500. In double precision: a float32 entry that is picked 10,000 times is rounded once.
_SMALL = 2**10  # up to so many entries are added up as they are; and vectors, which are flat
_BLOCK = 2**15  # so many entries at a time are made flat and double; a few into more room than that stay as they are
_FEW = 4  # where so many times as many rows are there as are picked, those alone are added up


def _put(g: Any, shape: tuple[int, ...], index: Any) -> Any:
    """Add g into zeros of `shape` at `index`; an entry picked twice receives both."""
    if picks_each_once(index):
        return _place(g, shape, index)
    few, narrow = g.size <= _SMALL, math.prod(shape) <= _BLOCK
    exact = np.float64 if g.dtype.kind == "f" and (narrow or not few) else g.dtype
    if few or (narrow and len(shape) == 1):
        totals = room(np.zeros(shape, exact), g)
        np.add.at(totals, index, g.astype(exact, copy=False))
        return totals.astype(g.dtype, copy=False)
    picked, n_rows, row = rows_picked(shape, index)
    seen, once = seen_rows(picked, n_rows)
    if once:
        return _place(g, shape, index)
    numbers, values = picked.reshape(-1), np.broadcast_to(g, picked.shape + row).reshape(picked.size, -1)
    if n_rows < _FEW * len(numbers):
        return _totals(values, numbers, n_rows, exact).astype(g.dtype, copy=False).reshape(shape)
    rows = np.flatnonzero(seen)
    places = np.empty(n_rows, np.intp)
    places[rows] = np.arange(len(rows))
    totals = _totals(values, places[numbers], len(rows), exact).astype(g.dtype, copy=False)
    return _place(totals, (n_rows, values.shape[1]), rows).reshape(shape)


def _place(g: Any, shape: tuple[int, ...], index: Any) -> Any:
    out = room(np.zeros(shape, dtype=g.dtype), g)
    out[index] = g
    return out


def _totals(values: Any, numbers: Any, n_rows: int, dtype: Any) -> Any:
    """Add up the values of each row, (n, length) into (n_rows, length)."""
    length = values.shape[1]
    totals, columns = room(np.zeros(n_rows * length, dtype), values), np.arange(length)
    step = max(1, _BLOCK // length)
    for k in range(0, len(numbers), step):
        entries = numbers[k : k + step]
        if length > 1:
            entries = (entries[:, None] * length + columns).reshape(-1)
        np.add.at(totals, entries, values[k : k + step].reshape(-1).astype(dtype, copy=False))
    return totals.reshape(n_rows, length)


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
