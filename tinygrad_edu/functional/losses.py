"""The mathematics of the losses: each is small when the prediction is right.

Predictions and targets may be Tensors, arrays or lists; shapes that differ are refused, also where they broadcast.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.functional.basic import as_tensor, log_softmax, where
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "Reduction",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "l1_loss",
    "mse_loss",
]

Reduction = Literal["mean", "sum", "none"]
_REDUCTIONS = frozenset({"mean", "sum", "none"})

# Looked up once: most of a small network's time is Python's, not NumPy's.
_log_softmax, _negative_log_likelihood = ops.log_softmax, ops.negative_log_likelihood


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
    return _reduce(apply(ops.square, (prediction - target,)), reduction)


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
    return _reduce(apply(ops.binary_cross_entropy_with_logits, pair), reduction)


def _as_float(name: str, x: Tensor | ArrayLike) -> Tensor:
    x = as_tensor(x)
    if x.array.dtype.kind != "f":
        raise DtypeError(f"{name} needs floating predictions, but was given {x.dtype}. Write x.astype(np.float32).")
    return x


def _alike(name: str, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> tuple[Tensor, Tensor]:
    """Check that prediction and target have one shape, and give the target the prediction's dtype."""
    prediction = _as_float(name, prediction)
    target = as_tensor(target)
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
