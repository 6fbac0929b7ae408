"""Constant vectors that the same training step asks for again and again: made once, read-only."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np


@functools.lru_cache(maxsize=64)
def ones(n: int, dtype: np.dtype[Any]) -> Any:
    """Give (1, 1, ..., 1).

    Examples
    --------
    >>> ones(3, np.dtype(np.float32))
    array([1., 1., 1.], dtype=float32)
    """
    return _read_only(np.ones(n, dtype))


@functools.lru_cache(maxsize=64)
def positions(n: int) -> Any:
    """Give (0, 1, ..., n - 1).

    Examples
    --------
    >>> positions(3)
    array([0, 1, 2])
    """
    return _read_only(np.arange(n))


def _read_only(array: Any) -> Any:
    array.flags.writeable = False
    return array
