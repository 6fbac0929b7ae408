"""pad: room around an array, filled with a constant or with its own entries."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.indexing import put
from tinygrad_edu.ops.shape import arraylike, axes_within
from tinygrad_edu.ops.taking import take
from tinygrad_edu.ops.writing import set_at

_REPEATING = ("edge", "reflect", "symmetric", "wrap")


def _widths(pad_width: Any, ndim: int) -> list[tuple[int, int]]:
    """Read NumPy's forms of a width as one pair for each axis."""
    if isinstance(pad_width, dict):
        pairs = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pairs[axes_within(axis, ndim)[0]] = _widths(width, 1)[0]
        return pairs
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu" or np.any(widths < 0):
        raise OptionError(f"pad takes widths that are whole numbers from 0 on, but was given {pad_width}.")
    try:
        return [(int(before), int(after)) for before, after in np.broadcast_to(widths, (ndim, 2))]
    except ValueError as error:
        raise ShapeError(
            f"pad_width={pad_width} does not fit {ndim} axes. Give one width, a pair (before, after), or a pair for "
            f"each axis."
        ) from error


# Constants are written around x; the other modes pick each entry of the padded array from x. Either way the gradient
# is what indexing gives: cut out, or folded back, an entry that was picked several times receiving the sum.
@compose(np.pad)
def pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """The array with room around it, filled with constants, or with its own entries: edge, reflect, symmetric, wrap."""
    x = arraylike(array)
    widths = _widths(pad_width, x.ndim)
    if mode == "constant":
        shape = tuple(before + n + after for n, (before, after) in zip(x.shape, widths, strict=True))
        inside = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, widths, strict=True))
        if type(constant_values) in (int, float) and constant_values == 0:
            return put(x, shape=shape, index=inside)
        frame = np.pad(np.zeros(x.shape, x.dtype), widths, constant_values=constant_values)
        return set_at(frame, x, index=inside)
    if mode not in _REPEATING:
        raise OptionError(f"pad knows the modes constant, {', '.join(_REPEATING)}, but was given mode={mode!r}.")
    for axis, (n, width) in enumerate(zip(x.shape, widths, strict=True)):
        if width != (0, 0):
            if not n:
                raise ShapeError(f"Axis {axis} of shape {x.shape} holds nothing that mode={mode!r} could repeat.")
            picked: Any = np.pad(np.arange(n), width, mode=mode)  # type: ignore[call-overload]
            x = take(x, picked, axis=axis)
    return x
