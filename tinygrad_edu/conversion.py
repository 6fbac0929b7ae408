"""What counts as an array: the one place where lists, numbers and other libraries' arrays are let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.tape import Node, mode

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

__all__ = ["CONSTANTS", "REAL", "as_array", "as_constant", "as_index"]

# Types that NumPy promotes as intended beside a Tensor. Not np.float64 and np.int64: see as_constant.
CONSTANTS = frozenset({float, int, bool, np.float32, np.bool})
# The codes of the dtypes that a Tensor may hold: real numbers and truth values.
REAL = frozenset("?bBhHiIlLqQpPefdg")


def as_constant(x: Any) -> Any:
    """Make a constant one that leaves a float32 Tensor float32: numbers become Python's, which NumPy takes as weak."""
    if isinstance(x, Node) or type(x) in CONSTANTS:
        return x
    if isinstance(x, float):  # np.float64 is a float too
        return float(x)
    if isinstance(x, np.integer):
        return int(x)
    return as_array(x)


def as_array(value: Any, dtype: DTypeLike | None = None) -> NDArray[Any]:
    """View anything array-like as an array of numbers: lists of floats as float32, arrays as they are.

    Raises
    ------
    DtypeError
        If it does not hold real numbers.
    ShapeError
        If nested lists are ragged.

    Examples
    --------
    >>> as_array([1.0, 2.0]).dtype, as_array([1, 2]).dtype, as_array(np.zeros(2)).dtype
    (dtype('float32'), dtype('int64'), dtype('float64'))
    """
    if isinstance(value, Node):
        array = value.array
    elif isinstance(value, (np.ndarray, np.generic)) or hasattr(value, "__array__"):
        if hasattr(value, "filled"):
            raise DtypeError("A Tensor has no mask, so that masked entries would count. Write x.filled(value) first.")
        array = np.asarray(value)
    else:
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise ShapeError(
                f"This nested list is ragged: {str(error).rstrip('.')}. Give every row the same length."
            ) from error
        if array.dtype == np.float64 and dtype is None:
            array = array.astype(np.float32)
    if array.dtype.kind not in "fiub":
        remedy = {
            "U": "Encode text as class indices, as tg.data does.",
            "S": "Encode text as class indices, as tg.data does.",
            "c": "Split complex numbers into real and imaginary parts.",
            "O": "It holds objects, such as None or text: choose the columns of numbers, and write .astype(float).",
        }.get(array.dtype.kind, "Convert it to numbers first.")
        raise DtypeError(
            f"A Tensor holds real numbers, but was given {type(value).__name__} of dtype {array.dtype}. {remedy}"
        )
    if dtype is None:
        return array
    try:
        return array.astype(dtype, copy=False)
    except TypeError as error:
        raise DtypeError(f"dtype={dtype!r} is no dtype: {error}. Write np.float32, for example.") from error


def as_index(index: Any) -> Any:
    """Replace Tensors and sequences in an index by arrays, so that what is recorded cannot change.

    Examples
    --------
    >>> as_index((slice(2), [0, 0, 1]))
    (slice(None, 2, None), array([0, 0, 1]))
    """
    if isinstance(index, tuple):
        return tuple(_as_index_part(part) for part in index)
    return _as_index_part(index)


def _as_index_part(part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer)):
        return part
    array = np.array(as_array(part))
    if mode.capture is not None:
        mode.capture.same(array, part)
    return array if array.size else array.astype(np.intp)  # [] picks nothing, and its dtype says nothing
