"""The package's own generator, for whoever does not bring one.

Everything here that draws random numbers takes an explicit ``numpy.random.Generator``; where none is
given, this one is used, and ``seed`` makes a program draw the same numbers each time.
"""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["default_rng", "seed"]


@functools.cache  # made on first use: numpy.random takes longer to load than this whole package
def default_rng() -> np.random.Generator:
    """Give the package's generator; unseeded, it draws other numbers in each process.

    Examples
    --------
    >>> default_rng() is default_rng()
    True
    """
    return np.random.default_rng()


def seed(value: int) -> None:
    """Start the package's generator anew from `value`.

    Examples
    --------
    >>> seed(0)
    >>> a = default_rng().random()
    >>> seed(0)
    >>> a == default_rng().random()
    True
    """
    # The state is set in place: layers that took hold of the generator follow too.
    default_rng().bit_generator.state = np.random.default_rng(value).bit_generator.state
