"""What formulas and descents are given: numbers, which become float64, and functions of one argument."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.conversion import as_array

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.tensor import Tensor

__all__ = ["as_float64", "takes_one"]


def as_float64(value: ArrayLike | Tensor) -> NDArray[np.float64]:
    """Copy real numbers into a float64 array.

    Raises
    ------
    DtypeError
        If it does not hold real numbers.
    ShapeError
        If nested lists are ragged.

    Examples
    --------
    >>> as_float64([0.1, 1e300]).tolist()
    [0.1, 1e+300]
    """
    return np.array(as_array(value, np.float64))


def takes_one(function: Callable[..., object]) -> bool:
    """Tell whether a function can be called with one argument, where Python knows.

    Examples
    --------
    >>> takes_one(lambda x: x), takes_one(lambda x, y=1: x + y), takes_one(lambda x, y: x + y), takes_one(lambda: 1)
    (True, True, False, False)
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function in C may have none
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True
