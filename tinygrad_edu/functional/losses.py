"""The mathematics of the losses: each is small when the prediction is right.

Here are those that compare numbers or scores; those of classes are in ``likelihoods.py``, those of probabilities in
``probabilities.py``. Predictions and targets may be Tensors, arrays or lists; shapes that differ are refused, also
where they broadcast.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import OptionError
from tinygrad_edu.functional.basic import relu, where
from tinygrad_edu.functional.comparing import Reduction, alike, as_float, reduced
from tinygrad_edu.functional.likelihoods import class_indices, cross_entropy, nll_loss
from tinygrad_edu.functional.probabilities import binary_cross_entropy, binary_cross_entropy_with_logits, kl_div
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = [
    "Reduction",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
    "smooth_l1_loss",
]


def mse_loss(prediction: Tensor | ArrayLike, target: Tensor | ArrayLike, reduction: Reduction = "mean") -> Tensor:
    """Mean squared error: the average of (prediction - target)².

    Raises
    ------
    ShapeError
        If the shapes differ, even where they would broadcast; or if there is nothing to take the mean of.
    DtypeError
        If the predictions are not floating.
    OptionError
        If there is no such reduction.

    Examples
    --------
    >>> mse_loss([1.0, 2.0], [1.0, 4.0]).item()
    2.0
    """
    prediction, target = alike("mse_loss", prediction, target)
    return reduced(apply(ops.square, (prediction - target,)), reduction)


def l1_loss(prediction: Tensor | ArrayLike, target: Tensor | ArrayLike, reduction: Reduction = "mean") -> Tensor:
    """Mean absolute error: the average of abs(prediction - target).

    Raises
    ------
    ShapeError
        If the shapes differ, even where they would broadcast; or if there is nothing to take the mean of.
    DtypeError
        If the predictions are not floating.
    OptionError
        If there is no such reduction.

    Examples
    --------
    >>> l1_loss([1.0, 2.0], [1.0, 4.0]).item()
    1.0
    """
    prediction, target = alike("l1_loss", prediction, target)
    return reduced(abs(prediction - target), reduction)


def huber_loss(
    prediction: Tensor | ArrayLike,
    target: Tensor | ArrayLike,
    reduction: Reduction = "mean",
    delta: float = 1.0,
) -> Tensor:
    """Square small errors, take the absolute value of large ones: outliers pull with constant force.

    With d = prediction - target: d²/2 where abs(d) <= delta, and delta (abs(d) - delta/2) elsewhere.

    Raises
    ------
    ShapeError
        If the shapes differ, even where they would broadcast; or if there is nothing to take the mean of.
    DtypeError
        If the predictions are not floating.
    OptionError
        If delta is not above 0, or there is no such reduction.

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
    prediction, target = alike("huber_loss", prediction, target)
    error = prediction - target
    size = abs(error)
    return reduced(where(size <= delta, 0.5 * error * error, delta * (size - 0.5 * delta)), reduction)


def smooth_l1_loss(
    prediction: Tensor | ArrayLike,
    target: Tensor | ArrayLike,
    reduction: Reduction = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Take the absolute value of errors, with its kink at 0 rounded off: the Huber loss divided by its delta.

    With d = prediction - target: d²/(2 beta) where abs(d) <= beta, and abs(d) - beta/2 elsewhere.

    Raises
    ------
    ShapeError
        If the shapes differ, even where they would broadcast; or if there is nothing to take the mean of.
    DtypeError
        If the predictions are not floating.
    OptionError
        If beta is negative or infinite, or there is no such reduction. 0 gives the absolute error.

    References
    ----------
    Girshick, Fast R-CNN, ICCV (2015).

    Examples
    --------
    >>> smooth_l1_loss([0.0, 0.0], [0.5, 10.0], reduction="none")
    tensor([0.125, 9.5  ])
    """
    if not 0 <= beta < math.inf:
        raise OptionError(f"smooth_l1_loss needs a finite beta >= 0, but was given {beta}.")
    prediction, target = alike("smooth_l1_loss", prediction, target)
    error = prediction - target
    size = abs(error)
    if not beta:
        return reduced(size, reduction)
    return reduced(where(size <= beta, error * error * (0.5 / beta), size - 0.5 * beta), reduction)


def multi_margin_loss(
    scores: Tensor | ArrayLike,
    target: Tensor | ArrayLike,
    reduction: Reduction = "mean",
    p: int = 1,
    margin: float = 1.0,
) -> Tensor:
    """Hinge loss of several classes: Σᵢ max(0, margin - x[y] + x[i])ᵖ / classes, over all i but the target y.

    It is 0 where the target's score is above every other one by the margin.

    Parameters
    ----------
    scores
        (..., classes).
    target
        Class indices, integers (...).
    p
        1 for the hinge, 2 for its square.

    Raises
    ------
    ShapeError, DtypeError
        If the target does not hold one class index for each example; or if there is nothing to take the mean of.
    OptionError
        If a class index is not in 0 ... classes - 1, p is neither 1 nor 2, or there is no such reduction.

    References
    ----------
    Crammer and Singer, On the algorithmic implementation of multiclass kernel-based vector machines, JMLR 2 (2001).

    Examples
    --------
    >>> multi_margin_loss([[3.0, 2.5, 0.0]], [0])
    tensor(0.16666667)
    """
    if p not in (1, 2):
        raise OptionError(f"multi_margin_loss needs p = 1 or 2, but was given {p}.")
    scores = as_float("multi_margin_loss", scores)
    classes = class_indices("multi_margin_loss", scores, target)
    n_classes = scores.shape[-1]
    at_target = -apply(ops.negative_log_likelihood, (scores, classes), {"reduction": "none"})
    here = apply(ops.place, (np.ones((), scores.dtype), classes), {"n_classes": n_classes})
    short = relu(margin - at_target.reshape((*classes.shape, 1)) + scores) * (1 - here)
    return reduced((short if p == 1 else short * short).sum(axis=-1) / n_classes, reduction)
