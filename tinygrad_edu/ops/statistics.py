"""Averages, spreads and ranks along axes: rows for variance and standard deviation, else compositions.

Medians and quantiles are made of the entries at one or two places of the sorted data, and these have the gradient;
entries that tie keep their order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import ArgumentError, OptionError, ShapeError, suggest
from tinygrad_edu.ops import reductions
from tinygrad_edu.ops.along import add_up
from tinygrad_edu.ops.choices import where
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.creation import full_like
from tinygrad_edu.ops.reductions import Axis, axes_of, count, floating, mean, merge, restore
from tinygrad_edu.ops.shape import arraylike, axes_within, broadcast_to, transpose
from tinygrad_edu.ops.sorting import sort
from tinygrad_edu.ops.table import define


# ------------------------------------------------------------------- variance and standard deviation
def _deviations(x: Any, axis: Axis, dtype: Any) -> Any:
    """Subtract the mean; of constant data exactly 0 is left, because the first entry is subtracted before."""
    if dtype is not None:
        x = x.astype(floating(dtype))
    if x.dtype.kind != "f" or x.dtype.itemsize == 2:  # float16 ends at 65504
        x = x.astype(np.float32 if x.dtype.kind == "f" else np.float64)
    axes = axes_of(axis, x.ndim)
    shifted = x - x[tuple(slice(0, 1) if a in axes else slice(None) for a in range(x.ndim))]
    return shifted - mean(shifted, axis=axis, keepdims=True)


def _freedom(x: Any, axis: Axis, ddof: float = 0, correction: float | None = None, **_options: Any) -> float:
    """Give what the sum of squares is divided by: n - ddof."""
    if correction is not None:
        if ddof:
            raise ArgumentError(
                f"ddof and correction are two names of one number, but were given {ddof}, {correction}."
            )
        ddof = correction
    n = count(x, axis)
    if n - ddof <= 0:
        raise ValueError(f"{n} entries leave no degree of freedom with ddof={ddof}; there must be more of them")
    return float(n - ddof)


def _var(
    x: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, ddof: float = 0, correction: Any = None
) -> Any:
    freedom = _freedom(x, axis, ddof, correction)
    d = _deviations(x, axis, dtype)
    return _rounded(add_up(d * d, axis, keepdims) / freedom, x, dtype)


def _std(
    x: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, ddof: float = 0, correction: Any = None
) -> Any:
    freedom = _freedom(x, axis, ddof, correction)
    d = _deviations(x, axis, dtype)
    return _rounded(np.sqrt(add_up(d * d, axis, keepdims) / freedom), x, dtype)


def _rounded(wide: Any, x: Any, dtype: Any) -> Any:
    wanted = x.dtype if dtype is None else np.dtype(dtype)
    return wide.astype(wanted) if wanted.kind == "f" else wide


def _var_rule(g: Any, _y: Any, x: Any, axis: Axis = None, dtype: Any = None, **options: Any) -> Any:
    return restore(g, x, axis) * (_deviations(x, axis, dtype) * (2 / _freedom(x, axis, **options)))


def _std_rule(g: Any, y: Any, x: Any, axis: Axis = None, dtype: Any = None, **options: Any) -> Any:
    # Where all entries are equal so are their deviations, 0; there, any y will do but 0.
    divisor = restore(np.where(y == 0, 1, y), x, axis) * _freedom(x, axis, **options)
    return restore(g, x, axis) * (_deviations(x, axis, dtype) / divisor)


var = define(
    np.var,
    _var_rule,
    forward=_var,
    doc="The variance along `axis`: Σ (x - mean)² / (n - ddof).",
    gradient="2 g (x - mean) / (n - ddof)",
)
std = define(
    np.std,
    _std_rule,
    forward=_std,
    doc="The standard deviation along `axis`, the root of the variance; its gradient is 0 where all entries are equal.",
    domain="not all entries equal",
    gradient="g (x - mean) / (n - ddof) / y, and 0 where y = 0",
)


# ------------------------------------------------------------------------------------------ averages
@compose(np.average)
def average(a: Any, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002 - as NumPy's
    """The average along `axis` with weights, Σ w x / Σ w; with ``returned=True`` a pair with the sum of the weights."""
    a = arraylike(a)
    if weights is None:
        out = mean(a, axis=axis, keepdims=keepdims)
        return (out, full_like(out, count(a, axis))) if returned else out
    if not hasattr(weights, "dtype"):  # a list takes on the dtype of the data
        weights = np.asarray(weights, a.dtype if a.dtype.kind == "f" else np.float64)
    if a.dtype.kind != "f" and weights.dtype.kind != "f":
        a = a.astype(np.float64)
    if weights.shape != a.shape:
        weights = _beside(weights, a, axis)
    total = reductions.sum(weights, axis=axis, keepdims=keepdims)
    if reductions.any(total == 0):
        raise OptionError(
            "average divides by the sum of the weights, which is 0 here. Give weights that add up to more."
        )
    out = reductions.sum(a * weights, axis=axis, keepdims=keepdims) / total
    return (out, broadcast_to(total, shape=out.shape)) if returned else out


def _beside(weights: Any, a: Any, axis: Axis) -> Any:
    """Shape the weights of some axes so that they broadcast against a."""
    axes = () if axis is None else axes_within(axis, a.ndim)
    if weights.shape != tuple(a.shape[k] for k in axes) or not axes:
        raise ShapeError(
            f"average along axis={axis} of shape {a.shape} was given weights of shape {weights.shape}. "
            f"Give a weight for each entry, or for each along the axes."
        )
    order = sorted(range(len(axes)), key=axes.__getitem__)
    return transpose(weights, axes=tuple(order)).reshape(tuple(n if k in axes else 1 for k, n in enumerate(a.shape)))


@compose(np.nansum)
def nansum(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The sum along `axis` of the entries that are not NaN."""
    a = arraylike(a)
    dtype = None if dtype is None else np.dtype(dtype).type  # a sum is in the machine's byte order
    return reductions.sum(where(a == a, a, 0), axis=axis, dtype=dtype, keepdims=keepdims)  # noqa: PLR0124 - NaN is not itself


@compose(np.nanmean, domain="not all entries are NaN")
def nanmean(a: Any, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False) -> Any:
    """The average along `axis` of the entries that are not NaN."""
    a = arraylike(a)
    a = a.astype(np.float64 if dtype is None else floating(dtype)) if a.dtype.kind != "f" or dtype is not None else a
    narrow = a.dtype.type  # the same in the machine's byte order, as a sum is
    wide = np.float32 if narrow is np.float16 else narrow  # float16 ends at 65504
    n = reductions.sum(a == a, axis=axis, keepdims=keepdims).astype(wide)  # noqa: PLR0124 - NaN is not itself
    return (nansum(a, axis=axis, dtype=wide, keepdims=keepdims) / n).astype(narrow)


@compose(np.ptp)
def ptp(x: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The largest entry less the smallest, along `axis`."""
    return reductions.max(x, axis=axis, keepdims=keepdims) - reductions.min(x, axis=axis, keepdims=keepdims)


# --------------------------------------------------------------------------------- median, quantiles
# At which place of the n sorted entries, counted from 0, the quantile q lies; between two it is interpolated.
_PLACES = {
    "linear": lambda n, q: (n - 1) * q,
    "lower": lambda n, q: np.floor((n - 1) * q),
    "higher": lambda n, q: np.ceil((n - 1) * q),
    "nearest": lambda n, q: np.rint((n - 1) * q),
    "midpoint": lambda n, q: (np.floor((n - 1) * q) + np.ceil((n - 1) * q)) / 2,
    "inverted_cdf": lambda n, q: np.ceil(n * q) - 1,
    "averaged_inverted_cdf": lambda n, q: (np.ceil(n * q) + np.floor(n * q) - 1) / 2,
    "closest_observation": lambda n, q: np.rint(n * q) - 1,
    "interpolated_inverted_cdf": lambda n, q: n * q - 1,
    "hazen": lambda n, q: n * q - 0.5,
    "weibull": lambda n, q: (n + 1) * q - 1,
    "median_unbiased": lambda n, q: (n + 1 / 3) * q - 2 / 3,
    "normal_unbiased": lambda n, q: (n + 1 / 4) * q - 5 / 8,
}
_OF_THE_DATA = {"lower", "higher", "nearest", "inverted_cdf", "closest_observation"}


@compose(np.quantile, domain="no two entries tie")
def quantile(a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """The entries below which shares q of the data lie; its first axes are those of q."""
    a, q = arraylike(a), np.asarray(q, np.float64)
    if method not in _PLACES:
        raise OptionError(f"There is no method {method!r} of quantiles. {suggest(method, _PLACES)}")
    if not np.all((q >= 0) & (q <= 1)):
        raise OptionError(f"quantile needs shares 0 <= q <= 1, but was given {q.min()} to {q.max()}. See percentile.")
    axes = tuple(range(a.ndim)) if axis is None else axes_within(axis, a.ndim)
    n = count(a, axes)
    if not n:
        raise ShapeError(f"A quantile needs data, but there are no entries along axis={axis} of shape {a.shape}.")
    if a.dtype.kind != "f" and method not in _OF_THE_DATA:
        a = a.astype(np.float64)
    line = sort(merge(a, axes), axis=-1)
    out = _at_places(line, np.clip(_PLACES[method](n, q.reshape(-1)), 0, n - 1))
    shape = [1 if k in axes else m for k, m in enumerate(a.shape) if keepdims or k not in axes]
    return transpose(out, axes=(out.ndim - 1, *range(out.ndim - 1))).reshape((*q.shape, *shape))


def _at_places(line: Any, places: Any) -> Any:
    """Interpolate between sorted entries, the last axis, at places between whole numbers; NaN among them is NaN."""
    nearest = np.rint(places)
    away = places - nearest
    near = line[..., nearest.astype(np.intp)]
    if np.any(away):
        far = line[..., (nearest + np.sign(away)).astype(np.intp)]
        # Half the difference of two finite numbers never overflows.
        with np.errstate(invalid="ignore"):  # of infinite entries the difference is not there
            between = near + (far / 2 - near / 2) * (2 * np.abs(away)).astype(line.dtype)
        near = where(away == 0, near, between)
    last = line[..., -1:]
    return where(last == last, near, last)  # noqa: PLR0124 - NaN is not itself


@compose(np.percentile, domain="no two entries tie")
def percentile(a: Any, q: Any, axis: Axis = None, *, method: str = "linear", keepdims: bool = False) -> Any:
    """The entries below which q of 100 parts of the data lie; its first axes are those of q."""
    return quantile(a, np.asarray(q, np.float64) / 100, axis=axis, method=method, keepdims=keepdims)


@compose(np.median, domain="no two entries tie")
def median(a: Any, axis: Axis = None, *, keepdims: bool = False) -> Any:
    """The entry in the middle of the sorted ones, or the average of the two in the middle."""
    return quantile(a, 0.5, axis=axis, keepdims=keepdims)
