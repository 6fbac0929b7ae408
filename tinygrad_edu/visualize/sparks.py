"""A line of numbers as a line of text: `sparkline`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.errors import DtypeError, OptionError

if TYPE_CHECKING:
    from typing import TextIO

    from numpy.typing import ArrayLike, NDArray

__all__ = ["can_write", "sparkline"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_PLAIN = "_.-~=+*#"  # where the encoding has no blocks
_NOTHING = "×", "x"


def sparkline(values: ArrayLike, width: int | None = None, *, log: bool = False, unicode: bool | None = None) -> str:
    """Write numbers as a row of blocks, the highest for the largest.

    Parameters
    ----------
    values
        Numbers, of shape (n,). Where one is not finite (or, with `log`, not positive) stands ×.
    width
        How many characters at most; where there are more numbers, each block is the mean of those that share it. None
        for one block a number.
    log
        Whether the height of a block is that of the logarithm, as for losses.
    unicode
        Whether there may be blocks; False for plain ASCII, None for what standard output can write.

    Raises
    ------
    OptionError
        If `width` is no whole number above 0.
    DtypeError
        If the values are no real numbers.

    Examples
    --------
    >>> sparkline([1, 2, 4, 8, 4, float("nan"), 1], unicode=True)
    '▁▂▄█▄×▁'
    >>> sparkline([1000, 100, 10, 1], log=True, unicode=False)
    '#+-_'
    """
    numbers = _numbers(values)
    if width is not None:
        if isinstance(width, bool) or not isinstance(width, (int, np.integer)) or width < 1:
            raise OptionError(f"width must be a whole number above 0, but is {width!r}. Try 40.")
        numbers = _shared(numbers, int(width), log=log)
    if log:
        numbers = np.log(np.where(numbers > 0, numbers, np.nan))
    known = np.isfinite(numbers)
    blocks = can_write(_BLOCKS, sys.stdout) if unicode is None else unicode
    signs, nothing = (_BLOCKS, _NOTHING[0]) if blocks else (_PLAIN, _NOTHING[1])
    parts = numbers[known] / (np.abs(numbers[known]).max(initial=0.0) or 1.0)  # so that no difference overflows
    step = (np.ptp(parts) / (len(signs) - 1) if parts.size else 0.0) or 1.0
    drawn = iter(np.rint((parts - parts.min(initial=np.inf)) / step).astype(int))
    return "".join(signs[next(drawn)] if finite else nothing for finite in known)


def _numbers(values: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.asarray(values, np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise DtypeError(f"A sparkline is made of real numbers, but was given {type(values).__name__}.") from error


def _shared(numbers: NDArray[np.float64], width: int, *, log: bool) -> NDArray[np.float64]:
    """Average neighbours until there are no more than `width`; what is not finite is left out where others are."""
    if len(numbers) <= width:
        return numbers
    shares = np.array_split(np.where(np.isfinite(numbers) & ((numbers > 0) | (not log)), numbers, np.nan), width)
    return np.array([_mean(share[~np.isnan(share)]) if not np.isnan(share).all() else np.nan for share in shares])


def _mean(numbers: NDArray[np.float64]) -> float:
    return float((numbers / len(numbers)).sum())  # each part first: the sum of large numbers overflows


def can_write(text: str, stream: TextIO | None) -> bool:
    """Tell whether the encoding of a stream has all letters of a text.

    >>> import io
    >>> can_write("█", io.TextIOWrapper(io.BytesIO(), "ascii"))
    False
    """
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
