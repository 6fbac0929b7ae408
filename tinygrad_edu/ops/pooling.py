"""Rows and compositions of pooling: the largest entry and the average of each window.

Padding takes no part: the largest entry is one of the input, and a sum is over what is there. Results keep the input's
order in memory, which after a convolution is not that of its shape.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops.choices import where
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.room import room
from tinygrad_edu.ops.table import Op, define
from tinygrad_edu.ops.windows import Ints, Windows, spatial, taps, whole_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator


def _windows(
    sizes: Ints,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002 - PyTorch's order
) -> Windows:
    """Lay windows of pooling: side by side if no stride is given, and none on padding alone."""
    stride = kernel_size if stride is None else stride
    windows = Windows.over(sizes, kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode)
    for k, pads in zip(windows.kernel, windows.padding, strict=True):
        if 2 * max(pads) > k:
            raise OptionError(
                f"Pooling takes padding of at most half of the kernel_size, but was given {max(pads)} for {k}. "
                f"Take less padding, or a larger kernel_size."
            )
    return windows


# ----------------------------------------------------------------------------------------- the largest
# Of entries that tie the first one takes the gradient, as in PyTorch. Which one that is does not change with x, but for
# ties: so the rows that put g there, or pick it from there, have no gradient by x and y.
def _max_pool(x: Any, **options: Any) -> Any:
    windows = _windows(spatial(x), **options)
    lowest = -math.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
    out: Any = room(np.full_like(x, lowest, shape=(*x.shape[:2], *windows.counts)), x)
    for _, inside, at in taps(windows):
        part = out[(..., *at)]
        np.maximum(part, x[(..., *inside)], out=part)
    return out


def _firsts(x: Any, y: Any, windows: Windows) -> Iterator[tuple[Any, Any, Any]]:
    """Go through the taps: the entries under each, in which windows they are, and where one is the first largest."""
    waiting: Any = room(np.ones_like(y, dtype=bool), y)
    for _, inside, at in taps(windows):
        entries, places = (..., *inside), (..., *at)
        # "Not less" and not "equal", so that a window with NaN, which y passes on, gives g to an entry too.
        less = x[entries] < y[places]
        yield entries, places, waiting[places] > less
        waiting[places] &= less


def _max_pool_put(g: Any, x: Any, y: Any, **options: Any) -> Any:
    windows = _windows(spatial(x), **options)
    if g.strides != y.strides:  # once, and not for each tap
        laid_out = room(np.empty_like(y, dtype=g.dtype), g, filled=False)
        laid_out[...] = g
        g = laid_out
    out: Any = room(np.zeros_like(x, dtype=g.dtype), g)
    overlap = any(d * (k - 1) >= s for k, s, d in zip(windows.kernel, windows.stride, windows.dilation, strict=True))
    for entries, places, first in _firsts(x, y, windows):
        # By a product: np.where takes three times as long where the entries that are first are not foreseeable.
        if overlap:
            out[entries] += g[places] * first
        else:
            np.multiply(g[places], first, out=out[entries])
    return out


def _max_pool_pick(g: Any, x: Any, y: Any, **options: Any) -> Any:
    out: Any = room(np.zeros_like(y, dtype=g.dtype), g)
    for entries, places, first in _firsts(x, y, _windows(spatial(x), **options)):
        out[places] += g[entries] * first
    return out


max_pool: Op = define(
    "max_pool",
    lambda g, y, x, **options: max_pool_put(g, x, y, **options),
    forward=lambda x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False: _max_pool(
        x, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    ),
    doc="The largest entry of each window.",
    domain="no two entries tie",
    gradient="g at the first largest entry of each window",
)
max_pool_put: Op = define(
    "max_pool_put",
    lambda g, _z, _g, x, y, **options: max_pool_pick(g, x, y, **options),
    None,
    None,
    forward=_max_pool_put,
    doc="g, one entry for each window of x, added into zeros at the first entry of the window that is not below y.",
    gradient="g at these entries; none: places do not change; none",
)
max_pool_pick: Op = define(
    "max_pool_pick",
    lambda g, _z, _g, x, y, **options: max_pool_put(g, x, y, **options),
    None,
    None,
    forward=_max_pool_pick,
    doc="The entries of g, shaped as x, that are first in each window of x not to be below y.",
    gradient="g added into zeros at these entries; none: places do not change; none",
)


# --------------------------------------------------------------------------------------------- the sum
def _sum_pool(x: Any, **options: Any) -> Any:
    windows = _windows(spatial(x), **options)
    out: Any = room(np.zeros_like(x, shape=(*x.shape[:2], *windows.counts)), x)
    for _, inside, at in taps(windows):
        out[(..., *at)] += x[(..., *inside)]
    return out


def _sum_pool_put(g: Any, sizes: Ints, **options: Any) -> Any:
    windows = _windows(sizes, **options)
    if g.shape[2:] != windows.counts:
        raise ShapeError(
            f"Over the spatial shape {sizes} there are {windows.counts} windows, but g has the shape {g.shape}. Take "
            f"the sizes and the options with which it was pooled."
        )
    out: Any = room(np.zeros_like(g, shape=(*g.shape[:2], *sizes)), g)
    for _, inside, at in taps(windows):
        out[(..., *inside)] += g[(..., *at)]
    return out


sum_pool: Op = define(
    "sum_pool",
    lambda g, _y, _x, **options: sum_pool_put(g, sizes=_x.shape[2:], **options),
    forward=lambda x, kernel_size, stride=None, padding=0, ceil_mode=False: _sum_pool(
        x, kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode
    ),
    doc="The sum of each window.",
    gradient="g at each entry of its window, added up",
)
sum_pool_put: Op = define(
    "sum_pool_put",
    lambda g, _y, _x, sizes, **options: sum_pool(g, **options),
    forward=lambda g, sizes, kernel_size, stride=None, padding=0, ceil_mode=False: _sum_pool_put(
        g, sizes, kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode
    ),
    doc="g, one entry for each window over an input of the spatial shape `sizes`, added to all entries of the window.",
    gradient="the sum of g over each window",
)


# ----------------------------------------------------------------------------------------- the average
@compose("avg_pool")
def avg_pool(
    x: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,  # noqa: FBT001, FBT002 - PyTorch's order
    count_include_pad: bool = True,  # noqa: FBT001, FBT002
    divisor_override: int | None = None,
) -> Any:
    """The average of each window; padding counts as zeros, unless `count_include_pad` is False."""
    total = sum_pool(x, kernel_size=kernel_size, stride=stride, padding=padding, ceil_mode=ceil_mode)
    if divisor_override is not None:
        if not divisor_override:
            raise OptionError("avg_pool divides by divisor_override, but was given 0; None divides by the entries.")
        return total / divisor_override
    windows = _windows(spatial(x), kernel_size, stride, padding, 1, ceil_mode)
    return total / _entries(windows, count_include_pad, x.dtype)


def _entries(windows: Windows, padding_too: bool, dtype: Any) -> Any:  # noqa: FBT001 - an option of PyTorch's
    """Count the entries of each window. What hangs over the end, beyond the padding, never counts."""
    along = []
    for size, k, s, (before, behind), _, count in zip(*windows, strict=True):
        starts = np.arange(count) * s - before
        first, last = (-before, size + behind) if padding_too else (0, size)
        along.append(np.minimum(starts + k, last) - np.maximum(starts, first))
    n = along[0].reshape(-1, *(1,) * (len(along) - 1))
    for axis, counts in enumerate(along[1:], 1):
        n = n * counts.reshape(-1, *(1,) * (len(along) - 1 - axis))
    return int(n.flat[0]) if n.min() == n.max() else n.astype(dtype)


# ------------------------------------------------------------------------------------- a given number
# Window i of n over an axis of m entries runs from i m / n, rounded down, to (i + 1) m / n, rounded up.
def _adapted(x: Any, output_size: Any) -> tuple[Any, Ints, list[Any]]:
    """Rearrange x so that windows side by side are those of an adaptive pooling.

    Returns
    -------
    What to pool; the kernel to do it with; and along each axis, which of a window's entries are its own, (windows,
    entries), where windows differ in length, or None. The others repeat its last entry.
    """
    kernel: list[int] = []
    own: list[Any] = []
    for axis, (m, n) in enumerate(zip(spatial(x), _output_sizes(spatial(x), output_size), strict=True), 2):
        starts = np.arange(n) * m // n
        ends = -(-np.arange(1, n + 1) * m // n)
        longest = int((ends - starts).max())
        kernel.append(longest)
        if longest * n == m:
            own.append(None)
            continue
        entries = starts[:, None] + np.arange(longest)
        own.append(entries < ends[:, None])
        x = x[(*(slice(None),) * axis, np.minimum(entries, ends[:, None] - 1).reshape(-1))]
    return x, tuple(kernel), own


def _output_sizes(sizes: Ints, output_size: Any) -> Ints:
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * len(sizes)
    if 0 in sizes or len(given) != len(sizes):
        raise OptionError(
            f"An adaptive pooling takes an input without empty axes, and an output_size for each spatial axis, or one "
            f"for all; but the spatial shape is {sizes}, and output_size={output_size!r}."
        )
    return whole_numbers("output_size", [m if n is None else n for m, n in zip(sizes, given, strict=True)], len(sizes))


@compose("adaptive_avg_pool")
def adaptive_avg_pool(x: Any, output_size: Any) -> Any:
    """The averages of as many windows as asked for, which together cover the input; None keeps an axis as it is."""
    x, kernel, own = _adapted(x, output_size)
    entries: Any = 1
    for axis, mask in enumerate(own):
        behind = (1,) * (len(own) - 1 - axis)
        if mask is None:
            entries = entries * kernel[axis]
        else:
            x = where(mask.reshape(-1, *behind), x, 0)
            entries = entries * mask.sum(axis=1).astype(x.dtype).reshape(-1, *behind)
    return sum_pool(x, kernel_size=kernel) / entries


@compose("adaptive_max_pool")
def adaptive_max_pool(x: Any, output_size: Any) -> Any:
    """The largest entries of as many windows as asked for, which together cover the input; None keeps an axis."""
    x, kernel, _ = _adapted(x, output_size)
    return max_pool(x, kernel_size=kernel)
