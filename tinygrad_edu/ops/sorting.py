"""Sorting: the order of entries along an axis, and picking and adding in that order.

The order is a list of positions, through which no gradient flows; what is picked at these positions has one. Entries
that tie keep the order in which they stand, so each has the gradient of its own place.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from tinygrad_edu.errors import ArgumentError, OptionError
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.shape import arraylike, axes_within
from tinygrad_edu.ops.table import Op, define
from tinygrad_edu.ops.turning import flip


# ------------------------------------------------------------------------------ picking along an axis
def _add_along_axis(g: Any, indices: Any, shape: tuple[int, ...], axis: int | None = -1) -> Any:
    out = np.zeros(math.prod(shape), g.dtype)
    places = np.take_along_axis(np.arange(out.size).reshape(shape), indices, axis)
    np.add.at(out, places.reshape(-1), np.broadcast_to(g, places.shape).reshape(-1))
    return out.reshape(shape)


take_along_axis = define(
    np.take_along_axis,
    lambda g, _y, _x, indices, axis=-1: add_along_axis(g, indices, shape=_x.shape, axis=axis),
    None,
    forward=lambda x, indices, axis=-1: np.take_along_axis(x, indices, axis),
    doc="The entries along `axis` at positions, which may differ from line to line; of all as if flat if it is None.",
    gradient="g added into zeros at the positions; none: a position is a whole number",
)
add_along_axis: Op = define(
    "add_along_axis",
    lambda g, _y, _x, indices, shape, axis=-1: take_along_axis(g, indices, axis=axis),
    None,
    forward=_add_along_axis,
    doc="Values added into zeros of a shape at positions along `axis`; a position that is named twice receives both.",
    gradient="g at the positions; none: a position is a whole number",
)


# --------------------------------------------------------------------------------------------- order
_KINDS = (None, "quicksort", "heapsort", "mergesort", "stable")


def _argsort(x: Any, axis: int | None = -1, kind: str | None = None, stable: bool | None = None) -> Any:  # noqa: ARG001, FBT001 - as NumPy's
    # Of NumPy's kinds one is taken, whichever is asked for: they differ in the order of ties alone, and that is fixed.
    if kind not in _KINDS:
        raise ArgumentError(f"Sorting has the kinds 'quicksort', 'heapsort', 'mergesort' and 'stable', not {kind!r}.")
    return np.argsort(x, axis=axis, stable=True)


argsort = define(
    np.argsort,
    None,
    forward=_argsort,
    doc="The positions along `axis` that sort; entries that tie keep their order, and NaN comes last.",
    gradient="none: a position is a whole number",
)


@compose(np.sort, domain="no two entries tie")
def sort(x: Any, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None) -> Any:
    """The entries in ascending order along `axis`, or of all as if flat; entries that tie keep their order."""
    x = arraylike(x)
    return take_along_axis(x, argsort(x, axis=axis, kind=kind, stable=stable), axis=axis)


@compose("topk", domain="no two entries tie")
def topk(x: Any, k: int, axis: int = -1, largest: bool = True) -> tuple[Any, Any]:  # noqa: FBT001, FBT002 - PyTorch's signature
    """The k largest entries along `axis`, or smallest, best first, and their positions; of ties the first in place."""
    x = arraylike(x)
    (axis,) = axes_within(axis, x.ndim)
    n = x.shape[axis]
    if not 0 <= operator.index(k) <= n:
        raise OptionError(f"topk needs 0 <= k <= {n}, the length of axis {axis}, but was given k={k}.")
    # Descending is ascending from the end; the entries are reversed first, so that of ties the first stays the first.
    order = n - 1 - flip(argsort(flip(x, axis=axis), axis=axis), axis=axis) if largest else argsort(x, axis=axis)
    indices = order[(slice(None),) * axis + (slice(k),)]
    return take_along_axis(x, indices, axis=axis), indices
