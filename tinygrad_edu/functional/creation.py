"""Tensors from nothing: zeros, ranges, identity matrices, and what has the shape of another.

Shapes may be given as NumPy takes them, ``zeros((2, 3))``, or as PyTorch does, ``zeros(2, 3)``. Floating results are
float32 unless told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, OptionError
from tinygrad_edu.functional.arguments import as_shape
from tinygrad_edu.tape import check, take_out
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

__all__ = [
    "arange",
    "eye",
    "full",
    "full_like",
    "linspace",
    "logspace",
    "one_hot",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
]


# -------------------------------------------------------------------------------------- of a given shape
def zeros(*shape: Any, dtype: DTypeLike = np.float32, requires_grad: bool = False) -> Tensor:
    """Make zeros of a shape: ``zeros(2, 3)`` or ``zeros((2, 3))``.

    Raises
    ------
    ShapeError
        If a length is negative or no whole number.
    DtypeError
        If whole numbers are asked for gradients.

    Examples
    --------
    >>> zeros(2, 3)
    tensor([[0., 0., 0.],
            [0., 0., 0.]])
    """
    return Tensor(np.zeros(as_shape(shape), dtype), requires_grad=requires_grad)


def ones(*shape: Any, dtype: DTypeLike = np.float32, requires_grad: bool = False) -> Tensor:
    """Make ones of a shape: ``ones(2, 3)`` or ``ones((2, 3))``.

    Raises
    ------
    ShapeError
        If a length is negative or no whole number.
    DtypeError
        If whole numbers are asked for gradients.

    Examples
    --------
    >>> ones(2, dtype=np.int64)
    tensor([1, 1])
    """
    return Tensor(np.ones(as_shape(shape), dtype), requires_grad=requires_grad)


def full(
    shape: int | tuple[int, ...],
    fill_value: Tensor | ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Repeat a value, or what broadcasts, to fill a shape; in the value's dtype unless told.

    Gradients flow back to a value that is a Tensor.

    Raises
    ------
    ShapeError
        If the value does not broadcast to the shape.
    GraphError
        If the result of such a Tensor is to be a leaf: leave `requires_grad` out.

    Examples
    --------
    >>> full((2, 2), 0.5)
    tensor([[0.5, 0.5],
            [0.5, 0.5]])
    >>> full(3, 7)
    tensor([7, 7, 7])
    """
    value = fill_value if isinstance(fill_value, Tensor) else Tensor(fill_value)
    out = apply(ops.broadcast_to, (value,), {"shape": as_shape((shape,))})
    return _leaf(out if dtype is None else out.astype(dtype), requires_grad=requires_grad)


def eye(n: int, m: int | None = None, *, dtype: DTypeLike = np.float32, requires_grad: bool = False) -> Tensor:
    """Make the identity matrix, (n, n) or the first m columns (n, m): 1 on the diagonal, else 0.

    Raises
    ------
    ShapeError
        If a length is negative or no whole number.

    Examples
    --------
    >>> eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return Tensor(np.eye(*as_shape((n, n if m is None else m)), dtype=np.dtype(dtype)), requires_grad=requires_grad)


# ---------------------------------------------------------------------------------------------- ranges
def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Count from `start`, or from 0 if it is the only argument, in steps up to below `stop`.

    Whole numbers give int64, others float32. The number of steps of a fraction is a matter of rounding; where it must
    be right, use `linspace`.

    Raises
    ------
    OptionError
        If the step is 0, or a number is not finite.

    Examples
    --------
    >>> arange(4)
    tensor([0, 1, 2, 3])
    >>> arange(0, 1, 0.25)
    tensor([0.  , 0.25, 0.5 , 0.75])
    """
    start, stop = (0, start) if stop is None else (start, stop)
    if not step or not np.isfinite([start, stop, step]).all():
        raise OptionError(
            f"arange needs finite numbers and a step that is not 0, but was given {start}, {stop}, {step}."
        )
    return _range(np.arange(start, stop, step), dtype or None, requires_grad=requires_grad)


def linspace(
    start: float,
    stop: float,
    num: int = 50,
    *,
    endpoint: bool = True,
    steps: int | None = None,
    dtype: DTypeLike = np.float32,
    requires_grad: bool = False,
) -> Tensor:
    """Space numbers evenly from `start` to `stop`, both among them unless ``endpoint=False``.

    Parameters
    ----------
    num
        How many; PyTorch calls it `steps`, which is read too.

    Raises
    ------
    OptionError
        If the number of numbers is negative.

    Examples
    --------
    >>> linspace(0, 1, 5)
    tensor([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    spaced = np.linspace(start, stop, _how_many("linspace", num, steps), endpoint=endpoint)
    return _range(spaced, dtype, requires_grad=requires_grad)


def logspace(
    start: float,
    stop: float,
    num: int = 50,
    *,
    endpoint: bool = True,
    base: float = 10.0,
    steps: int | None = None,
    dtype: DTypeLike = np.float32,
    requires_grad: bool = False,
) -> Tensor:
    """Space numbers from base^start to base^stop so that each is the same multiple of the one before.

    Raises
    ------
    OptionError
        If the number of numbers is negative.

    Examples
    --------
    >>> logspace(0, 3, 4)
    tensor([   1.,   10.,  100., 1000.])
    """
    spaced = np.logspace(start, stop, _how_many("logspace", num, steps), endpoint=endpoint, base=base)
    return _range(spaced, dtype, requires_grad=requires_grad)


# ---------------------------------------------------------------------------------- of another's shape
def zeros_like(x: Tensor | ArrayLike, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Make zeros in the shape of x, and in its dtype unless told; no gradient flows back to x.

    Examples
    --------
    >>> zeros_like([1.0, 2.0])
    tensor([0., 0.])
    """
    return _leaf(apply(ops.zeros_like, (_as_tensor(x),), {"dtype": dtype}), requires_grad=requires_grad)


def ones_like(x: Tensor | ArrayLike, *, dtype: DTypeLike | None = None, requires_grad: bool = False) -> Tensor:
    """Make ones in the shape of x, and in its dtype unless told; no gradient flows back to x.

    Examples
    --------
    >>> ones_like([1.0, 2.0])
    tensor([1., 1.])
    """
    return _leaf(apply(ops.ones_like, (_as_tensor(x),), {"dtype": dtype}), requires_grad=requires_grad)


def full_like(
    x: Tensor | ArrayLike,
    fill_value: Tensor | ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Repeat a value in the shape of x, and in its dtype unless told; gradients flow back to a value that is a Tensor.

    Raises
    ------
    ShapeError
        If the value does not broadcast to the shape of x.

    Examples
    --------
    >>> full_like([1.0, 2.0], 0.5)
    tensor([0.5, 0.5])
    """
    return _leaf(ops.full_like(_as_tensor(x), fill_value, dtype=dtype), requires_grad=requires_grad)


# ---------------------------------------------------------------------------------------------- classes
def one_hot(target: Tensor | ArrayLike, num_classes: int = -1, *, dtype: DTypeLike = np.int64) -> Tensor:
    """Write class indices (...) as rows (..., classes) with 1 at the class, else 0.

    Parameters
    ----------
    num_classes
        How many classes there are; -1 for one more than the largest index.
    dtype
        int64 as PyTorch gives, or a floating one for the probabilities that `cross_entropy` takes.

    Raises
    ------
    DtypeError
        If the indices are not whole numbers.
    OptionError
        If an index is not in 0 ... num_classes - 1, or there is none to count the classes by.

    Examples
    --------
    >>> one_hot([0, 2])
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    labels = as_array(target)
    if labels.dtype.kind not in "iu":
        raise DtypeError(f"one_hot needs class indices as integers, but was given {labels.dtype}.")
    target = target if isinstance(target, Tensor) else Tensor(labels)
    n_classes = _count_classes(target) if num_classes == -1 else num_classes
    check(_refuse_no_class, target, n_classes)
    one = np.ones((), dtype)
    return apply(ops.place, (one, target), {"n_classes": n_classes})


def _count_classes(target: Tensor) -> int:
    if not target.size:
        raise OptionError("one_hot of no labels cannot tell how many classes there are. Give num_classes.")
    take_out(target, "one_hot() without num_classes")  # the shape of the result depends on it
    return int(target.array.max()) + 1


def _refuse_no_class(labels: NDArray[Any], n_classes: int) -> None:
    wrong = labels[(labels < 0) | (labels >= n_classes)]
    if wrong.size or n_classes < 1:
        given = f"was given {wrong[0]}" if wrong.size else f"there are {n_classes}"
        raise OptionError(f"one_hot needs classes from 0 to num_classes - 1 = {n_classes - 1}, but {given}.")


# --------------------------------------------------------------------------------------------- the rest
def _as_tensor(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else Tensor(x)


def _leaf(x: Tensor, *, requires_grad: bool) -> Tensor:
    if requires_grad:
        x.requires_grad = True
    return x


def _range(spaced: NDArray[Any], dtype: DTypeLike | None, *, requires_grad: bool) -> Tensor:
    usual = np.float32 if spaced.dtype.kind == "f" else np.int64
    return Tensor(spaced.astype(usual if dtype is None else dtype), requires_grad=requires_grad)


def _how_many(name: str, num: int, steps: int | None) -> int:
    n = num if steps is None else steps
    if not isinstance(n, (int, np.integer)) or n < 0:
        raise OptionError(f"{name} needs a number of numbers from 0 on, but was given {n}.")
    return int(n)
