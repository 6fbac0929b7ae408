"""Along an axis: the sum and the largest entry, faster than NumPy's reductions where arrays are small.

A reduction spends its first microsecond on preparation. A small network's step has seven of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.constants import ones

# Up to here a product with ones is the faster sum. It adds in plain order, where NumPy adds in pairs: along a
# row of 1,024 its rounding error was up to three times as large.
_SMALL = 2**13
# Up to here a row is so short that its largest entry is found sooner down the columns of the transpose.
_SHORT = 64
_reduce: Any = np.add.reduce  # looked up once; its stub knows literal keepdims alone


def add_up(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:  # noqa: FBT001, FBT002 - as NumPy's reductions
    """Add up an array along `axis`, as ``np.sum`` does.

    Along one axis of a small matrix that is a product with ones, X 1 or 1ᵀX, which takes 0.6 of the time of a
    reduction.

    Examples
    --------
    >>> add_up(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=1, keepdims=True)
    array([[3.],
           [7.]])
    """
    if type(axis) is int and dtype is None and x.ndim == 2 and x.size <= _SMALL and x.dtype.char in "fd":
        n, m = x.shape
        if axis in (1, -1):
            total = x.dot(ones(m, x.dtype))
            return total[:, None] if keepdims else total
        if axis in (0, -2):
            total = np.dot(ones(n, x.dtype), x)
            return total[None] if keepdims else total
    return _reduce(x, axis, dtype, None, keepdims)


def largest(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002 - as NumPy's reductions
    """Find the largest entry along `axis`, as ``np.max`` does.

    Examples
    --------
    >>> largest(np.array([[1.0, 2.0], [4.0, 3.0]]), axis=-1)
    array([2., 4.])
    """
    if axis in (1, -1) and x.ndim == 2 and 0 < x.shape[1] <= _SHORT:
        top = np.maximum.reduce(x.T.copy(), axis=0)
        return top[:, None] if keepdims else top
    reduce: Any = np.maximum.reduce
    return reduce(x, axis=axis, keepdims=keepdims)
