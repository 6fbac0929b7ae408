"""Numbers and arrays as short text: a single number in full, an array by its shape and a few of its entries."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["NOTHING", "array_text", "index_text", "number_text", "shape_text", "summary_text"]

NOTHING = "—"
"""Stands for a number that is not there yet; 0 would be a statement."""

_IN_FULL = 6
_SHOWN = 3


def number_text(value: Any, digits: int = 6) -> str:
    """Write a number with so many significant digits.

    Examples
    --------
    >>> number_text(-6.0), number_text(1 / 3), number_text(np.float32(-0.0)), number_text(np.nan), number_text(True)
    ('-6', '0.333333', '0', 'NaN', 'True')
    """
    if isinstance(value, (bool, np.bool)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "∞" if number > 0 else "-∞"
    text = f"{number:.{digits}g}"
    return "0" if text == "-0" else text


def array_text(array: Any, digits: int = 6) -> str:
    """Write an array: a single entry as a number, a few in full, of many the first three and the shape.

    Examples
    --------
    >>> array_text(np.array([[1.0, 2.0], [3.0, 4.0]]))
    '[[1, 2], [3, 4]]'
    >>> array_text(np.arange(20.0).reshape(4, 5))
    '[0, 1, 2, …] of shape (4, 5)'
    """
    array = np.asarray(array)
    if array.size == 1:
        return number_text(array.reshape(())[()], digits)
    if array.size <= _IN_FULL and array.size:
        return _nested(array, digits)
    first = [number_text(entry, digits) for entry in array.ravel()[:_SHOWN]]
    return f"[{', '.join([*first, '…'] if first else [])}] of shape {shape_text(array.shape)}"


def _nested(array: Any, digits: int) -> str:
    if not array.ndim:
        return number_text(array[()], digits)
    return f"[{', '.join(_nested(row, digits) for row in array)}]"


def shape_text(shape: tuple[int, ...]) -> str:
    """Write a shape as NumPy does.

    Examples
    --------
    >>> shape_text((2, 3)), shape_text((4,)), shape_text(())
    ('(2, 3)', '(4,)', '()')
    """
    return str(tuple(int(n) for n in shape))


def index_text(index: Any) -> str:
    """Write what stands in the brackets of ``x[...]``, in them.

    Examples
    --------
    >>> index_text((slice(None), slice(1, None), -1)), index_text(slice(0, 9, 2)), index_text(np.array([0, 2, 5, 7]))
    ('[:, 1:, -1]', '[0:9:2]', '[4 places]')
    """
    parts = index if isinstance(index, tuple) else (index,)
    return f"[{', '.join(map(_index_part, parts))}]"


def _index_part(part: Any) -> str:
    if isinstance(part, slice):
        ends = [part.start, part.stop] if part.step is None else [part.start, part.stop, part.step]
        return ":".join("" if end is None else str(end) for end in ends)
    if part is Ellipsis:
        return "..."
    if isinstance(part, np.ndarray) and part.ndim:
        return f"{part.size} places"
    return str(part)


def summary_text(array: Any) -> str:
    """Summarise what an array holds in one short line: few entries in full, of many the range.

    Examples
    --------
    >>> summary_text(np.array([0.5])), summary_text(np.array([1.0, 2.0, 3.0]))
    ('0.5', '[1, 2, 3]')
    >>> summary_text(np.array([[0.0, 1.0, 2.0], [np.nan, 4.0, 5.0]])), summary_text(np.zeros(9))
    ('0 … 5, 1 of 6 NaN or infinite', 'all 0')
    """
    array = np.asarray(array)
    if array.size == 0:
        return "empty"
    if array.size <= _SHOWN:
        return array_text(array if array.size == 1 else array.ravel(), 4)
    if array.dtype.kind != "f":
        low, high, bad = array.min(), array.max(), 0
    else:
        finite = array[np.isfinite(array)]
        bad = array.size - finite.size
        if not finite.size:
            return f"all {array.size} NaN or infinite"
        low, high = finite.min(), finite.max()
    span = (
        f"all {number_text(low, 4)}" if low == high and not bad else f"{number_text(low, 4)} … {number_text(high, 4)}"
    )
    return f"{span}, {bad} of {array.size} NaN or infinite" if bad else span
