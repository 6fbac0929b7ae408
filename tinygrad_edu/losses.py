"""Losses as objects: ``criterion = MSELoss()``, then ``criterion(prediction, target)``.

Each is small when the model is right, and each refuses shapes that differ. The mathematics is in
`functional`; an object holds the options and can be handed to ``fit``.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from tinygrad_edu import functional
from tinygrad_edu.errors import OptionError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tinygrad_edu.functional import Reduction
    from tinygrad_edu.tensor import Tensor

__all__ = ["BCEWithLogitsLoss", "CrossEntropyLoss", "HuberLoss", "L1Loss", "Loss", "MSELoss"]


@dataclass(frozen=True)
class Loss:
    """What every loss has: ``reduction``, one of "mean", "sum" and "none" (a loss for each entry)."""

    _: KW_ONLY
    reduction: Reduction = "mean"

    def __post_init__(self) -> None:
        if self.reduction not in ("mean", "sum", "none"):
            raise OptionError(f"reduction must be 'mean', 'sum' or 'none', but is {self.reduction!r}.")

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the loss of predictions against targets."""
        raise TypeError(f"{type(self).__name__} does not say what it computes: give it a __call__.")


@dataclass(frozen=True)
class MSELoss(Loss):
    """Mean squared error, for regression.

    Examples
    --------
    >>> MSELoss()([1.0, 2.0], [1.0, 4.0]).item()
    2.0
    """

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of (prediction - target)²."""
        return functional.mse_loss(prediction, target, self.reduction)


@dataclass(frozen=True)
class L1Loss(Loss):
    """Mean absolute error, for regression with outliers.

    Examples
    --------
    >>> L1Loss(reduction="sum")([1.0, 2.0], [1.0, 4.0]).item()
    2.0
    """

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of |prediction - target|."""
        return functional.l1_loss(prediction, target, self.reduction)


@dataclass(frozen=True)
class HuberLoss(Loss):
    """Squared error up to `delta`, absolute error beyond.

    Examples
    --------
    >>> HuberLoss(delta=1.0)([0.0], [10.0]).item()
    9.5
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.delta < math.inf:
            raise OptionError(f"HuberLoss needs a finite delta > 0, but was given {self.delta}.")

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of the Huber function of prediction - target."""
        return functional.huber_loss(prediction, target, self.reduction, self.delta)


@dataclass(frozen=True)
class CrossEntropyLoss(Loss):
    """Cross-entropy of logits (n, classes) against class indices (n,) or probabilities (n, classes).

    Examples
    --------
    >>> CrossEntropyLoss()([[0.0, 0.0]], [1]).item()
    0.6931471824645996
    """

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of -log softmax(prediction) at the target."""
        return functional.cross_entropy(prediction, target, self.reduction)


@dataclass(frozen=True)
class BCEWithLogitsLoss(Loss):
    """Cross-entropy of two classes from one logit each.

    Examples
    --------
    >>> BCEWithLogitsLoss()([0.0], [1.0]).item()
    0.6931471824645996
    """

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of -t log σ(x) - (1 - t) log(1 - σ(x))."""
        return functional.binary_cross_entropy_with_logits(prediction, target, self.reduction)
