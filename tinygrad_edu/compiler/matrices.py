"""How a product of matrices is made: which memory is read, what lies transposed, and whether it is small."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.compiler.forms import dense_strides
from tinygrad_edu.compiler.program import Instruction, Value

if TYPE_CHECKING:
    from tinygrad_edu.compiler.forms import Views

__all__ = ["Product", "product_of"]

# Below so many multiplications, machine code made for the sizes at hand is faster than a call of the BLAS.
_SMALL = 2**21


class Matrix(NamedTuple):
    """An operand: the array that it is read from."""

    value: Value
    turned: bool
    """Whether it is the array's transpose."""
    by_rows: bool
    """Whether the array lies in memory row by row, without gaps."""


class Product(NamedTuple):
    """A product of two matrices."""

    a: Matrix
    b: Matrix
    sizes: tuple[int, int, int]
    """Rows, columns, and terms of each sum."""
    small: bool


def product_of(instruction: Instruction, views: Views) -> Product | None:
    """Find out how to make a product; None if it is not one of two matrices of real numbers."""
    x, y = instruction.inputs[:2]
    if not (isinstance(x, Value) and isinstance(y, Value) and len(x.shape) == len(y.shape) == 2):
        return None
    if x.dtype != y.dtype or x.dtype.name not in ("float32", "float64"):
        return None
    a, b = (_matrix(v, views) for v in (x, y))
    sizes = x.shape[0], y.shape[1], x.shape[1]
    if a is None or b is None:
        return None
    return Product(a, b, sizes, math.prod(sizes) <= _SMALL and a.by_rows and b.by_rows)


def _matrix(value: Value, views: Views) -> Matrix | None:
    seen = views(value)
    root = seen.root
    if seen.axes is None:
        return Matrix(value, turned=False, by_rows=False) if 1 in seen.strides or 1 in value.shape else None
    if len(root.shape) != 2:  # axes of length 1 come and go
        return Matrix(value, turned=False, by_rows=seen.strides[1] == 1 or value.shape[1] == 1)
    turned = root.shape != value.shape or (seen.axes != (0, 1) and None not in seen.axes)
    return Matrix(root, turned, by_rows=dense_strides(root)[1] == 1 or root.shape[1] == 1)
