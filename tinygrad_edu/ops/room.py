"""Room to write into: what a forward that fills an array part by part asks for, so that the compiler can follow it.

The compiler runs forwards on things that stand for arrays and note what is done with them. An array that a forward
makes with ``np.zeros`` and writes into would be out of its sight: `room` tells it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_array = np.ndarray  # looked up once


def room(new: Any, *given: Any, filled: bool = True) -> Any:
    """Give a new array, to be written into; or what stands for it, if one of those `given` stands for an array.

    Parameters
    ----------
    new
        An array that was just made, full of one number.
    given
        What is going to be written into it.
    filled
        Whether that number counts; otherwise every entry has to be written.

    Examples
    --------
    >>> room(np.zeros(2), np.ones(1))
    array([0., 0.])
    """
    for x in given:
        if type(x) is not _array and hasattr(x, "room"):
            return x.room(new, filled=filled)
    return new


def copied(x: Any, *given: Any) -> Any:
    """Give a copy of an array, to be written into, in the same manner.

    Examples
    --------
    >>> copied(np.zeros(2))
    array([0., 0.])
    """
    for y in (x, *given):
        if type(y) is not _array and hasattr(y, "room"):
            return y.copy_of(x)
    return np.array(x)


def strided(x: Any, shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """See the memory of an array in another shape, with other distances between its entries.

    Examples
    --------
    >>> strided(np.arange(4), (3, 2), (8, 8))
    array([[0, 1],
           [1, 2],
           [2, 3]])
    """
    return np.ndarray(shape, x.dtype, x, 0, strides) if type(x) is _array else x.strided(shape, strides)
