"""Activations, dropout, joining and choosing: functions without parameters.

``x`` may be a Tensor, an array or a list throughout; the result is a Tensor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu import ops
from tinygrad_edu.errors import DtypeError, OptionError
from tinygrad_edu.functional.arguments import as_generator
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike

__all__ = [
    "as_tensor",
    "concatenate",
    "dropout",
    "linear",
    "log_softmax",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "stack",
    "tanh",
    "where",
]

# Looked up once: most of a small network's time is Python's, not NumPy's.
_linear, _relu = ops.linear, ops.relu


def as_tensor(x: Tensor | ArrayLike) -> Tensor:
    """Give a Tensor as it is, and wrap anything else.

    Examples
    --------
    >>> as_tensor([1.0])
    tensor([1.])
    """
    return x if isinstance(x, Tensor) else Tensor(x)


# ---------------------------------------------------------------------------------------- activations
def relu(x: Tensor | ArrayLike) -> Tensor:
    """Replace negative entries by 0; the slope at 0 is taken as 0.

    Examples
    --------
    >>> relu([-1.0, 2.0])
    tensor([0., 2.])
    """
    return apply(_relu, (x if isinstance(x, Tensor) else Tensor(x),))


def tanh(x: Tensor | ArrayLike) -> Tensor:
    """Squash each entry into (-1, 1).

    Examples
    --------
    >>> tanh([0.0])
    tensor([0.])
    """
    return apply(ops.tanh, (as_tensor(x),))


def sigmoid(x: Tensor | ArrayLike) -> Tensor:
    """Squash each entry into (0, 1): 1 / (1 + exp(-x)), without overflow.

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0])
    tensor([0. , 0.5])
    """
    return apply(ops.sigmoid, (as_tensor(x),))


def softplus(x: Tensor | ArrayLike) -> Tensor:
    """Smooth relu: log(1 + exp(x)), without overflow.

    Examples
    --------
    >>> softplus([1000.0])
    tensor([1000.])
    """
    return apply(ops.softplus, (as_tensor(x),))


def softmax(x: Tensor | ArrayLike, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """Turn scores along `axis`, PyTorch's `dim`, into probabilities: exp(xᵢ) / Σⱼ exp(xⱼ).

    Examples
    --------
    >>> softmax([1000.0, 1000.0])
    tensor([0.5, 0.5])
    """
    return apply(ops.softmax, (as_tensor(x),), {"axis": axis if dim is None else dim})


def log_softmax(x: Tensor | ArrayLike, axis: int = -1, *, dim: int | None = None) -> Tensor:
    """Take the logarithm of `softmax`, without overflow.

    Examples
    --------
    >>> log_softmax([1000.0, 0.0])
    tensor([    0., -1000.])
    """
    return apply(ops.log_softmax, (as_tensor(x),), {"axis": axis if dim is None else dim})


# -------------------------------------------------------------------------------------------- layers
def linear(x: Tensor | ArrayLike, weight: Tensor | ArrayLike, bias: Tensor | ArrayLike | None = None) -> Tensor:
    """Compute x Wᵀ + b.

    Parameters
    ----------
    x
        (..., inputs).
    weight
        (outputs, inputs).
    bias
        (outputs,), or None.

    Examples
    --------
    >>> linear([[1.0, 2.0]], [[3.0, 4.0]], [5.0])
    tensor([[16.]])
    """
    if bias is None:
        return as_tensor(x) @ as_tensor(weight).T
    return apply(_linear, (as_tensor(x), as_tensor(weight), bias))


def dropout(
    x: Tensor | ArrayLike, p: float = 0.5, *, training: bool = True, rng: np.random.Generator | None = None
) -> Tensor:
    """Replace each entry by 0 with probability p, and scale the rest by 1 / (1 - p).

    The expected value stays, so nothing has to change for prediction (``training=False``: x itself).

    Parameters
    ----------
    rng
        Where the numbers come from; the package's generator if None.

    Raises
    ------
    OptionError
        If p is not in [0, 1), or `rng` is no generator.
    DtypeError
        If x is not floating.

    References
    ----------
    Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 15 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> dropout([1.0, 1.0, 1.0, 1.0], p=0.5, rng=np.random.default_rng(0))
    tensor([2., 2., 2., 0.])
    """
    if not 0 <= p < 1:
        raise OptionError(f"dropout needs a probability with 0 <= p < 1, but was given p={p}.")
    x = as_tensor(x)
    if not training or p == 0:
        return x
    if x.array.dtype.kind != "f":
        raise DtypeError(f"dropout scales what it keeps, but was given {x.dtype}. Write x.astype(np.float32).")
    return x * apply(ops.dropout_mask, (x,), {"rng": as_generator(rng), "p": p})


# ----------------------------------------------------------------------------------- joining, choosing
def concatenate(tensors: Sequence[Tensor | ArrayLike], axis: int = 0, *, dim: int | None = None) -> Tensor:
    """Join along an axis that is there.

    Examples
    --------
    >>> concatenate([[1.0], [2.0, 3.0]])
    tensor([1., 2., 3.])
    """
    return apply(ops.concatenate, tuple(tensors), {"axis": axis if dim is None else dim})


def stack(tensors: Sequence[Tensor | ArrayLike], axis: int = 0, *, dim: int | None = None) -> Tensor:
    """Join along a new axis.

    Examples
    --------
    >>> stack([[1.0, 2.0], [3.0, 4.0]]).shape
    (2, 2)
    """
    return apply(ops.stack, tuple(tensors), {"axis": axis if dim is None else dim})


def where(condition: Tensor | ArrayLike, x: Tensor | ArrayLike, y: Tensor | ArrayLike) -> Tensor:
    """Take from x where the condition holds, from y elsewhere.

    Examples
    --------
    >>> where([True, False], [1.0, 1.0], 0.0)
    tensor([1., 0.])
    """
    return apply(ops.where, (condition, x, y))
