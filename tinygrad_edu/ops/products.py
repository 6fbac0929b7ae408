"""Products of matrices and vectors, in each of the forms that NumPy has."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.contraction import as_operands, einsum, tensordot
from tinygrad_edu.ops.joining import concatenate
from tinygrad_edu.ops.shape import moveaxis, ravel
from tinygrad_edu.ops.table import Op, define

if TYPE_CHECKING:
    from collections.abc import Sequence


def _swap(x: Any) -> Any:
    return x.swapaxes(-1, -2)


def _rows(x: Any) -> Any:
    """See all leading axes as one."""
    return x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


# --------------------------------------------------------------------------------------------- matmul
# x @ y with x (..., n, k) and y (..., k, m), leading axes broadcast; a vector on the left is a row
# (1, k), a vector on the right a column (k, 1), and the axis that was added is taken away again.
# Of two matrices the gradients are taken by dot, which is the same in half the time when they are small.
def _matmul_wrt_x(g: Any, _z: Any, _x: Any, y: Any) -> Any:
    if _x.ndim == 2 == y.ndim:
        return g.dot(y.T)
    if y.ndim == 1:
        return g[..., None] * y
    if _x.ndim == 1:
        return (y @ g[..., None])[..., 0]
    return g @ _swap(y)


def _matmul_wrt_y(g: Any, _z: Any, x: Any, _y: Any) -> Any:
    if x.ndim == 2 == _y.ndim:
        return np.dot(x.T, g)  # not x.T.dot(g): x may be a constant where g is a Tensor
    if x.ndim == 1:
        return g * x if _y.ndim == 1 else x[:, None] * g[..., None, :]
    if _y.ndim == 1:
        return (_swap(x) @ g[..., None])[..., 0]
    if x.ndim > 2 == _y.ndim:  # one product for the whole stack, instead of one each that are added up
        return np.dot(_rows(x).T, _rows(g))
    return _swap(x) @ g


matmul = define(
    np.matmul,
    _matmul_wrt_x,
    _matmul_wrt_y,
    doc="The matrix product, over leading axes that broadcast.",
    gradient="g yᵀ; xᵀ g",
    also=(np.linalg.matmul,),
)


# ------------------------------------------------------------------------------------------------ dot
# What matmul is for matrices and vectors, in half the time when they are small; with a number it is the product,
# and of two stacks it is each row of the one with each column of the other.
_PLAIN = frozenset({(1, 1), (1, 2), (2, 1), (2, 2)})


def _dot(x: Any, y: Any) -> Any:
    ndims = getattr(x, "ndim", 0), getattr(y, "ndim", 0)
    if ndims in _PLAIN:
        return x.dot(y)
    if 0 in ndims:
        return np.multiply(x, y)
    axis = _next_to_last(y)
    if x.shape[-1] != y.shape[axis]:
        raise ValueError("the last axis of the first must be as long as the last but one of the second")
    return tensordot(x, y, axes=(-1, axis))


def _next_to_last(y: Any) -> int:
    return max(int(y.ndim) - 2, 0)


def _dot_wrt_x(g: Any, _z: Any, _x: Any, y: Any) -> Any:
    if _x.ndim == 2 == getattr(y, "ndim", 0):
        return g.dot(y.T)
    if not _x.ndim or not getattr(y, "ndim", 0):
        return g * y
    if y.ndim <= 2:
        return _matmul_wrt_x(g, _z, _x, y)
    rest = [axis for axis in range(y.ndim) if axis != y.ndim - 2]
    return tensordot(g, y, axes=(range(_x.ndim - 1, g.ndim), rest))


def _dot_wrt_y(g: Any, _z: Any, x: Any, _y: Any) -> Any:
    if _y.ndim == 2 == getattr(x, "ndim", 0):
        return np.dot(x.T, g)  # not x.T.dot(g): x may be a constant where g is a Tensor
    if not _y.ndim or not getattr(x, "ndim", 0):
        return g * x
    if x.ndim <= 2 and _y.ndim <= 2:
        return _matmul_wrt_y(g, _z, x, _y)
    rest = range(x.ndim - 1)
    return moveaxis(tensordot(x, g, axes=(rest, rest)), 0, _next_to_last(_y))


dot: Op = define(
    np.dot,
    _dot_wrt_x,
    _dot_wrt_y,
    forward=_dot,
    doc="The product of matrices or vectors: rows of x by columns of y.",
    gradient="g yᵀ; xᵀ g",
)


# --------------------------------------------------------------------------------------------- linear
# One row for a layer's x Wᵀ + b, with W stored (outputs, inputs) as PyTorch stores it. As three rows it
# would be the same formula in 1.7 times the time, for 32 × 16 to 16.
def _linear(x: Any, weight: Any, bias: Any) -> Any:
    if not 0 < x.ndim < 3:
        return _linear_of_a_stack(x, weight, bias)
    return x.dot(weight.T) + bias


def _linear_of_a_stack(x: Any, weight: Any, bias: Any) -> Any:
    if not x.ndim:
        raise ValueError("a single number has no features")
    # As one matrix: NumPy's dot of three axes takes 7 times as long, for 32 × 50 × 64 to 64.
    return _linear(_rows(x), weight, bias).reshape((*x.shape[:-1], len(weight)))


linear = define(
    "linear",
    lambda g, _y, _x, weight, _bias: g.dot(weight) if g.ndim <= 2 else g @ weight,
    lambda g, _y, x, _weight, _bias: g.T.dot(x) if x.ndim == 2 else _rows(g).T.dot(_rows(x)),
    lambda g, _y, _x, _weight, _bias: g,
    forward=_linear,
    doc="x Wᵀ + b.",
    gradient="g W; gᵀ x; g",
)


# ------------------------------------------------------------------------- products of vectors, and of many
@compose(np.inner)
def inner(a: Any, b: Any) -> Any:
    """Sums of products over the last axes of a and b."""
    a, b = as_operands(a, b)
    return tensordot(a, b, axes=(-1, -1)) if a.ndim and b.ndim else a * b


@compose(np.outer, also=(np.linalg.outer,))
def outer(a: Any, b: Any) -> Any:
    """Each entry of a times each entry of b: the matrix a bᵀ."""
    a, b = as_operands(a, b)
    return ravel(a)[:, None] * ravel(b)


@compose(np.vdot)
def vdot(a: Any, b: Any) -> Any:
    """The sum of the products of all entries."""
    a, b = as_operands(a, b)
    return dot(ravel(a), ravel(b))


@compose(np.vecdot, also=(np.linalg.vecdot,))
def vecdot(x1: Any, x2: Any, axis: int = -1) -> Any:
    """The dot products of vectors along `axis`, over the other axes, which broadcast."""
    x1, x2 = as_operands(x1, x2)
    _check_sides("vecdot", (x1, 1, axis), (x2, 1, axis))
    if axis != -1:
        x1, x2 = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)
    return einsum("...i,...i->...", x1, x2)


@compose(getattr(np, "matvec", "matvec"))  # NumPy has it from 2.2 on
def matvec(x1: Any, x2: Any) -> Any:
    """Matrices times vectors, over leading axes that broadcast."""
    x1, x2 = as_operands(x1, x2)
    _check_sides("matvec", (x1, 2, -1), (x2, 1, -1))
    return einsum("...ij,...j->...i", x1, x2)


@compose(getattr(np, "vecmat", "vecmat"))  # NumPy has it from 2.2 on
def vecmat(x1: Any, x2: Any) -> Any:
    """Vectors times matrices, over leading axes that broadcast."""
    x1, x2 = as_operands(x1, x2)
    _check_sides("vecmat", (x1, 1, -1), (x2, 2, -2))
    return einsum("...i,...ij->...j", x1, x2)


def _check_sides(name: str, *sides: tuple[Any, int, int]) -> None:
    """Raise unless the axes that are summed over are there and equally long; einsum would stretch a length of 1."""
    if any(x.ndim < least for x, least, _ in sides) or len({x.shape[axis] for x, _, axis in sides}) > 1:
        shapes = " and ".join(str(x.shape) for x, _, _ in sides)
        raise ShapeError(f"{name} of shapes {shapes} is not possible: the axes that are summed over must be equal.")


@compose(np.linalg.multi_dot, sequence=True)
def multi_dot(arrays: Sequence[Any]) -> Any:
    """The product of a chain of matrices, in the cheapest order; the first and the last may be vectors."""
    arrays = as_operands(*arrays)
    if len(arrays) < 2:
        raise OptionError(f"multi_dot multiplies two arrays or more, but was given {len(arrays)}.")
    first, *inner, last = (x.ndim for x in arrays)
    if not (1 <= first <= 2 and 1 <= last <= 2 and all(n == 2 for n in inner)):
        shapes = " and ".join(str(x.shape) for x in arrays)
        raise ShapeError(f"multi_dot takes matrices, and vectors at the ends, but was given shapes {shapes}.")
    lengths = (1 if first == 1 else arrays[0].shape[0], *(x.shape[0] for x in arrays[1:]))
    split = _cheapest((*lengths, 1 if last == 1 else arrays[-1].shape[1]))

    def product(i: int, j: int) -> Any:
        return arrays[i] if i == j else dot(product(i, split[i, j]), product(split[i, j] + 1, j))

    return product(0, len(arrays) - 1)


@functools.lru_cache(maxsize=64)
def _cheapest(lengths: tuple[int, ...]) -> dict[tuple[int, int], int]:
    """Find after which matrix to split each part of a chain: matrix i has `lengths[i]` rows, `lengths[i + 1]` columns.

    Examples
    --------
    >>> _cheapest((2, 100, 2, 100))[0, 2]
    1
    """
    n = len(lengths) - 1
    cost, split = {(i, i): 0 for i in range(n)}, {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            costs = {k: cost[i, k] + cost[k + 1, j] + lengths[i] * lengths[k + 1] * lengths[j + 1] for k in range(i, j)}
            split[i, j] = min(costs, key=lambda k: costs[k])
            cost[i, j] = costs[split[i, j]]
    return split


@compose(np.kron)
def kron(a: Any, b: Any) -> Any:
    """Blocks: each entry of a, multiplied with all of b."""
    a, b = as_operands(a, b)
    n = max(a.ndim, b.ndim)
    rows, columns = ((1,) * (n - x.ndim) + x.shape for x in (a, b))
    blocks = a.reshape([k for m in rows for k in (m, 1)]) * b.reshape([k for m in columns for k in (1, m)])
    return blocks.reshape(tuple(k * m for k, m in zip(rows, columns, strict=True)))


# --------------------------------------------------------------------------------------------- cross
# a · (b × c) does not change when its three vectors go round: that is the gradient.
def _cross(a: Any, b: Any) -> Any:
    return np.cross(a, b)


cross_product: Op = define(
    "cross_product",
    lambda g, _z, _a, b: cross_product(b, g),
    lambda g, _z, a, _b: cross_product(g, a),
    forward=_cross,
    doc="The vector across two vectors of three, which are the last axis.",
)


@compose(np.cross, also=(np.linalg.cross,))
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """The vector across two vectors of three; of a plane's vectors of two, its length."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = as_operands(a, b)
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    sides = a.shape[-1:] + b.shape[-1:]
    if not {*sides} <= {2, 3}:
        raise ShapeError(f"cross takes vectors of three or two, but the shapes are {a.shape} and {b.shape}.")
    if sides == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    z = cross_product(_of_three(a), _of_three(b))
    return z if axisc == -1 else moveaxis(z, -1, axisc)


def _of_three(x: Any) -> Any:
    """Give vectors of a plane a third component, 0."""
    if x.shape[-1] == 3:
        return x
    return concatenate(x, np.zeros((*x.shape[:-1], 1), x.dtype), axis=-1)
