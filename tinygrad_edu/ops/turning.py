"""Rows that turn arrays around: flipped, rotated, rolled along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.arithmetic import identity
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.shape import arraylike, axes_within, swapaxes
from tinygrad_edu.ops.table import Op, define

flip: Op = define(
    np.flip,
    lambda g, _y, _x, axis=None: flip(g, axis=axis),
    view=True,
    doc="The entries in reverse along `axis`, or along all axes.",
    gradient="g, flipped back",
)


@compose(np.flipud)
def flipud(m: Any) -> Any:
    """The first axis in reverse: a matrix upside down."""
    return flip(arraylike(m), axis=0)


@compose(np.fliplr)
def fliplr(m: Any) -> Any:
    """The second axis in reverse: a matrix with left and right exchanged."""
    return flip(arraylike(m), axis=1)


@compose(np.rot90)
def rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    """The plane of two axes turned k times by 90°, from the first of them to the second."""
    m = arraylike(m)
    within = axes_within(tuple(axes), m.ndim)
    if len(within) != 2:
        raise ShapeError(f"rot90 turns the plane of 2 axes, but was given {len(within)}: axes={axes}.")
    first, second = within
    if k % 4 == 0:
        return identity(m)
    if k % 4 == 2:
        return flip(m, axis=within)
    if k % 4 == 1:
        return swapaxes(flip(m, axis=second), axis1=first, axis2=second)
    return flip(swapaxes(m, axis1=first, axis2=second), axis=second)


def _opposite(shift: Any) -> Any:
    return tuple(-s for s in shift) if np.ndim(shift) else -shift


roll: Op = define(
    np.roll,
    lambda g, _y, _x, shift, axis=None: roll(g, shift=_opposite(shift), axis=axis),
    doc="The entries shifted along `axis`; what falls off one end comes in at the other.",
    gradient="g, shifted back",
)
