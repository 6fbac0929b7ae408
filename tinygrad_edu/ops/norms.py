"""How long vectors and how large matrices are.

Where a norm has a corner there is no gradient. It is 0 at the zero vector, so that a penalty on the length of
weights does not turn weights of 0 into NaN.
"""

from __future__ import annotations

import math
import numbers
from typing import Any

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops.along import add_up
from tinygrad_edu.ops.arithmetic import constant_power
from tinygrad_edu.ops.choices import absolute, where
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.factorizations import svdvals
from tinygrad_edu.ops.reductions import Axis, axes_of, max, min, restore, sum  # noqa: A004 - the rows
from tinygrad_edu.ops.shape import arraylike, axes_within, transpose
from tinygrad_edu.ops.table import define


# -------------------------------------------------------------------------------------------- p-norm
def _floating(x: Any) -> Any:
    x = arraylike(x)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def _p_norm(x: Any, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A002, FBT001, FBT002 - as NumPy's
    x = _floating(x)
    if ord == 2:
        with np.errstate(over="ignore"):
            y = np.sqrt(add_up(x * x, axis, keepdims))
        limits = np.finfo(x.dtype)
        if np.all((y > float(np.sqrt(limits.tiny) / limits.eps)) & (y < np.inf)):
            return y
    # A power of a large entry overflows, one of a small entry is 0, where the norm is neither: then the largest entry
    # is taken out first, or, where the exponent is negative, the smallest.
    size = np.abs(x)
    unit = size.max(axis, keepdims=True, initial=0) if ord > 0 else size.min(axis, keepdims=True, initial=np.inf)
    unit = np.where((unit > 0) & np.isfinite(unit), unit, 1)
    with np.errstate(divide="ignore", over="ignore"):  # 1 / 0 and 1 / inf are meant
        length = add_up((size / unit) ** ord, axis, keepdims=True) ** (1 / ord)
    y = unit * length
    return y if keepdims else y.squeeze(axis=axes_of(axis, x.ndim))


def _p_norm_rule(g: Any, y: Any, x: Any, ord: float = 2, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A002, ARG001, FBT001, FBT002 - as the forward
    g, y = restore(g, x, axis), restore(y, x, axis)
    length = np.where(y == 0, 1, y)
    if ord == 2:
        return g * (x / length)
    share = constant_power(np.where(x == 0, 1, absolute(x) / length), exponent=ord - 1)
    return np.where(y == 0, 0, g * (np.sign(x) * share))


p_norm = define(
    "p_norm",
    _p_norm_rule,
    forward=_p_norm,
    doc="(Σ |x|ᵖ)¹ᐟᵖ along `axis`, for any p but 0, without overflow.",
    domain="x ≠ 0 where p < 2, not all 0 where p >= 2",
    gradient="g sign(x) (|x| / y)ᵖ⁻¹, and 0 where x or y is 0",
)


# ------------------------------------------------------------------------------------------- vectors
_NO_CORNER = "no entry 0, no tie for the extreme one"


@compose(np.linalg.vector_norm, domain=_NO_CORNER)
def vector_norm(x: Any, *, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002 - NumPy's name
    """The p-norm of vectors along `axis`, p = ord; ±inf takes the extreme entry, 0 counts what is not 0."""
    if not isinstance(ord, numbers.Real):
        raise OptionError(f"The norm of a vector needs a number as ord, but was given {ord!r}. 2 is the usual length.")
    x, p = _floating(x), float(ord)
    if p == 0:
        return sum((x != 0).astype(x.dtype), axis=axis, keepdims=keepdims)
    if p == 1:
        return sum(absolute(x), axis=axis, keepdims=keepdims)
    if math.isinf(p):
        return (max if p > 0 else min)(absolute(x), axis=axis, keepdims=keepdims)
    return p_norm(x, ord=p, axis=axis, keepdims=keepdims)


# ------------------------------------------------------------------------------------------ matrices
@compose(np.linalg.matrix_norm, domain=_NO_CORNER)
def matrix_norm(x: Any, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002 - NumPy's name
    """The norm of the matrices in the last two axes: by entries, columns, rows or singular values."""
    return _matrix_norm(x, ord, (-2, -1), keepdims)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, int], keepdims: bool) -> Any:  # noqa: A002, FBT001 - as above
    x = _floating(x)
    if ord in ("fro", "f", None):
        return p_norm(x, ord=2.0, axis=axes, keepdims=keepdims)
    if ord not in (1, -1, 2, -2, math.inf, -math.inf, "nuc"):
        raise OptionError(
            f"The norm of a matrix needs ord='fro', 'nuc', 1, -1, 2, -2, inf or -inf, but was given {ord!r}. "
            f"np.linalg.vector_norm takes any number, for all entries."
        )
    rows, columns = axes_within(axes, x.ndim)
    if ord in (2, -2, "nuc"):
        out = _of_singular_values(x, ord, rows, columns)
        return np.expand_dims(out, axis=(rows, columns)) if keepdims else out
    along, across = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = sum(absolute(x), axis=along, keepdims=True)
    extreme = (max if ord > 0 else min)(sums, axis=across, keepdims=True)
    return extreme if keepdims else np.squeeze(extreme, axis=(rows, columns))


def _of_singular_values(x: Any, ord: Any, rows: int, columns: int) -> Any:  # noqa: A002 - as above
    others = (k for k in range(x.ndim) if k not in (rows, columns))
    values = svdvals(transpose(x, axes=(*others, rows, columns)))
    values = where(values == 0, 0, values)  # at the zero matrix the gradient is 0, too
    if ord == "nuc":
        return sum(values, axis=-1)
    return (max if ord > 0 else min)(values, axis=-1)


@compose(np.linalg.norm, domain=_NO_CORNER)
def norm(x: Any, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A002, FBT001, FBT002 - as NumPy's
    """The norm of all entries, of the vectors along one axis, or of the matrices along a pair of axes."""
    x = arraylike(x)
    if axis is None and ord is None:
        return vector_norm(x, keepdims=keepdims)
    axes = tuple(range(x.ndim)) if axis is None else axes_within(axis, x.ndim)
    if len(axes) == 1:
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ShapeError(
        f"norm needs one axis for vectors or two for matrices, but was given axis={axis} for the shape {x.shape}. "
        f"np.linalg.vector_norm takes any axes."
    )
