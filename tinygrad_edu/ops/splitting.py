"""Compositions that take arrays apart: each part is a view."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.shape import arraylike, axes_within


def _cut(ary: Any, ends: list[Any], axis: int) -> list[Any]:
    before = (slice(None),) * axis
    return [ary[(*before, slice(start, stop))] for start, stop in zip([0, *ends], [*ends, None], strict=True)]


@compose(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """The parts before, between and after indices; or so many parts, the first of them longer by one if need be."""
    ary = arraylike(ary)
    (at,) = axes_within(axis, ary.ndim)
    if np.ndim(indices_or_sections):
        return _cut(ary, list(indices_or_sections), at)
    sections = operator.index(indices_or_sections)
    if sections < 1:
        raise OptionError(f"An array is split into 1 part or more, but was given {sections}.")
    each, longer = divmod(ary.shape[at], sections)
    return _cut(ary, [k * each + min(k, longer) for k in range(1, sections)], at)


@compose(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """The parts before, between and after indices; or so many parts of equal length."""
    ary = arraylike(ary)
    (at,) = axes_within(axis, ary.ndim)
    if not np.ndim(indices_or_sections) and indices_or_sections > 0 and ary.shape[at] % indices_or_sections:
        raise ShapeError(
            f"An axis of length {ary.shape[at]} has no {indices_or_sections} parts of equal length. "
            f"array_split lets the first ones be longer."
        )
    return array_split(ary, indices_or_sections, at)


def _with_axes(ary: Any, ndim: int, name: str) -> Any:
    ary = arraylike(ary)
    if ary.ndim < ndim:
        raise ShapeError(f"{name} needs at least {ndim} axes, but the shape is {ary.shape}. split takes any axis.")
    return ary


@compose(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> Any:
    """The parts along the first axis of at least two."""
    return split(_with_axes(ary, 2, "vsplit"), indices_or_sections, 0)


@compose(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> Any:
    """The parts along the second axis; of a vector, along its only one."""
    ary = _with_axes(ary, 1, "hsplit")
    return split(ary, indices_or_sections, 0 if ary.ndim == 1 else 1)


@compose(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> Any:
    """The parts along the third axis."""
    return split(_with_axes(ary, 3, "dsplit"), indices_or_sections, 2)


@compose(getattr(np, "unstack", "unstack"))  # NumPy has it from 2.1 on
def unstack(x: Any, axis: int = 0) -> Any:
    """The slices along `axis`, which they no longer have."""
    x = arraylike(x)
    (at,) = axes_within(axis, x.ndim)
    return tuple(x[(*(slice(None),) * at, i)] for i in range(x.shape[at]))
