"""How a product of matrices is made: which memory is read, what lies transposed, and whether it is small."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tinygrad_edu.compiler.machine.views import dense_strides
from tinygrad_edu.compiler.program import Instruction, Value

if TYPE_CHECKING:
    from tinygrad_edu.compiler.machine.views import Views

__all__ = ["Matrix", "Product", "product_of"]

# Below so many multiplications, machine code made for the sizes at hand is faster than a call of the BLAS.
_SMALL = 2**21


class Matrix(NamedTuple):
    """An operand: the array that it is read from."""

    value: Value
    turned: bool
    """Whether it is the array's transpose."""
    strides: tuple[int, int]
    """Of the array's last two axes, in entries."""
    stack: tuple[int, ...] = ()
    """The array's axes before these."""

    @property
    def by_rows(self) -> bool:
        """Whether the entries of a row of the array lie side by side."""
        return self.strides[1] == 1

    @property
    def by_columns(self) -> bool:
        """Whether the entries of a column of the array lie side by side."""
        return self.strides[0] == 1


class Product(NamedTuple):
    """A product of two matrices, or of two stacks of them."""

    a: Matrix
    b: Matrix
    sizes: tuple[int, int, int]
    """Rows, columns, and terms of each sum."""
    stack: tuple[int, ...]
    """The lengths of the axes that say which matrix it is."""
    small: bool


def product_of(instruction: Instruction, views: Views) -> Product | None:
    """Find out how to make a product; None if it is not one of matrices of real numbers."""
    x, y = instruction.inputs[:2]
    if not (isinstance(x, Value) and isinstance(y, Value)) or len(x.shape) < 2 or len(y.shape) < 2:
        return None
    if instruction.op.name not in ("dot", "matmul", "descend") or (instruction.op.name == "dot" and len(x.shape) > 2):
        return None
    if x.dtype != y.dtype or x.dtype.name not in ("float32", "float64") or instruction.out is None:
        return None
    stack = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    out = dense_strides(instruction.out)
    if 0 in (*x.shape, *y.shape) or out[-1] != 1 or any(a < b for a, b in pairwise(out)):
        return None
    a, b = (_matrix(v, views, alone=not stack) for v in (x, y))
    sizes = x.shape[-2], y.shape[-1], x.shape[-1]
    small = math.prod(sizes) <= _SMALL or not all(m.by_rows or m.by_columns for m in (a, b))
    return Product(a, b, sizes, stack, small)


def _matrix(value: Value, views: Views, *, alone: bool) -> Matrix:
    seen = views(value)
    root = seen.root
    if alone and seen.axes is not None and len(root.shape) == 2:
        turned = root.shape != value.shape or seen.axes == (1, 0)
        return Matrix(root, turned, _plain(dense_strides(root), root.shape))
    return Matrix(value, turned=False, strides=_plain(seen.strides, value.shape), stack=value.shape[:-2])


def _plain(strides: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, int]:
    """Give the last two strides; of an axis of length 1 that which it would have in a matrix without gaps."""
    rows, columns = strides[-2:]
    if shape[-1] == 1 and shape[-2] != 1:
        columns = 1 if rows != 1 else shape[-2]
    if shape[-2] == 1:
        rows = shape[-1] if columns == 1 else 1
    return (rows, columns) if shape[-2:] != (1, 1) else (1, 1)
