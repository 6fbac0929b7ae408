"""Losses as objects: ``criterion = MSELoss()``, then ``criterion(prediction, target)``.

Each is small when the model is right, and each refuses shapes that differ. The mathematics is in
`functional`; an object holds the options and can be handed to ``fit``.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import OptionError
from tinygrad_edu.functional import losses as functional

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tinygrad_edu.functional.losses import Reduction
    from tinygrad_edu.tensor import Tensor

__all__ = [
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "Loss",
    "MSELoss",
    "MultiMarginLoss",
    "NLLLoss",
    "SmoothL1Loss",
]


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
class SmoothL1Loss(Loss):
    """Absolute error whose kink at 0 is rounded off within `beta`.

    Examples
    --------
    >>> SmoothL1Loss(beta=1.0)([0.0], [10.0]).item()
    9.5
    """

    beta: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.beta < math.inf:
            raise OptionError(f"SmoothL1Loss needs a finite beta >= 0, but was given {self.beta}.")

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of the smooth absolute value of prediction - target."""
        return functional.smooth_l1_loss(prediction, target, self.reduction, self.beta)


# ---------------------------------------------------------------------------------------------- classes
@dataclass(frozen=True)
class CrossEntropyLoss(Loss):
    """Cross-entropy of logits (n, classes) against class indices (n,) or probabilities (n, classes).

    `weight`, `label_smoothing`, `ignore_index` and `axis` are those of `functional.cross_entropy`; logits of more than
    two axes need ``axis=1``, PyTorch's layout, or ``axis=-1``.

    Examples
    --------
    >>> CrossEntropyLoss()([[0.0, 0.0]], [1]).item()
    0.6931471824645996
    >>> CrossEntropyLoss(ignore_index=-100)([[0.0, 0.0], [9.0, 0.0]], [1, -100]).item()
    0.6931471824645996
    """

    weight: ArrayLike | None = None
    label_smoothing: float = 0.0
    ignore_index: int | None = None
    axis: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _freeze(self, "weight")
        if not 0 <= self.label_smoothing <= 1:
            raise OptionError(f"label_smoothing is a share from 0 to 1, but is {self.label_smoothing}.")

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of -log softmax(prediction) at the target."""
        return functional.cross_entropy(
            prediction,
            target,
            self.reduction,
            self.weight,
            self.label_smoothing,
            self.ignore_index,
            axis=self.axis,
        )


@dataclass(frozen=True)
class NLLLoss(Loss):
    """Negative log-likelihood of log-probabilities (n, classes) at class indices (n,).

    `weight`, `ignore_index` and `axis` are those of `functional.nll_loss`.

    Examples
    --------
    >>> NLLLoss()([[-0.5, -1.0]], [0]).item()
    0.5
    """

    weight: ArrayLike | None = None
    ignore_index: int | None = None
    axis: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _freeze(self, "weight")

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of -prediction at the target."""
        return functional.nll_loss(prediction, target, self.reduction, self.weight, self.ignore_index, axis=self.axis)


@dataclass(frozen=True)
class MultiMarginLoss(Loss):
    """Hinge loss of scores (n, classes) against class indices (n,).

    Examples
    --------
    >>> MultiMarginLoss()([[3.0, 2.5]], [0]).item()
    0.25
    """

    p: int = 1
    margin: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.p not in (1, 2):
            raise OptionError(f"MultiMarginLoss needs p = 1 or 2, but was given {self.p}.")

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of what the target's scores lack of being above all others by the margin."""
        return functional.multi_margin_loss(prediction, target, self.reduction, self.p, self.margin)


# ----------------------------------------------------------------------------------------- probabilities
@dataclass(frozen=True)
class BCEWithLogitsLoss(Loss):
    """Cross-entropy of two classes from one logit each.

    `weight` and `pos_weight` are those of `functional.binary_cross_entropy_with_logits`.

    Examples
    --------
    >>> BCEWithLogitsLoss()([0.0], [1.0]).item()
    0.6931471824645996
    >>> BCEWithLogitsLoss(pos_weight=[2.0])([0.0], [1.0]).item()
    1.3862943649291992
    """

    weight: ArrayLike | None = None
    pos_weight: ArrayLike | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _freeze(self, "weight")
        _freeze(self, "pos_weight")

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of -t log σ(x) - (1 - t) log(1 - σ(x))."""
        return functional.binary_cross_entropy_with_logits(
            prediction, target, self.reduction, self.weight, self.pos_weight
        )


@dataclass(frozen=True)
class BCELoss(Loss):
    """Cross-entropy of two classes from one probability each; from scores, BCEWithLogitsLoss is more accurate.

    Examples
    --------
    >>> BCELoss()([0.5], [1.0]).item()
    0.6931471824645996
    """

    weight: ArrayLike | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        _freeze(self, "weight")

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of -t log p - (1 - t) log(1 - p)."""
        return functional.binary_cross_entropy(prediction, target, self.reduction, self.weight)


@dataclass(frozen=True)
class KLDivLoss(Loss):
    """Kullback-Leibler divergence of probabilities from log-probabilities; reduction="batchmean" is its definition.

    Examples
    --------
    >>> import numpy as np
    >>> KLDivLoss(reduction="batchmean")(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]])).item()
    0.6931471805599453
    """

    log_target: bool = False

    def __post_init__(self) -> None:
        if str(self.reduction) != "batchmean":
            super().__post_init__()

    def __call__(self, prediction: Tensor | ArrayLike, target: Tensor | ArrayLike) -> Tensor:
        """Compute the average of t (log t - prediction)."""
        return functional.kl_div(prediction, target, self.reduction, self.log_target)


def _freeze(loss: Loss, name: str) -> None:
    """Keep an array as nested tuples: so losses of the same options stay equal, and none changes from outside."""
    value: Any = getattr(loss, name)
    if hasattr(value, "tolist"):
        value = value.tolist()
    object.__setattr__(loss, name, _tuples(value))


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, (list, tuple)) else value
