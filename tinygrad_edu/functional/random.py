"""Random numbers as Tensors, from an explicit generator.

Each function takes ``rng``, a ``numpy.random.Generator``; without one the package's generator is drawn from, which
``tg.seed`` starts anew. From generators of one seed come the same numbers, and they are those that the generator itself
would give: ``rand(3, rng=np.random.default_rng(0))`` holds ``np.random.default_rng(0).random(3, dtype=np.float32)``.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.functional.arguments import as_generator, as_shape
from tinygrad_edu.tape import check
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

    Shape = int | tuple[int, ...]
    Rng = np.random.Generator | None

__all__ = [
    "bernoulli",
    "normal",
    "permutation",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "uniform",
]


# ------------------------------------------------------------------------------------- floating numbers
def uniform(
    shape: Shape,
    low: float = 0.0,
    high: float = 1.0,
    *,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
    requires_grad: bool = False,
) -> Tensor:
    """Draw numbers evenly from [low, high).

    Parameters
    ----------
    shape
        The shape of the result; a number stands for one axis.
    low, high
        Plain numbers; every result is at least `low` and less than `high`, or equal to both if they are equal.
    rng
        The generator; the package's if None.

    Raises
    ------
    OptionError
        If the interval is empty or not finite, or `rng` is no generator.
    DtypeError
        If the dtype is not floating.

    Examples
    --------
    >>> uniform((2, 3), -1, 1, rng=np.random.default_rng(0)).shape
    (2, 3)
    """
    if not -math.inf < low <= high < math.inf:
        raise OptionError(f"uniform draws from an interval low <= x < high, but was given {low} and {high}.")
    options = {"rng": as_generator(rng), "shape": as_shape((shape,)), "dtype": _floating(dtype)}
    return _leaf(apply(ops.uniform, (), {**options, "low": low, "high": high}), requires_grad=requires_grad)


def rand(*shape: Any, rng: Rng = None, dtype: DTypeLike = np.float32, requires_grad: bool = False) -> Tensor:
    """Draw numbers evenly from [0, 1): ``rand(2, 3)`` or ``rand((2, 3))``.

    Raises
    ------
    OptionError
        If `rng` is no generator.
    DtypeError
        If the dtype is not floating.

    Examples
    --------
    >>> rand(2, rng=np.random.default_rng(0))
    tensor([0.85..., 0.63...])
    """
    return uniform(as_shape(shape), rng=rng, dtype=dtype, requires_grad=requires_grad)


def normal(
    shape: Shape,
    mean: Tensor | ArrayLike = 0.0,
    std: Tensor | ArrayLike = 1.0,
    *,
    rng: Rng = None,
    dtype: DTypeLike = np.float32,
    requires_grad: bool = False,
) -> Tensor:
    """Draw from the normal distribution: mean + std z, with z of mean 0 and deviation 1.

    Parameters
    ----------
    shape
        The shape of the result; a number stands for one axis.
    mean, std
        Numbers, or Tensors that broadcast to the shape. Gradients flow through Tensors: the reparametrization with
        which the parameters of a distribution are learned.
    rng
        The generator; the package's if None.

    Raises
    ------
    OptionError
        If a deviation is negative, or `rng` is no generator.
    ShapeError
        If mean or std do not broadcast to the shape.
    DtypeError
        If the dtype is not floating.

    References
    ----------
    Kingma and Welling, Auto-encoding variational Bayes, ICLR (2014).

    Examples
    --------
    >>> mean = Tensor(5.0, requires_grad=True)
    >>> normal(100, mean, 0.1).sum().backward()
    >>> mean.grad
    tensor(100.)
    """
    shape = as_shape((shape,))
    check(_refuse_negative, std if isinstance(std, Tensor) else as_array(std))
    z = apply(ops.normal, (), {"rng": as_generator(rng), "shape": shape, "dtype": _floating(dtype)})
    if not _is_number(std, 1):
        z = z * _like(std, z)
    if not _is_number(mean, 0):
        z = z + _like(mean, z)
    if z.shape != shape:
        raise ShapeError(f"normal of shape {shape} cannot have a mean and deviations that broadcast to {z.shape}.")
    return _leaf(z, requires_grad=requires_grad)


def randn(*shape: Any, rng: Rng = None, dtype: DTypeLike = np.float32, requires_grad: bool = False) -> Tensor:
    """Draw from the normal distribution of mean 0 and deviation 1: ``randn(2, 3)`` or ``randn((2, 3))``.

    Raises
    ------
    OptionError
        If `rng` is no generator.
    DtypeError
        If the dtype is not floating.

    Examples
    --------
    >>> randn(2, rng=np.random.default_rng(0))
    tensor([ 1.11..., -1.38...])
    """
    return normal(as_shape(shape), rng=rng, dtype=dtype, requires_grad=requires_grad)


def rand_like(
    x: Tensor | ArrayLike, *, rng: Rng = None, dtype: DTypeLike | None = None, requires_grad: bool = False
) -> Tensor:
    """Draw evenly from [0, 1), in the shape of x, and in its dtype unless told.

    Raises
    ------
    DtypeError
        If the dtype is not floating.

    Examples
    --------
    >>> rand_like([[1.0, 2.0]]).shape
    (1, 2)
    """
    array = as_array(x)
    return uniform(array.shape, rng=rng, dtype=dtype or array.dtype, requires_grad=requires_grad)


def randn_like(
    x: Tensor | ArrayLike, *, rng: Rng = None, dtype: DTypeLike | None = None, requires_grad: bool = False
) -> Tensor:
    """Draw from the normal distribution of mean 0 and deviation 1, in the shape of x, and in its dtype unless told.

    Raises
    ------
    DtypeError
        If the dtype is not floating.

    Examples
    --------
    >>> randn_like([[1.0, 2.0]]).shape
    (1, 2)
    """
    array = as_array(x)
    return normal(array.shape, rng=rng, dtype=dtype or array.dtype, requires_grad=requires_grad)


# ---------------------------------------------------------------------------------------- whole numbers
def bernoulli(p: Tensor | ArrayLike, *, rng: Rng = None) -> Tensor:
    """Toss a coin for each entry: 1 with probability p, else 0, in the dtype of p.

    No gradient flows back to p.

    Raises
    ------
    OptionError
        If a probability is not in [0, 1], or `rng` is no generator.
    DtypeError
        If the probabilities are not floating.

    Examples
    --------
    >>> bernoulli([0.0, 1.0])
    tensor([0., 1.])
    """
    p = p if isinstance(p, Tensor) else Tensor(p)
    _floating(p.dtype)
    check(_refuse_no_probabilities, p)
    return apply(ops.bernoulli, (p,), {"rng": as_generator(rng)})


def randint(
    low: int, high: int | Shape | None = None, shape: Shape = (), *, rng: Rng = None, dtype: DTypeLike = np.int64
) -> Tensor:
    """Draw whole numbers evenly from low ... high - 1, or from 0 ... low - 1 if there is no `high`.

    As in PyTorch, ``randint(10, (2, 3))`` may leave `high` out before a shape.

    Raises
    ------
    OptionError
        If the range is empty or does not fit into the dtype, or `rng` is no generator.
    DtypeError
        If the dtype is not whole.

    Examples
    --------
    >>> randint(10, shape=4, rng=np.random.default_rng(0))
    tensor([8, 6, 5, 2])
    >>> randint(1, 7, (2, 3)).shape
    (2, 3)
    """
    if isinstance(high, (tuple, list)):
        start, stop, shape = 0, low, high
    else:
        start, stop = (0, low) if high is None else (low, high)
    kind = np.dtype(dtype)
    if kind.kind not in "iu":
        raise DtypeError(f"randint draws whole numbers, which {kind} are not. Write dtype=np.int64, or use uniform.")
    limits = np.iinfo(kind)
    if not limits.min <= start < stop <= int(limits.max) + 1:
        raise OptionError(f"randint draws from low ... high - 1 within {kind}, but was given {start} and {stop}.")
    options = {"rng": as_generator(rng), "low": start, "high": stop, "shape": as_shape((shape,)), "dtype": kind}
    return apply(ops.randint, (), options)


def permutation(x: int | Tensor | ArrayLike, axis: int = 0, *, rng: Rng = None) -> Tensor:
    """Put in random order: 0 ... x - 1 for a number, else the parts of x along `axis`; gradients flow back.

    Raises
    ------
    OptionError
        If the number is negative, or `rng` is no generator.
    ShapeError
        If x has no such axis.

    Examples
    --------
    >>> permutation(5, rng=np.random.default_rng(0))
    tensor([2, 4, 3, 0, 1])
    >>> permutation([[1.0, 2.0], [3.0, 4.0]]).shape
    (2, 2)
    """
    rng = as_generator(rng)
    if isinstance(x, (int, np.integer)):
        if x < 0:
            raise OptionError(f"permutation needs a number from 0 on, but was given {x}.")
        return apply(ops.permutation, (), {"rng": rng, "n": int(x)})
    x = x if isinstance(x, Tensor) else Tensor(x)
    if not -x.ndim <= axis < x.ndim:
        raise ShapeError(f"permutation along axis {axis} is not possible: the shape is {x.shape}.")
    order = apply(ops.permutation, (), {"rng": rng, "n": x.shape[axis]})
    return x[(*(slice(None),) * (axis % x.ndim), order)]


# ----------------------------------------------------------------------------------------------- checks
def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    given = np.dtype(dtype)
    if given.kind != "f":
        raise DtypeError(f"These random numbers are floating, which {given} is not. Write dtype=np.float32.")
    return given


def _refuse_negative(deviations: NDArray[Any]) -> None:
    if deviations.size and not deviations.min() >= 0:
        raise OptionError(f"normal needs deviations of at least 0, but was given {deviations.min()}.")


def _refuse_no_probabilities(p: NDArray[Any]) -> None:
    wrong = p[~((p >= 0) & (p <= 1))]
    if wrong.size:
        raise OptionError(f"bernoulli needs probabilities in [0, 1], but was given {wrong[0]!s}.")


def _is_number(value: Any, number: int) -> bool:
    return isinstance(value, (int, float)) and value == number


def _like(value: Any, z: Tensor) -> Any:
    """Give a mean or deviation the dtype of what is drawn."""
    if isinstance(value, Tensor):
        return value if value.dtype == z.dtype else value.astype(z.dtype)
    return as_array(value, z.dtype)


def _leaf(x: Tensor, *, requires_grad: bool) -> Tensor:
    if requires_grad:
        x.requires_grad = True
    return x
