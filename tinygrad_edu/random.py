"""The package's own generator, for whoever does not bring one.

Everything here that draws random numbers takes an explicit ``numpy.random.Generator``; where none is
given, this one is used, and ``seed`` makes a program draw the same numbers each time.
"""

from __future__ import annotations

import numpy as np

__all__ = ["default_rng", "seed"]

_generator = np.random.default_rng()


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
    _generator.bit_generator.state = np.random.default_rng(value).bit_generator.state


def default_rng() -> np.random.Generator:
    """Give the package's generator.

    Examples
    --------
    >>> type(default_rng()).__name__
    'Generator'
    """
    return _generator
