"""Windows that slide over the spatial axes of ``(N, C, *spatial)``: where they lie, and rows that take them out.

Convolution and pooling read arrays through the same windows. A loop runs over the entries of one window, the
*taps*, never over the windows: over all windows, a tap is one strided slice of the input.
"""

from __future__ import annotations

import functools
import itertools
import math
import operator
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops.room import room
from tinygrad_edu.ops.table import Op, define

__all__ = ["Windows", "fold", "meet", "settings", "spatial", "taps", "unfold", "whole_numbers"]

Ints = tuple[int, ...]
Slices = tuple[slice, ...]
# What depends on shapes and options alone is worked out once; a step of a small network would spend a tenth on it.
_LAYERS = 256


class Windows(NamedTuple):
    """Where windows lie: along each axis, tap i of window o is entry ``o * stride + i * dilation - before``.

    What is before the first entry or behind the last is padding. Negative padding leaves entries out.

    Examples
    --------
    >>> Windows.over((5,), kernel_size=3, stride=2).counts
    (2,)
    """

    sizes: Ints
    kernel: Ints
    stride: Ints
    padding: tuple[tuple[int, int], ...]
    """Before and behind, along each axis."""
    dilation: Ints
    counts: Ints
    """How many windows there are along each axis."""

    @classmethod
    def over(
        cls,
        sizes: Ints,
        kernel_size: Any,
        *,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
    ) -> Windows:
        """Lay windows over axes of the given sizes.

        Parameters
        ----------
        kernel_size, stride, padding, dilation
            A number, or a tuple of one for each axis; padding may also be a tuple of pairs (before, behind).
        ceil_mode
            Whether a last window may hang over the end, if it does not begin in the padding there.

        Raises
        ------
        OptionError
            If an option is out of its range, or there are not as many numbers as axes.
        ShapeError
            If not even one window fits.
        """
        n = len(sizes)
        kernel = whole_numbers("kernel_size", kernel_size, n)
        strides, pads, dilations = settings(n, stride, padding, dilation)
        counts = []
        for axis, (size, k, s, (before, behind), d) in enumerate(
            zip(sizes, kernel, strides, pads, dilations, strict=True)
        ):
            extent, room = d * (k - 1) + 1, size + before + behind
            count = (room - extent) // s + 1
            if ceil_mode and (room - extent) % s and count * s < size + before:
                count += 1
            if count < 1:
                raise ShapeError(
                    f"Windows over the spatial shape {sizes} cover {extent} entries along its axis {axis}, but there "
                    f"are {room}, padding included. Take a smaller kernel or dilation, or more padding."
                )
            counts.append(count)
        return cls(sizes, kernel, strides, pads, dilations, tuple(counts))


@functools.lru_cache(maxsize=_LAYERS)
def taps(windows: Windows) -> tuple[tuple[Ints, Slices, Slices], ...]:
    """List the taps: the index of each in a window, its slice of the input, and the windows it is one of.

    The two slices are equally long: the windows left out have this tap on padding.

    Examples
    --------
    >>> for tap in taps(Windows.over((3,), kernel_size=2, padding=((1, 0),))):
    ...     print(*tap)
    (0,) (slice(0, 2, 1),) (slice(1, 3, None),)
    (1,) (slice(0, 3, 1),) (slice(0, 3, None),)
    """
    along = [
        [(i, *meet(i * d - before, s, size, count)) for i in range(k)]
        for size, k, s, (before, _), d, count in zip(*windows, strict=True)
    ]
    found = itertools.product(*along)
    return tuple((tuple(i for i, _, _ in t), tuple(e for _, e, _ in t), tuple(w for _, _, w in t)) for t in found)


def meet(start: int, stride: int, size: int, count: int) -> tuple[slice, slice]:
    """Find which of `count` places ``start + o * stride`` are among `size` entries: a slice of entries, and of places.

    Examples
    --------
    >>> meet(-1, 2, size=5, count=4)
    (slice(1, 4, 2), slice(1, 3, None))
    """
    first = max(0, -(start // stride))  # -start / stride, rounded up
    last = min(count, -((start - size) // stride))
    if last <= first:
        return slice(0, 0), slice(0, 0)
    begin = start + first * stride
    return slice(begin, begin + (last - first - 1) * stride + 1, stride), slice(first, last)


# --------------------------------------------------------------------------------------------- options
def whole_numbers(name: str, given: Any, n: int, least: int = 1) -> Ints:
    """Read an option that is a whole number, or a tuple of one for each of n axes.

    Raises
    ------
    OptionError
        If it is neither, or a number is below `least`.

    Examples
    --------
    >>> whole_numbers("stride", 2, 3), whole_numbers("stride", (1, 2), 2)
    ((2, 2, 2), (1, 2))
    """
    try:
        many = isinstance(given, (tuple, list))
        numbers = tuple(map(operator.index, given)) if many else (operator.index(given),) * n
    except TypeError:
        numbers = ()
    if len(numbers) != n or any(number < least for number in numbers):
        raise OptionError(
            f"{name} is a whole number of at least {least}, or a tuple of {n} of them, one for each spatial axis; but "
            f"it was given as {given!r}."
        )
    return numbers


def settings(n: int, stride: Any, padding: Any, dilation: Any) -> tuple[Ints, tuple[tuple[int, int], ...], Ints]:
    """Read stride, padding and dilation, each as one value for each of n axes; padding as pairs (before, behind)."""
    strides, dilations = whole_numbers("stride", stride, n), whole_numbers("dilation", dilation, n)
    if isinstance(padding, tuple) and len(padding) == n and all(isinstance(p, tuple) and len(p) == 2 for p in padding):
        return strides, padding, dilations
    return strides, tuple((p, p) for p in whole_numbers("padding", padding, n, least=0)), dilations


def spatial(x: Any) -> Ints:
    """List the sizes of the spatial axes of (N, C, *spatial).

    Raises
    ------
    ShapeError
        If there are none.
    """
    sizes: Ints = x.shape[2:]
    if not sizes:
        raise ShapeError(
            f"Windows slide over the axes after the first two, (N, C, *spatial), but {x.shape} has none. Reshape it."
        )
    return sizes


# ---------------------------------------------------------------------------------------- unfold, fold
# Each is the reverse of the other: fold adds an entry of a column back to where unfold took it from.
def _unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    windows = Windows.over(spatial(x), kernel_size, stride=stride, padding=padding, dilation=dilation)
    n, channels = x.shape[:2]
    columns: Any = room(np.zeros((n, channels, *windows.kernel, *windows.counts), x.dtype), x)
    for tap, inside, at in taps(windows):
        columns[(slice(None), slice(None), *tap, *at)] = x[(..., *inside)]
    return columns.reshape(n, channels * math.prod(windows.kernel), math.prod(windows.counts))


def _fold(
    columns: Any, output_size: Ints, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Any:
    windows = Windows.over(output_size, kernel_size, stride=stride, padding=padding, dilation=dilation)
    entries, count = math.prod(windows.kernel), math.prod(windows.counts)
    if columns.ndim != 3 or columns.shape[1] % entries or columns.shape[2] != count:
        raise ShapeError(
            f"With these options output_size={output_size} has {count} windows of {entries} entries, folded from "
            f"columns (N, C * {entries}, {count}), not of shape {columns.shape}. Take the output_size and options that "
            f"they were unfolded with."
        )
    n, channels = columns.shape[0], columns.shape[1] // entries
    parts = columns.reshape(n, channels, *windows.kernel, *windows.counts)
    out: Any = room(np.zeros((n, channels, *output_size), columns.dtype), columns)
    for tap, inside, at in taps(windows):
        out[(..., *inside)] += parts[(slice(None), slice(None), *tap, *at)]
    return out


unfold: Op = define(
    "unfold",
    lambda g, _y, _x, **options: fold(g, output_size=_x.shape[2:], **options),
    forward=_unfold,
    doc="The windows of (N, C, *spatial) as columns: (N, C * entries of a window, windows).",
    gradient="g, each entry added to where it was taken from",
)
fold: Op = define(
    "fold",
    lambda g, _y, _x, output_size, **options: unfold(g, **options),
    forward=_fold,
    doc="Columns, as unfold gives them, added back into (N, C, *output_size).",
    gradient="the windows of g as columns",
)
