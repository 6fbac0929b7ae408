"""Rows that draw random numbers, so that a recorded computation draws the same ones again.

The generator is an option and not an input: no gradient flows to it, and drawing advances it. float32 and float64 are
what a Generator draws; any other type takes float64's numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.table import define

_DRAWN = "none: what is drawn depends on no input"


def _unit(rng: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    """Draw from [0, 1)."""
    if dtype in ("float32", "float64"):
        return rng.random(shape, dtype=dtype)
    below_1 = np.nextafter(np.ones((), dtype), np.zeros((), dtype))  # to which a narrower type may round up
    return np.minimum(rng.random(shape).astype(dtype), below_1)


def _uniform(rng: Any, shape: tuple[int, ...], dtype: Any, low: float = 0.0, high: float = 1.0) -> Any:
    u = _unit(rng, shape, dtype)
    if (low, high) == (0, 1):
        return u
    # A little below `high` the sum may round up to it, which is not in the interval.
    below = np.nextafter(np.array(high, dtype), np.array(low, dtype))
    return np.minimum(low + (high - low) * u, below)


uniform = define(
    "uniform",
    forward=_uniform,
    doc="Numbers drawn evenly from [low, high), [0, 1) unless told.",
    gradient=_DRAWN,
)


def _normal(rng: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    if dtype in ("float32", "float64"):
        return rng.standard_normal(shape, dtype=dtype)
    return rng.standard_normal(shape).astype(dtype)


# A mean and a deviation are a product and a sum of rows after it, through which gradients flow.
normal = define(
    "normal",
    forward=_normal,
    doc="Numbers drawn from the normal distribution of mean 0 and deviation 1.",
    gradient=_DRAWN,
)
randint = define(
    "randint",
    forward=lambda rng, low, high, shape, dtype=np.int64: rng.integers(low, high, shape, dtype=dtype),
    doc="Whole numbers drawn evenly from low ... high - 1.",
    gradient="none: a whole number",
)
permutation = define(
    "permutation",
    forward=lambda rng, n: rng.permutation(n),
    doc="0 ... n - 1 in random order.",
    gradient="none: a position is a whole number",
)
# Drawn below p, since a draw from [0, 1) may be 0 and is never 1: p = 0 gives 0 and p = 1 gives 1 for certain.
bernoulli = define(
    "bernoulli",
    None,
    forward=lambda p, rng: np.asarray(_unit(rng, p.shape, p.dtype) < p).astype(p.dtype),
    doc="1 with probability p, else 0.",
    gradient="none: the result jumps from 0 to 1",
)


def _dropout_mask(x: Any, rng: Any, p: float) -> Any:
    return np.multiply(_unit(rng, x.shape, x.dtype) >= p, 1 / (1 - p), dtype=x.dtype)


# Its input lends its shape and dtype alone; with it the row follows where the shape of a batch changes.
dropout_mask = define(
    "dropout_mask",
    None,
    forward=_dropout_mask,
    doc="0 with probability p, else 1 / (1 - p), in the shape and dtype of x.",
    gradient=_DRAWN,
)
