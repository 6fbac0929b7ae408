"""Arguments that many functions take: a generator of random numbers, a shape."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.random import default_rng
from tinygrad_edu.tape import mode

__all__ = ["as_generator", "as_shape"]


def as_generator(rng: np.random.Generator | None) -> np.random.Generator:
    """Give a generator as it is, and the package's for None.

    Raises
    ------
    OptionError
        If it is something else, such as the number of a seed.

    Examples
    --------
    >>> as_generator(None) is default_rng()
    True
    """
    if rng is None:
        rng = default_rng()
    if mode.capture is not None:
        mode.capture.drawing(rng)
    if not hasattr(rng, "integers"):
        raise OptionError(
            f"rng takes a numpy.random.Generator, but was given {rng!r}. Write rng=np.random.default_rng(0), or call "
            f"tg.seed(0) and leave it out."
        )
    return rng


def as_shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """Read ``zeros(2, 3)`` and ``zeros((2, 3))`` alike.

    Raises
    ------
    ShapeError
        If a length is no whole number, or is negative.

    Examples
    --------
    >>> as_shape((2, 3)), as_shape(([2, 3],)), as_shape(())
    ((2, 3), (2, 3), ())
    """
    lengths = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    if not all(isinstance(n, (int, np.integer)) and n >= 0 for n in lengths):
        raise ShapeError(f"A shape is made of whole numbers from 0 on, but was given as {shape}.")
    return tuple(int(n) for n in lengths)
