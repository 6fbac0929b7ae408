"""Normalizations: entries shifted to mean 0 and scaled to deviation 1, or to length 1, along axes.

Two rows are at the bottom of all of them. ``center`` takes the mean away and ``rms_normalize`` divides by the root of
the mean square; one after the other they standardize. The mean square is that of what has been centered, so nothing
cancels where the mean is large: the variance in two passes.
"""

from __future__ import annotations

import builtins
import functools
import math
from typing import Any

import numpy as np

from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.ops.along import add_up
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.reductions import Axis, axes_of, max, mean, sum  # noqa: A004 - the rows
from tinygrad_edu.ops.table import define


def _count(x: Any, axis: Axis) -> int:
    n: int = math.prod(x.shape[a] for a in axes_of(axis, x.ndim))
    if not n:
        raise ValueError(f"along axis {axis} there is nothing to take the mean of")
    return n


# --------------------------------------------------------------------------------------------- center
def _center(x: Any, axis: Axis = -1) -> Any:
    if x.dtype.char == "e":  # a sum may be beyond float16
        return _center(x.astype(np.float32), axis).astype(np.float16)
    return x - add_up(x, axis, keepdims=True) / _count(x, axis)


center = define(
    "center",
    lambda g, _y, _x, axis=-1: g - mean(g, axis=axis, keepdims=True),
    forward=_center,
    doc="x less its mean along `axis`.",
    gradient="g less its mean",
)


# --------------------------------------------------------------------------------------- mean product
# Σ x y in one pass, without x y in memory: a quarter of the time for 512 × 512 along the last axis.
def _mean_product(x: Any, y: Any, axis: Axis = -1) -> Any:
    if x.shape != y.shape:
        raise ValueError("the two need one shape")
    if x.dtype.char == "e":  # 256² is beyond it: what is made of the mean is cast back, not the mean
        return _mean_product(x.astype(np.float32), y.astype(np.float32), axis)
    axes = axes_of(axis, x.ndim)
    kept, merged, leading, letters = _way(x.shape, axes)
    if merged is None:
        total = np.einsum(letters, x, y)
    else:
        total = np.vecdot(x, y) if merged == x.shape else np.vecdot(x.reshape(merged), y.reshape(merged))
        if leading:
            total = np.add.reduce(total, axis=leading)
    return total.reshape(kept) / _count(x, axes)


@functools.lru_cache(maxsize=256)
def _way(shape: tuple[int, ...], axes: tuple[int, ...]) -> tuple[Any, Any, Any, str]:
    """Plan a sum: the last of the axes merged into one, those before them, and how einsum would write it."""
    last = len(shape)
    while last and last - 1 in axes:
        last -= 1
    kept = tuple(1 if a in axes else n for a, n in enumerate(shape))
    if last < len(shape):
        merged = (*shape[:last], math.prod(shape[last:]))
        return kept, merged, tuple(a for a in axes if a < last), ""
    letters = "".join(chr(ord("a") + a) for a in range(len(shape)))
    rest = "".join(letter for a, letter in enumerate(letters) if a not in axes)
    return kept, None, (), f"{letters},{letters}->{rest}"


mean_product = define(
    "mean_product",
    lambda g, _z, _x, y, axis=-1: g * y / _count(_x, axis),
    lambda g, _z, x, _y, axis=-1: g * x / _count(_y, axis),
    forward=_mean_product,
    doc="The mean of x y along `axis`, which stays with length 1; x and y are of one shape.",
    gradient="g y / n; g x / n",
)


# -------------------------------------------------------------------------------- scale to mean square 1
def _rms_normalize_rule(g: Any, y: Any, x: Any, axis: Axis = -1, eps: float = 0.0) -> Any:
    # The mean square is computed again: to keep it, it would have to be a result of its own on the tape.
    scale = 1 / np.sqrt(mean_product(x, x, axis=axis) + eps)
    # Two large products, and NumPy writes the difference into the first: (g - y m) s would make three.
    return g * scale - y * (mean_product(g, y, axis=axis) * scale)


def _rms_normalize(x: Any, axis: Axis = -1, eps: float = 0.0) -> Any:
    y = x * (1 / np.sqrt(_mean_product(x, x, axis) + eps))
    return y.astype(np.float16) if x.dtype.char == "e" else y


rms_normalize = define(
    "rms_normalize",
    _rms_normalize_rule,
    forward=_rms_normalize,
    doc="x / √(mean of x² + ε) along `axis`.",
    domain="x ≠ 0, or ε > 0",
    gradient="(g - y mean(g y)) / √(mean of x² + ε)",
)


@compose("standardize")
def standardize(x: Any, axis: Axis = -1, eps: float = 0.0) -> Any:
    """Mean 0 and deviation 1 along `axis`: (x - mean) / √(variance + ε)."""
    if x.dtype.char == "e":  # the difference from the mean may be beyond it, too
        return standardize(x.astype(np.float32), axis, eps).astype(np.float16)
    return rms_normalize(center(x, axis=axis), axis=axis, eps=eps)


# ------------------------------------------------------------------------------------- layers' norms
@compose("layer_norm")
def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each example standardized along its last axes, those of `normalized_shape`; then weight x + bias."""
    axes = _last_axes("layer_norm", x, normalized_shape, weight, bias)
    return _affine(standardize(x, axis=axes, eps=eps), weight, bias)


@compose("rms_norm")
def rms_norm(x: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """Each example divided by its root mean square along its last axes; then times the weight."""
    axes = _last_axes("rms_norm", x, normalized_shape, weight, None)
    eps = float(np.finfo(x.dtype).eps) if eps is None else eps
    return _affine(rms_normalize(x, axis=axes, eps=eps), weight, None)


@compose("group_norm")
def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each example (channels, ...) standardized in groups of channels; then weight x + bias for each channel."""
    channels = _channels("group_norm", x, weight, bias)
    if num_groups < 1 or channels % num_groups:
        raise OptionError(
            f"group_norm parts {channels} channels into groups of equal size, which {num_groups} groups cannot be. "
            f"Choose a divisor of {channels}."
        )
    groups = x.reshape((x.shape[0], num_groups, math.prod(x.shape[1:]) // num_groups))
    y = standardize(groups, axis=-1, eps=eps).reshape(x.shape)
    return _affine(y, *_per_channel(x, weight, bias))


@compose("instance_norm")
def instance_norm(x: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Each channel of each example standardized along its places; then weight x + bias for each channel."""
    _channels("instance_norm", x, weight, bias)
    if x.ndim < 3 or math.prod(x.shape[2:]) < 2:
        raise ShapeError(
            f"instance_norm needs more than one place in each channel (examples, channels, ...), but the shape is "
            f"{x.shape}. For features without places there is layer_norm."
        )
    y = standardize(x, axis=tuple(range(2, x.ndim)), eps=eps)
    return _affine(y, *_per_channel(x, weight, bias))


def _affine(y: Any, weight: Any, bias: Any) -> Any:
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _per_channel(x: Any, *parameters: Any) -> list[Any]:
    """Line parameters (channels,) up with axis 1 of x."""
    column = (-1, *(1 for _ in x.shape[2:]))
    return [None if p is None else p.reshape(column) for p in parameters]


def _last_axes(name: str, x: Any, normalized_shape: Any, *parameters: Any) -> tuple[int, ...]:
    shape = (normalized_shape,) if isinstance(normalized_shape, (int, np.integer)) else tuple(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ShapeError(
            f"{name} over normalized_shape={normalized_shape} needs an input that ends in these axes, but its shape is "
            f"{x.shape}. Give the lengths of the input's last axes."
        )
    _check(name, x, shape, *parameters)
    return tuple(range(-len(shape), 0))


def _channels(name: str, x: Any, *parameters: Any) -> int:
    if x.ndim < 2:
        raise ShapeError(f"{name} needs an input (examples, channels, ...), but its shape is {x.shape}.")
    _check(name, x, x.shape[1:2], *parameters)
    return int(x.shape[1])


def _check(name: str, x: Any, shape: tuple[int, ...], *parameters: Any) -> None:
    if x.dtype.kind != "f":
        raise DtypeError(f"{name} needs a floating input, but was given {x.dtype}. Write x.astype(np.float32).")
    for p in parameters:
        if p is not None and p.shape != shape:
            raise ShapeError(f"{name} needs a weight and a bias of shape {shape}, but was given {p.shape}.")


# -------------------------------------------------------------------------------------- length 1, angle
@compose("normalize", domain="x ≠ 0")
def normalize(x: Any, p: float = 2.0, axis: Axis = 1, eps: float = 1e-12) -> Any:
    """The vectors along `axis` brought to length 1: x / ‖x‖ₚ, or x / ε where the norm is below ε."""
    _check("normalize", x, ())
    if not p >= 1:
        raise OptionError(f"normalize needs a norm with p >= 1, but was given p={p}.")
    if x.dtype == np.float16:  # squares of ε would be 0 in it
        return normalize(x.astype(np.float32), p, axis, eps).astype(np.float16)
    if p == 2:
        return x / _length(x, axis, eps, keepdims=True)
    size = np.abs(x)
    if p == 1:
        return x / np.maximum(sum(size, axis=axis, keepdims=True), eps)
    norm = np.maximum(max(size, axis=axis, keepdims=True), eps)
    if p != math.inf:
        # With the largest entry taken out no power overflows, and the sum is at least 1. It is 0 where all entries
        # are; there the root would have no slope.
        powers = sum((size / norm) ** p, axis=axis, keepdims=True)
        norm = np.maximum(norm * np.maximum(powers, 0.5) ** (1 / p), eps)
    return x / norm


@compose("cosine_similarity", domain="x, y ≠ 0")
def cosine_similarity(x1: Any, x2: Any, axis: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between two vectors along `axis`: x·y / (‖x‖ ‖y‖), each norm at least ε."""
    for x in (x1, x2):
        _check("cosine_similarity", x, ())
    ndim = builtins.max(x1.ndim, x2.ndim)
    from_the_end = axis - ndim if axis >= 0 else axis
    if not all(-x.ndim <= from_the_end < 0 for x in (x1, x2)) or x1.shape[from_the_end] != x2.shape[from_the_end]:
        raise ShapeError(
            f"cosine_similarity along axis {axis} needs vectors of one length there, but the shapes are {x1.shape} and "
            f"{x2.shape}."
        )
    if np.float16 in (x1.dtype, x2.dtype):  # as above
        dtype = np.result_type(x1.dtype, x2.dtype)
        x1, x2 = (x.astype(np.promote_types(x.dtype, np.float32)) for x in (x1, x2))
        return cosine_similarity(x1, x2, axis, eps).astype(dtype)
    lengths = _length(x1, from_the_end, eps) * _length(x2, from_the_end, eps)
    return sum(x1 * x2, axis=from_the_end) / lengths


def _length(x: Any, axis: Axis, eps: float, *, keepdims: bool = False) -> Any:
    """‖x‖, or ε if it is less."""
    # The bound goes under the root: √ has no slope at 0, and there the larger of the two is ε².
    return np.sqrt(np.maximum(sum(x * x, axis=axis, keepdims=keepdims), eps * eps))
