"""The product of two arrays summed over indices, and einsum, which is made of such products."""

from __future__ import annotations

import functools
import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.arithmetic import identity
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.diagonals import diagonal
from tinygrad_edu.ops.reductions import sum  # noqa: A004 - the row
from tinygrad_edu.ops.shape import arraylike, axes_within, transpose
from tinygrad_edu.ops.subscripts import as_text, planned
from tinygrad_edu.ops.table import Op, define

if TYPE_CHECKING:
    from tinygrad_edu.ops.subscripts import Preparation, Shape


# ------------------------------------------------------------------------------------------ contract
# Each index occurs in two of the three, a, b and the result, or in all. So the gradients are products of the same
# kind: what one of the three lacks is summed over.
def _contract(a: Any, b: Any, subscripts: str) -> Any:
    if not (isinstance(a, np.ndarray) and isinstance(b, np.ndarray)):
        # What was summed alone, of constants, is a plain number: it takes on the dtype of the other.
        a, b = (
            x if hasattr(x, "__apply_op__") else np.asarray(x, getattr(other, "dtype", None))
            for x, other in ((a, b), (b, a))
        )
    steps = _steps(subscripts, a.shape, b.shape)
    if steps.exchanged:
        a, b = b, a
    if steps.left is not None:
        a = steps.left(a)
    if steps.right is not None:
        b = steps.right(b)
    z = steps.product(a, b)
    return z if steps.result is None else steps.result(z)


@functools.lru_cache(maxsize=1024)
def _turned(subscripts: str) -> tuple[str, str]:
    """Give the subscripts of the gradients.

    Examples
    --------
    >>> _turned("ij,jk->ik")
    ('ik,jk->ij', 'ij,ik->jk')
    """
    a, b, out = _parts(subscripts)
    return f"{out},{b}->{a}", f"{a},{out}->{b}"


contract: Op = define(
    "contract",
    lambda g, _z, _a, b, subscripts: contract(g, b, subscripts=_turned(subscripts)[0]),
    lambda g, _z, a, _b, subscripts: contract(a, g, subscripts=_turned(subscripts)[1]),
    forward=_contract,
    doc="Entries of a times entries of b, summed over the indices that the result lacks, as in 'ij,jk->ik'.",
    gradient="entries of g times entries of b, with the indices of a; entries of a times entries of g, with those of b",
)


# ------------------------------------------------------------------- how it becomes a product of matrices
class _Layout(NamedTuple):
    """Axes to be permuted, merged or taken apart."""

    axes: Shape
    shape: Shape

    def __call__(self, x: Any) -> Any:
        return x.transpose(self.axes).reshape(self.shape)


class _Apart(NamedTuple):
    """Axes to be taken apart, and permuted then."""

    shape: Shape
    axes: Shape

    def __call__(self, x: Any) -> Any:
        return x.reshape(self.shape).transpose(self.axes)


class _Steps(NamedTuple):
    """How two arrays of known shapes are multiplied; None where nothing is to be done."""

    product: Any
    exchanged: bool
    """Whether b comes first."""
    left: _Layout | None
    right: _Layout | None
    result: _Apart | None


@functools.lru_cache(maxsize=4096)
def _steps(subscripts: str, shape_a: Shape, shape_b: Shape) -> _Steps:
    a, b, out = _parts(subscripts)
    sizes = _lengths(subscripts, a, b, shape_a, shape_b)
    if set(out) >= {*a, *b}:  # nothing is summed
        return _Steps(_multiply, False, _aligned(a, out, sizes), _aligned(b, out, sizes), None)  # noqa: FBT003
    # The last axis of the result is one of the right operand, so that it needs no transposing.
    if exchanged := out[-1:] not in b and any(c not in a for c in out):
        a, b = b, a
    both = [c for c in out if c in a and c in b]
    rows = [c for c in out if c not in b]
    columns = [c for c in out if c not in a]
    # The letters of the sum in an order in which they lie together in both operands, if there is one.
    orders = [[c for c in x if c not in out] for x in (a, b)]
    summed = max(orders, key=lambda order: ("".join(order) in a) + ("".join(order) in b))
    product: Any = _dot
    if both:
        product = _matmul if rows or columns else np.vecdot
    whole = product is _matmul  # a stack of matrices needs its axes of length 1, what else there is does not
    left = _merged(a, both, [rows, summed], sizes, whole=whole)
    right = _merged(b, both, [summed, columns], sizes, whole=whole)
    return _Steps(product, exchanged, left, right, _apart(both, [rows, columns], out, sizes, whole=whole))


def _parts(subscripts: str) -> tuple[str, str, str]:
    inputs, _, out = subscripts.partition("->")
    a, _, b = inputs.partition(",")
    return a, b, out


def _lengths(subscripts: str, a: str, b: str, shape_a: Shape, shape_b: Shape) -> dict[str, int]:
    out = _parts(subscripts)[2]
    if any(len(set(x)) < len(x) or not set(x) <= {*y, *z} for x, y, z in ((a, b, out), (b, out, a), (out, a, b))):
        raise ValueError(f"each index of {subscripts!r} must occur in two of its three parts, and in none twice")
    if (len(a), len(b)) != (len(shape_a), len(shape_b)):
        raise ValueError(f"{subscripts!r} names {len(a)} and {len(b)} axes")
    sizes = dict(zip(a, shape_a, strict=True)) | dict(zip(b, shape_b, strict=True))
    if wrong := [c for c, n in zip(a, shape_a, strict=True) if sizes[c] != n]:
        raise ValueError(f"the axes with index {wrong[0]!r} of {subscripts!r} are not equally long")
    return sizes


def _aligned(x: str, out: str, sizes: dict[str, int]) -> _Layout | None:
    """Order the axes as in the result, with length 1 for those that are missing between them."""
    axes = tuple(x.index(c) for c in out if c in x)
    shape = tuple(sizes[c] if c in x else 1 for c in out)[min((out.index(c) for c in x), default=len(out)) :]
    return None if axes == tuple(range(len(x))) and len(shape) == len(x) else _Layout(axes, shape)


def _merged(x: str, both: list[str], groups: list[list[str]], sizes: dict[str, int], *, whole: bool) -> _Layout | None:
    """Order the axes by groups, and merge each group into one. Axes that lie together are merged in place."""
    groups = [group for group in groups if group or whole]
    axes = tuple(x.index(c) for c in (*both, *itertools.chain(*groups)))
    if axes == tuple(range(len(x))) and all(len(group) == 1 for group in groups):
        return None
    return _Layout(axes, (*(sizes[c] for c in both), *(math.prod(sizes[c] for c in group) for group in groups)))


def _apart(both: list[str], groups: list[list[str]], out: str, sizes: dict[str, int], *, whole: bool) -> _Apart | None:
    """Take the merged axes of the product apart, and order them as in the result."""
    letters = [*both, *itertools.chain(*groups)]
    axes = tuple(letters.index(c) for c in out)
    if axes == tuple(range(len(out))) and all(len(group) == 1 or not (group or whole) for group in groups):
        return None
    return _Apart(tuple(sizes[c] for c in letters), axes)


def _dot(a: Any, b: Any) -> Any:
    return a.dot(b)


def _multiply(a: Any, b: Any) -> Any:
    return a * b


def _matmul(a: Any, b: Any) -> Any:
    return np.matmul(_for_blas(a), _for_blas(b))


def _for_blas(x: Any) -> Any:
    """Copy matrices that lie in memory neither by rows nor by columns: their product would be slow."""
    return x if x.itemsize in x.strides[-2:] else x.copy()


# ------------------------------------------------------------------------------------------- einsum
def as_operands(*xs: Any) -> list[Any]:
    """Give Tensors and arrays as they are; numbers take on the dtype of the rest, and lists of floats are float32.

    Examples
    --------
    >>> [x.dtype for x in as_operands(np.ones(2, np.float32), 2.0, [3.0])]
    [dtype('float32'), dtype('float32'), dtype('float32')]
    """
    if all(type(x) is np.ndarray or hasattr(x, "__apply_op__") for x in xs):
        return list(xs)
    # NumPy's own scalars count as numbers, as everywhere beside a Tensor.
    numbers = [x.item() if isinstance(x, (np.float64, np.integer)) else x for x in xs]
    arrays = [x if isinstance(x, (int, float)) else _as_array(x) for x in numbers]
    dtype = np.result_type(*(getattr(x, "dtype", x) for x in arrays))
    return [np.asarray(x, dtype) if isinstance(x, (int, float)) else x for x in arrays]


def _as_array(x: Any) -> Any:
    array = arraylike(x)
    return array.astype(np.float32) if array is not x and array.dtype == np.float64 else array


@compose(np.einsum)
def einsum(*operands: Any, optimize: Any = True) -> Any:  # noqa: ARG001 - the order is chosen here
    """Entries of arrays multiplied, and summed over the indices that the result lacks: einsum("ij,jk->ik", x, y)."""
    subscripts, given = as_text(operands)
    arrays = as_operands(*given)
    plan = planned(subscripts, tuple(x.shape for x in arrays))
    for step in plan.preparations:
        arrays[step.operand] = _prepared(arrays[step.operand], step)
    for first, second, product in plan.products:
        b, a = arrays.pop(second), arrays.pop(first)
        arrays.append(contract(a, b, subscripts=product))
    (out,) = arrays
    if plan.order is not None:
        return transpose(out, axes=plan.order)
    return out if plan.products or plan.preparations else identity(out)


def _prepared(x: Any, step: Preparation) -> Any:
    """Bring an operand to the form in which each of its indices counts, and once."""
    if step.shape is not None:
        x = x.reshape(step.shape)
    for axis1, axis2 in step.diagonals:
        x = diagonal(x, axis1=axis1, axis2=axis2)
    if step.alone:
        total = sum(x, axis=step.alone)
        x = total if x.dtype.kind == "f" else total.astype(x.dtype)  # einsum adds integers in their own dtype
    return x


@compose(np.tensordot, also=(np.linalg.tensordot,))
def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """Entries of a times entries of b, summed over pairs of axes: the last of a with the first of b, or those named."""
    a, b = as_operands(a, b)
    axes_a, axes_b = _pairs(axes, a.ndim, b.ndim)
    if [a.shape[k] for k in axes_a] != [b.shape[k] for k in axes_b]:
        raise ShapeError(
            f"tensordot of shapes {a.shape} and {b.shape} is not possible: the axes {list(axes_a)} of the one must be "
            f"as long as the axes {list(axes_b)} of the other."
        )
    return contract(a, b, subscripts=_over(a.ndim, b.ndim, axes_a, axes_b))


def _pairs(axes: Any, ndim_a: int, ndim_b: int) -> tuple[Shape, Shape]:
    """List the axes of a and b that are summed over, counted from the front."""
    if isinstance(axes, (int, np.integer)):
        if not 0 <= axes <= min(ndim_a, ndim_b):
            raise ShapeError(f"tensordot of {ndim_a} and {ndim_b} axes cannot sum over {axes} of them.")
        return tuple(range(ndim_a - axes, ndim_a)), tuple(range(axes))
    named = [tuple(part) if np.iterable(part) else (part,) for part in axes]
    if len(named) != 2 or len(named[0]) != len(named[1]):
        raise ShapeError(f"tensordot pairs as many axes of the one as of the other, but was given axes={axes}.")
    return axes_within(named[0], ndim_a), axes_within(named[1], ndim_b)


@functools.lru_cache(maxsize=1024)
def _over(ndim_a: int, ndim_b: int, axes_a: Shape, axes_b: Shape) -> str:
    """Name the axes.

    Examples
    --------
    >>> _over(3, 2, (2,), (0,))
    'abc,ce->abe'
    """
    letters = [chr(ord("a") + k) for k in range(ndim_a + ndim_b)]  # no letter is a comma, an arrow or used twice
    a, b = letters[:ndim_a], letters[ndim_a:]
    for k, m in zip(axes_a, axes_b, strict=True):
        b[m] = a[k]
    out = [c for c in (*a, *b) if (c in a) != (c in b)]
    return f"{''.join(a)},{''.join(b)}->{''.join(out)}"
