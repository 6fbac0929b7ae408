"""Compositions that repeat entries: each in its place, the whole side by side, or over the points of a grid."""

from __future__ import annotations

from itertools import chain
from typing import Any

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.shape import arraylike, axes_within, broadcast_to
from tinygrad_edu.ops.taking import take


# A broadcast and a reshape: its gradient is a sum along an axis. Where counts differ, entries are picked instead.
@compose(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each entry along `axis` repeated, as often as `repeats` says for all or for each."""
    a = arraylike(a)
    if axis is None:
        a, axis = a.reshape(-1), 0
    (at,) = axes_within(axis, a.ndim)
    counts = np.asarray(repeats)
    if counts.dtype.kind not in "iu" or np.any(counts < 0) or counts.ndim > 1:
        raise OptionError(
            f"repeat takes whole numbers from 0 on, one for all or one for each, but was given {repeats}."
        )
    before, n, after = a.shape[:at], a.shape[at], a.shape[at + 1 :]
    if counts.size == 1:
        times = int(counts.item())
        apart = broadcast_to(a.reshape((*before, n, 1, *after)), shape=(*before, n, times, *after))
        return apart.reshape((*before, n * times, *after))
    if counts.size != n:
        raise ShapeError(f"repeat was given {counts.size} counts for an axis of length {n}. Give one for all, or {n}.")
    return take(a, np.repeat(np.arange(n), counts), axis=at)


@compose(np.tile)
def tile(A: Any, reps: int | tuple[int, ...]) -> Any:  # noqa: N803 - NumPy's name
    """The whole array side by side with itself, as often as `reps` says for each axis."""
    a = arraylike(A)
    times: tuple[int, ...] = (reps,) if isinstance(reps, (int, np.integer)) else tuple(reps)
    if any(t < 0 for t in times):
        raise OptionError(f"tile takes whole numbers from 0 on, but was given {reps}.")
    ndim = max(a.ndim, len(times))
    shape = (1,) * (ndim - a.ndim) + tuple(a.shape)
    times = (1,) * (ndim - len(times)) + times
    apart = a.reshape(tuple(chain.from_iterable((1, n) for n in shape)))
    together = broadcast_to(apart, shape=tuple(chain.from_iterable(zip(times, shape, strict=True))))
    return together.reshape(tuple(t * n for t, n in zip(times, shape, strict=True)))


@compose(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:  # noqa: ARG001 - a copy is what there is
    """The coordinates of every point of a grid, from those along each axis; one array for each axis."""
    if indexing not in ("xy", "ij"):
        raise OptionError(f"meshgrid takes indexing='xy' or 'ij', but was given {indexing!r}.")
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = 1, 0
    vectors = [arraylike(x).reshape(-1) for x in xi]
    lengths = dict(zip(places, (len(v) for v in vectors), strict=True))
    shape = tuple(lengths[place] for place in range(len(xi)))
    out = [
        v.reshape(tuple(len(v) if axis == place else 1 for axis in range(len(xi))))
        for v, place in zip(vectors, places, strict=True)
    ]
    return tuple(out) if sparse else tuple(broadcast_to(x, shape=shape) for x in out)
