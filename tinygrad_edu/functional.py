"""Functions without parameters: activations, dropout and the mathematics of the losses.

``x`` may be a Tensor, an array or a list throughout; the result is a Tensor.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.random import default_rng
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

__all__ = [
    "Reduction",
    "binary_cross_entropy_with_logits",
    "concatenate",
    "cross_entropy",
    "dropout",
    "huber_loss",
    "l1_loss",
    "linear",
    "log_softmax",
    "mse_loss",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "stack",
    "tanh",
    "where",
]

Reduction = Literal["mean", "sum", "none"]
_REDUCTIONS = frozenset({"mean", "sum", "none"})

# Looked up once: most of a small network's time is Python's, not NumPy's.
_linear, _relu = ops.linalg.linear, ops.elementwise.relu
_log_softmax, _negative_log_likelihood = ops.fused.log_softmax, ops.fused.negative_log_likelihood


def _tensor(x: Tensor | ArrayLike) -> Tensor:
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
    return apply(ops.elementwise.tanh, (_tensor(x),))


def sigmoid(x: Tensor | ArrayLike) -> Tensor:
    """Squash each entry into (0, 1): 1 / (1 + exp(-x)), without overflow.

    Examples
    --------
    >>> sigmoid([-1000.0, 0.0])
    tensor([0. , 0.5])
    """
    return apply(ops.elementwise.sigmoid, (_tensor(x),))


def softplus(x: Tensor | ArrayLike) -> Tensor:
    """Smooth relu: log(1 + exp(x)), without overflow.

    Examples
    --------
    >>> softplus([1000.0])
    tensor([1000.])
    """
    return apply(ops.elementwise.softplus, (_tensor(x),))


def softmax(x: Tensor | ArrayLike, axis: int = -1) -> Tensor:
    """Turn scores along `axis` into probabilities: exp(xᵢ) / Σⱼ exp(xⱼ).

    Examples
    --------
    >>> softmax([1000.0, 1000.0])
    tensor([0.5, 0.5])
    """
    return apply(ops.fused.softmax, (_tensor(x),), {"axis": axis})


def log_softmax(x: Tensor | ArrayLike, axis: int = -1) -> Tensor:
    """Take the logarithm of `softmax`, without overflow.

    Examples
    --------
    >>> log_softmax([1000.0, 0.0])
    tensor([    0., -1000.])
    """
    return apply(ops.fused.log_softmax, (_tensor(x),), {"axis": axis})


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
        return _tensor(x) @ _tensor(weight).T
    return apply(_linear, (_tensor(x), _tensor(weight), bias))


def dropout(
    x: Tensor | ArrayLike, p: float = 0.5, *, training: bool = True, rng: np.random.Generator | None = None
) -> Tensor:
    """Replace each entry by 0 with probability p, and scale the rest by 1 / (1 - p).

    The expected value stays, so nothing has to change for prediction (``training=False``: x itself).

    References
    ----------
    Srivastava et al., Dropout: a simple way to prevent neural networks from overfitting, JMLR 15 (2014).

    Examples
    --------
    >>> dropout([1.0, 1.0, 1.0, 1.0], p=0.5, rng=np.random.default_rng(0))
    tensor([2., 2., 2., 0.])
    """
    if not 0 <= p < 1:
        raise OptionError(f"dropout needs a probability with 0 <= p < 1, but was given p={p}.")
    x = _tensor(x)
    if not training or p == 0:
        return x
    draw = apply(ops.random.uniform, (), {"rng": rng or default_rng(), "shape": x.shape, "dtype": x.dtype})
    return x * (draw >= p) * (1 / (1 - p))


# ----------------------------------------------------------------------------------- joining, choosing
def concatenate(tensors: Sequence[Tensor | ArrayLike], axis: int = 0) -> Tensor:
    """Join along an axis that is there.

    Examples
    --------
    >>> concatenate([[1.0], [2.0, 3.0]])
    tensor([1., 2., 3.])
    """
    return apply(ops.shape.concatenate, tuple(tensors), {"axis": axis})


def stack(tensors: Sequence[Tensor | ArrayLike], axis: int = 0) -> Tensor:
    """Join along a new axis.

    Examples
    --------
    >>> stack([[1.0, 2.0], [3.0, 4.0]]).shape
    (2, 2)
    """
    return apply(ops.shape.stack, tuple(tensors), {"axis": axis})


def where(condition: Tensor | ArrayLike, x: Tensor | ArrayLike, y: Tensor | ArrayLike) -> Tensor:
    """Take from x where the condition holds, from y elsewhere.

    Examples
    --------
    >>> where([True, False], [1.0, 1.0], 0.0)
    tensor([1., 0.])
    """
    return apply(ops.elementwise.where, (condition, x, y))


# -------------------------------------------------------------------------------------------- losses
def mse_loss(prediction: Tensor | ArrayLike, target: Tensor | ArrayLike, reduction: Reduction = "mean") -> Tensor:
    """Mean squared error: the average of (prediction - target)².

    Raises
    ------
    ShapeError
        If the shapes differ, even where they would broadcast.

    Examples
    --------
    >>> mse_loss([1.0, 2.0], [1.0, 4.0]).item()
    2.0
    """
    prediction, target = _alike("mse_loss", prediction, target)
    return _reduce(apply(ops.elementwise.square, (prediction - target,)), reduction)


def l1_loss(prediction: Tensor | ArrayLike, target: Tensor | ArrayLike, reduction: Reduction = "mean") -> Tensor:
    """Mean absolute error: the average of abs(prediction - target).

    Examples
    --------
    >>> l1_loss([1.0, 2.0], [1.0, 4.0]).item()
    1.0
    """
    prediction, target = _alike("l1_loss", prediction, target)
    return _reduce(abs(prediction - target), reduction)


def huber_loss(
    prediction: Tensor | ArrayLike,
    target: Tensor | ArrayLike,
    reduction: Reduction = "mean",
    delta: float = 1.0,
) -> Tensor:
    """Square small errors, take the absolute value of large ones: outliers pull with constant force.

    With d = prediction - target: d²/2 where abs(d) <= delta, and delta (abs(d) - delta/2) elsewhere.

    References
    ----------
    Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35 (1964).

    Examples
    --------
    >>> huber_loss([0.0, 0.0], [0.5, 10.0], reduction="none")
    tensor([0.125, 9.5  ])
    """
    if not 0 < delta < math.inf:
        raise OptionError(f"huber_loss needs a finite delta > 0, but was given {delta}.")
    prediction, target = _alike("huber_loss", prediction, target)
    error = prediction - target
    size = abs(error)
    return _reduce(where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta)), reduction)


def cross_entropy(logits: Tensor | ArrayLike, target: Tensor | ArrayLike, reduction: Reduction = "mean") -> Tensor:
    """Cross-entropy of softmax(logits) against the target: -Σᵢ yᵢ log ŷᵢ for each example.

    Parameters
    ----------
    logits
        Scores (..., classes), not probabilities: softmax is part of this function.
    target
        Class indices, integers (...); or probabilities, floats (..., classes).

    Raises
    ------
    ShapeError
        If the target is neither of the two shapes.
    DtypeError
        If class indices are not integers.
    OptionError
        If a class index is not in 0 ... classes - 1.

    Examples
    --------
    >>> cross_entropy([[1000.0, -1000.0]], [1]).item()
    2000.0
    >>> cross_entropy([[0.0, 0.0]], [[0.5, 0.5]]).item()
    0.6931471824645996
    """
    logits, labels = _as_float("cross_entropy", logits), as_array(target)
    shape, kind = logits.array.shape, labels.dtype.kind
    n_classes = shape[-1] if shape else 0
    if n_classes < 2:
        raise ShapeError(
            f"cross_entropy needs logits of at least two classes in the last axis, but their shape is {shape}. "
            f"For two classes as one logit there is binary_cross_entropy_with_logits."
        )
    if kind == "f" and labels.shape == shape:
        _, probabilities = _alike("cross_entropy", logits, target)
        return _reduce(-(probabilities * log_softmax(logits)).sum(axis=-1), reduction)
    if kind not in "iu" or labels.shape != shape[:-1]:
        raise _not_class_indices(labels, shape)
    # Read as unsigned, a negative index is a huge one: one look finds both kinds of wrong ones.
    if labels.size and np.maximum.reduce(labels.astype(np.int64, copy=False).view(np.uint64), axis=None) >= n_classes:
        raise _no_such_class(labels, n_classes)
    if reduction not in _REDUCTIONS:
        raise _no_reduction(reduction)
    log_p = apply(_log_softmax, (logits,))
    # The target itself where it is a Tensor, so that a later change in place is noticed.
    target = target if isinstance(target, Tensor) else labels
    return apply(_negative_log_likelihood, (log_p, target), {"reduction": reduction})


def _not_class_indices(labels: np.ndarray[Any, Any], shape: tuple[int, ...]) -> ShapeError | DtypeError:
    if labels.shape == shape[:-1]:
        return DtypeError(
            f"cross_entropy needs class indices as integers, but the target holds {labels.dtype}. "
            f"Write target.astype(np.int64), or give probabilities of shape {shape}."
        )
    fix = " Write target.reshape(-1)." if len(shape) == 2 and labels.size == shape[0] else ""
    if labels.shape == shape:
        fix = " Write target.argmax(axis=-1) for one-hot integers."
    return ShapeError(
        f"cross_entropy of logits {shape} needs class indices of shape {shape[:-1]}, or probabilities as floats of "
        f"shape {shape}, but the target is {labels.dtype} of shape {labels.shape}.{fix}"
    )


def _no_such_class(labels: np.ndarray[Any, Any], n_classes: int) -> OptionError:
    wrong = labels[(labels < 0) | (labels >= n_classes)]
    return OptionError(
        f"cross_entropy of {n_classes} classes needs targets from 0 to {n_classes - 1}, but was given {wrong[0]}. "
        f"Number the classes from 0, and give the last layer one output for each class."
    )


def binary_cross_entropy_with_logits(
    logits: Tensor | ArrayLike, target: Tensor | ArrayLike, reduction: Reduction = "mean"
) -> Tensor:
    """Cross-entropy of two classes, from one score: -t log σ(x) - (1 - t) log(1 - σ(x)).

    Parameters
    ----------
    logits
        Scores of the class 1, not probabilities: the sigmoid is part of this function.
    target
        0 or 1, or a probability between, of the same shape.

    Examples
    --------
    >>> binary_cross_entropy_with_logits([1000.0, -1000.0], [0.0, 0.0], reduction="none")
    tensor([1000.,    0.])
    """
    pair = _alike("binary_cross_entropy_with_logits", logits, target)
    return _reduce(apply(ops.fused.binary_cross_entropy_with_logits, pair), reduction)


def _as_float(name: str, x: Tensor | ArrayLike) -> Tensor:
    x = _tensor(x)
    if x.array.dtype.kind != "f":
        raise DtypeError(f"{name} needs floating predictions, but was given {x.dtype}. Write x.astype(np.float32).")
    return x


def _alike(name: str, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> tuple[Tensor, Tensor]:
    """Check that prediction and target have one shape, and give the target the prediction's dtype."""
    prediction = _as_float(name, prediction)
    target = _tensor(target)
    if prediction.shape != target.shape:
        raise ShapeError(
            f"{name} compares entry by entry, but the prediction has shape {prediction.shape} and the target "
            f"{target.shape}."
            f"{_reshape_that_fits(prediction.shape, target.shape)}"
        )
    return prediction, target if target.dtype == prediction.dtype else target.astype(prediction.dtype)


def _reshape_that_fits(prediction: tuple[int, ...], target: tuple[int, ...]) -> str:
    if np.prod(prediction, dtype=int) != np.prod(target, dtype=int):
        return " They need the same number of entries: check the last layer's outputs."
    axes, given = ([n for n in shape if n != 1] for shape in (prediction, target))
    if axes != given and sorted(axes) == sorted(given):
        return " The entries are as many, but in another order: check which axis counts the examples."
    new = "()" if not prediction else ", ".join(["-1", *map(str, prediction[1:])])
    return f" Broadcast, they would compare every prediction with every target. Write target.reshape({new})."


def _reduce(losses: Tensor, reduction: Reduction) -> Tensor:
    if reduction not in _REDUCTIONS:
        raise _no_reduction(reduction)
    return losses.mean() if reduction == "mean" else losses.sum() if reduction == "sum" else losses


def _no_reduction(reduction: str) -> OptionError:
    return OptionError(f"reduction must be 'mean', 'sum' or 'none', but is {reduction!r}.")
