"""Rows that draw random numbers, so that a recorded computation draws the same ones again."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.ops.table import define


def _uniform(rng: Any, shape: tuple[int, ...], dtype: Any) -> Any:
    # A Generator draws float32 and float64 alone; a wider or narrower type takes the latter's numbers.
    if dtype in ("float32", "float64"):
        return rng.random(shape, dtype=dtype)
    return rng.random(shape).astype(dtype)


# The generator is an option and not an input: no gradient flows to it, and drawing advances it.
uniform = define(
    "uniform",
    forward=_uniform,
    doc="Numbers drawn evenly from [0, 1).",
    gradient="none: what is drawn depends on no input",
)
