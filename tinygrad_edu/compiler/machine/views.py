"""Where a value lies in the memory of another, and how: views are seen through.

A view that only renames axes, as ``x.T`` and ``x[:, None]``, is for loops the array itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import followed
from tinygrad_edu.compiler.program import Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tinygrad_edu.compiler.assembling import Step
    from tinygrad_edu.compiler.program import Program

__all__ = ["Along", "Seen", "Views", "dense_strides"]

Along = tuple[int | None, ...]
"""For each axis of an operand, the axis of the iteration space that it goes along with; None where it stays at 0."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A value as a part of the memory of another: of itself, if it is no view."""

    root: Value
    offset: int
    """In entries."""
    strides: tuple[int, ...]
    """In entries."""
    axes: Along | None
    """For each of its axes the root's axis that it is; None if the view does more than to rename axes."""


def dense_strides(value: Value) -> tuple[int, ...]:
    """Lay a value out without gaps, its axes in the order that its example has; in entries.

    Examples
    --------
    >>> dense_strides(Value("x", "computed", np.empty((2, 3))))
    (3, 1)
    >>> dense_strides(Value("x", "computed", np.empty((3, 2)).T))
    (1, 2)
    """
    strides = [0] * len(value.shape)
    step = 1
    given = value.array.strides if value.kind != "input" else np.empty(value.shape, np.bool).strides
    for axis in sorted(range(len(value.shape)), key=lambda a: (given[a], -a)):
        strides[axis] = step
        step *= value.shape[axis]
    return tuple(strides)


class Views:
    """Sees through the views of a program."""

    def __init__(self, program: Program) -> None:
        self._makers = {i.out: i for i in program.instructions if i.op is p.VIEW and i.out is not None}
        self._seen: dict[Value, Seen] = {}
        self._dummies: dict[Value, NDArray[Any]] = {}

    def __call__(self, value: Value) -> Seen:
        """Say what part of which memory a value is."""
        if value not in self._seen:
            self._seen[value] = self._see(value)
        return self._seen[value]

    def _see(self, value: Value) -> Seen:
        chain = [value]
        while chain[-1] in self._makers:
            chain.append(self._makers[chain[-1]].inputs[0])
        root = chain[-1]
        for later, earlier in zip(reversed(chain[:-1]), reversed(chain[1:]), strict=True):
            if later not in self._dummies:
                self._dummies[later] = self._makers[later].options["make"](self._dummy(earlier))
        array, whole = self._dummy(value), self._dummy(root)
        size = whole.itemsize
        offset = (array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]) // size
        strides = tuple(s // size for s in array.strides)
        return Seen(root, offset, strides, _renamed(array.shape, strides, offset, root))

    def window(self, root: Value, path: Iterable[Step], name: str) -> Value:
        """Give a part of a value that is written on its own, found by views, as a value."""
        path = tuple(path)
        if not path:
            return root
        array = followed(path, self._dummy(root))
        part = Value(name, "computed", array)
        whole = self._dummy(root)
        size = whole.itemsize
        offset = (array.__array_interface__["data"][0] - whole.__array_interface__["data"][0]) // size
        self._seen[part] = Seen(root, offset, tuple(s // size for s in array.strides), None)
        return part

    def _dummy(self, value: Value) -> NDArray[Any]:
        """Give an array with the value's layout; its memory is never touched."""
        if value not in self._dummies:
            memory = np.empty(math.prod(value.shape), value.dtype)
            strides = tuple(s * memory.itemsize for s in dense_strides(value))
            self._dummies[value] = np.lib.stride_tricks.as_strided(memory, value.shape, strides)
        return self._dummies[value]


def _renamed(shape: tuple[int, ...], strides: tuple[int, ...], offset: int, root: Value) -> Along | None:
    """Find which axis of the root each axis is."""
    there = {(n, s): k for k, (n, s) in enumerate(zip(root.shape, dense_strides(root), strict=True)) if n > 1}
    axes = [there.pop((n, s), -1) if n > 1 else None for n, s in zip(shape, strides, strict=True)]
    return None if offset or there or -1 in axes else tuple(axes)
