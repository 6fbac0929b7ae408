"""Rows of diagonals and of the triangles above and below them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.choices import where
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.reductions import sum  # noqa: A004 - the row
from tinygrad_edu.ops.room import room
from tinygrad_edu.ops.shape import arraylike, ravel
from tinygrad_edu.ops.table import Op, define

# ----------------------------------------------------------------------------------------- diagonals
# A copy, where NumPy gives a read-only view.
diagonal: Op = define(
    np.diagonal,
    lambda g, _y, _x, offset=0, axis1=0, axis2=1: put_diagonal(
        g, shape=_x.shape, offset=offset, axis1=axis1, axis2=axis2
    ),
    forward=lambda x, offset=0, axis1=0, axis2=1: x.diagonal(offset, axis1, axis2).copy(),
    doc="The entries of which two axes have the same position, or positions `offset` apart, as the last axis.",
    gradient="g, put onto the diagonal of zeros",
)


def _put_diagonal(x: Any, shape: tuple[int, ...], offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    out = room(np.zeros(shape, x.dtype), x)
    along = np.arange(x.shape[-1])
    np.moveaxis(out, (axis1, axis2), (-2, -1))[..., along + max(-offset, 0), along + max(offset, 0)] = x
    return out


put_diagonal: Op = define(
    "put_diagonal",
    lambda g, _y, _x, shape, offset=0, axis1=0, axis2=1: diagonal(g, offset=offset, axis1=axis1, axis2=axis2),
    forward=_put_diagonal,
    doc="The last axis put onto a diagonal of zeros of a shape.",
    gradient="the diagonal of g",
)


@compose("linalg_diagonal", also=(np.linalg.diagonal,))
def linalg_diagonal(x: Any, offset: int = 0) -> Any:
    """The diagonals of a stack of matrices, which are its last two axes."""
    return diagonal(arraylike(x), offset=offset, axis1=-2, axis2=-1)


@compose(np.trace)
def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    """The sum of a diagonal."""
    entries = diagonal(arraylike(a), offset=offset, axis1=axis1, axis2=axis2)
    return sum(entries if dtype is None else entries.astype(dtype), axis=-1)


@compose("linalg_trace", also=(np.linalg.trace,))
def linalg_trace(x: Any, offset: int = 0, dtype: Any = None) -> Any:
    """The sums of the diagonals of a stack of matrices, which are its last two axes."""
    return trace(x, offset, -2, -1, dtype)


@compose(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """The k-th diagonal of a matrix, or the matrix that has a vector as its k-th diagonal and is 0 elsewhere."""
    v = arraylike(v)
    if v.ndim == 2:
        return diagonal(v, offset=k)
    if v.ndim != 1:
        raise ShapeError(f"diag takes a vector or a matrix, but the shape is {v.shape}. diagonal takes more axes.")
    n = v.shape[0] + abs(k)
    return put_diagonal(v, shape=(n, n), offset=k)


@compose(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """The matrix that has all entries as its k-th diagonal and is 0 elsewhere."""
    return diag(ravel(v), k)


# ----------------------------------------------------------------------------------------- triangles
@functools.lru_cache(maxsize=64)
def _lower(n: int, m: int, k: int) -> Any:
    """Mark the entries of an n × m matrix on its k-th diagonal and below."""
    mask = np.tri(n, m, k, dtype=bool)
    mask.flags.writeable = False
    return mask


@compose(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """The lower triangle of each matrix: 0 above the k-th diagonal."""
    m = arraylike(m)
    return where(_lower(*_sides(m, "tril"), k), m, np.zeros((), m.dtype))


@compose(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """The upper triangle of each matrix: 0 below the k-th diagonal."""
    m = arraylike(m)
    return where(_lower(*_sides(m, "triu"), k - 1), np.zeros((), m.dtype), m)


def _sides(m: Any, name: str) -> tuple[int, int]:
    if m.ndim < 1:
        raise ShapeError(f"{name} takes a matrix or a stack of them, but was given a single number.")
    return m.shape[-2:] if m.ndim > 1 else (m.shape[0], m.shape[0])  # a vector is repeated, as by NumPy
