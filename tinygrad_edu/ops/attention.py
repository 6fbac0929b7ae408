"""Attention: each query takes the average of the values, weighted by how well their keys answer it."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.ops.along import add_up, largest
from tinygrad_edu.ops.choices import where
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.probability import softmax
from tinygrad_edu.ops.products import matmul
from tinygrad_edu.ops.random import dropout_mask
from tinygrad_edu.ops.table import define


def _softmax_or_zero(x: Any, axis: int = -1) -> Any:
    top = largest(x, axis, keepdims=True)
    e = np.exp(x - np.where(top == -np.inf, 0, top))
    total = add_up(e, axis, keepdims=True)
    return e / np.where(total == 0, 1, total)


# Where softmax would be 0 / 0. Its own rule serves: at probabilities of 0 it gives 0.
softmax_or_zero = define(
    "softmax_or_zero",
    softmax.rules[0],
    forward=_softmax_or_zero,
    doc="Probabilities from scores, as softmax, but 0 where all scores along the axis are -inf.",
    gradient="(g - sum(g y, axis)) y",
)


@compose("scaled_dot_product_attention")
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
    scale: float | None = None,
    rng: Any = None,
) -> Any:
    """softmax(s q kᵀ + mask) v, with s = 1/√(length of a query)."""
    _check(query, key, value, dropout_p, rng)
    if attn_mask is not None and is_causal:
        raise OptionError("scaled_dot_product_attention takes attn_mask or is_causal=True. Put both into one mask.")
    scores = matmul(query * (1 / math.sqrt(query.shape[-1]) if scale is None else scale), key.swapaxes(-1, -2))
    if is_causal:
        weights = softmax(where(_not_later(*scores.shape[-2:]), scores, -math.inf), axis=-1)
    elif attn_mask is None:
        weights = softmax(scores, axis=-1)
    else:
        weights = softmax_or_zero(_masked(scores, attn_mask), axis=-1)
    if dropout_p:
        weights = weights * dropout_mask(weights, rng=rng, p=dropout_p)
    return matmul(weights, value)


def _masked(scores: Any, mask: Any) -> Any:
    """Rule keys out where a mask of yes and no says no, or add a mask of numbers."""
    try:
        fits = np.broadcast_shapes(mask.shape, scores.shape) == scores.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(
            f"attn_mask of shape {mask.shape} does not broadcast to the scores, (..., queries, keys) = {scores.shape}."
        )
    if mask.dtype == np.bool:
        return where(mask, scores, -math.inf)
    if mask.dtype.kind != "f":
        raise DtypeError(
            f"attn_mask holds {mask.dtype}, which may mean either kind of mask. Give booleans, True where a key takes "
            f"part, or floats that are added to the scores."
        )
    return scores + (mask if mask.dtype == scores.dtype else mask.astype(scores.dtype))


@functools.lru_cache(maxsize=16)
def _not_later(queries: int, keys: int) -> Any:
    mask = np.tri(queries, keys, dtype=np.bool)
    mask.flags.writeable = False
    return mask


def _check(query: Any, key: Any, value: Any, dropout_p: float, rng: Any) -> None:
    if not 0 <= dropout_p < 1:
        raise OptionError(f"dropout needs a probability with 0 <= p < 1, but was given dropout_p={dropout_p}.")
    if dropout_p and rng is None:
        raise OptionError("scaled_dot_product_attention with dropout_p draws random numbers: give it rng=.")
    if any(x.dtype.kind != "f" for x in (query, key, value)):
        raise DtypeError(
            f"Attention needs floating inputs, but was given {query.dtype}, {key.dtype} and {value.dtype}. "
            f"Write x.astype(np.float32)."
        )
    shapes = [x.shape for x in (query, key, value)]
    fit = all(len(shape) >= 2 for shape in shapes) and shapes[0][-1] == shapes[1][-1] and shapes[1][-2] == shapes[2][-2]
    if not fit or not shapes[0][-1]:
        raise ShapeError(
            f"Attention needs queries (..., n, d), keys (..., m, d) and values (..., m, e), but was given {shapes[0]}, "
            f"{shapes[1]} and {shapes[2]}."
        )
