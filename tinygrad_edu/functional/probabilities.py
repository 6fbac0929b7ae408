"""Losses of probabilities: of the class 1 of two, or of a whole distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tinygrad_edu import ops
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.functional.basic import softplus, where
from tinygrad_edu.functional.comparing import (
    Reduction,
    alike,
    mean_of_nothing,
    reduced,
    refuse_no_probabilities,
    refuse_wrong_weights,
)
from tinygrad_edu.tape import check
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div"]


# ------------------------------------------------------------------------------------------- two classes
def binary_cross_entropy_with_logits(
    logits: Tensor | ArrayLike,
    target: Tensor | ArrayLike,
    reduction: Reduction = "mean",
    weight: Tensor | ArrayLike | None = None,
    pos_weight: Tensor | ArrayLike | None = None,
) -> Tensor:
    """Cross-entropy of two classes, from one score: -t log σ(x) - (1 - t) log(1 - σ(x)).

    Parameters
    ----------
    logits
        Scores of the class 1, not probabilities: the sigmoid is part of this function.
    target
        0 or 1, or a probability between, of the same shape.
    weight
        Broadcasts to the shape; each loss is multiplied by it. The mean is still over the number of losses.
    pos_weight
        Broadcasts to the shape; by how much the class 1 counts more than the class 0: the factor of the first term.

    Raises
    ------
    ShapeError
        If the shapes differ, or weights do not broadcast to them; or if there is nothing to take the mean of.
    OptionError
        If a target is not in [0, 1], a weight is negative or not finite, or there is no such reduction.
    DtypeError
        If the logits are not floating.

    Examples
    --------
    >>> binary_cross_entropy_with_logits([1000.0, -1000.0], [0.0, 0.0], reduction="none")
    tensor([1000.,    0.])
    """
    name = "binary_cross_entropy_with_logits"
    x, t = alike(name, logits, target)
    check(refuse_no_probabilities, t, name, "targets")
    if pos_weight is None:
        losses = apply(ops.binary_cross_entropy_with_logits, (x, t))
    else:
        # Both terms are positive, so nothing cancels; softplus(-x) is -log σ(x).
        losses = _factor(name, "pos_weight", pos_weight, x) * t * softplus(-x) + (1 - t) * softplus(x)
    return reduced(losses if weight is None else losses * _factor(name, "weight", weight, x), reduction)


def binary_cross_entropy(
    probabilities: Tensor | ArrayLike,
    target: Tensor | ArrayLike,
    reduction: Reduction = "mean",
    weight: Tensor | ArrayLike | None = None,
) -> Tensor:
    """Cross-entropy of two classes, from the probability of class 1: -t log p - (1 - t) log(1 - p).

    From scores, `binary_cross_entropy_with_logits` is more accurate. Here logarithms are -100 at the least, so that the
    loss stays finite at p = 0 and p = 1, and their slopes 10¹² at the most.

    Parameters
    ----------
    probabilities
        Of the class 1, in [0, 1].
    target
        0 or 1, or a probability between, of the same shape.
    weight
        Broadcasts to the shape; each loss is multiplied by it. The mean is still over the number of losses.

    Raises
    ------
    ShapeError
        If the shapes differ, or weights do not broadcast to them; or if there is nothing to take the mean of.
    OptionError
        If a probability or a target is not in [0, 1], a weight is negative or not finite, or there is no such
        reduction.
    DtypeError
        If the probabilities are not floating.

    Examples
    --------
    >>> binary_cross_entropy([0.5, 0.0], [1.0, 1.0], reduction="none")
    tensor([  0.6931472, 100.       ])
    """
    name = "binary_cross_entropy"
    p, t = alike(name, probabilities, target)
    check(refuse_no_probabilities, p, name, "probabilities")
    check(refuse_no_probabilities, t, name, "targets")
    losses = -(t * apply(ops.clamped_log, (p,)) + (1 - t) * apply(ops.clamped_log, (1 - p,)))
    return reduced(losses if weight is None else losses * _factor(name, "weight", weight, p), reduction)


def _factor(name: str, what: str, factor: Tensor | ArrayLike, x: Tensor) -> Tensor:
    """Give a factor of the losses the predictions' dtype, and check that it stretches none of their axes."""
    factor = factor if isinstance(factor, Tensor) else Tensor(factor, dtype=x.dtype)
    added = x.ndim - factor.ndim
    if added < 0 or any(n not in (1, m) for n, m in zip(factor.shape, x.shape[added:], strict=True)):
        raise ShapeError(f"{name} of shape {x.shape} needs a {what} that broadcasts to it, not one of {factor.shape}.")
    check(refuse_wrong_weights, factor, name)
    return factor if factor.dtype == x.dtype else factor.astype(x.dtype)


# ------------------------------------------------------------------------------------------ distributions
def kl_div(
    log_probabilities: Tensor | ArrayLike,
    target: Tensor | ArrayLike,
    reduction: Reduction | Literal["batchmean"] = "mean",
    log_target: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
) -> Tensor:
    """Kullback-Leibler divergence of the target from the prediction, entry by entry: t (log t - log p).

    A target of 0 contributes 0.

    Parameters
    ----------
    log_probabilities
        The prediction, as logarithms: what `log_softmax` gives.
    target
        Probabilities of the same shape.
    reduction
        "batchmean" divides the sum by the length of the first axis, which gives the divergence of one example as it is
        defined; "mean" divides by the number of entries, as PyTorch's does.
    log_target
        Whether the target is given as logarithms too.

    Raises
    ------
    ShapeError
        If the shapes differ, or if there is nothing to take the mean of.
    OptionError
        If a target is not in [0, 1], or there is no such reduction.
    DtypeError
        If the prediction is not floating.

    References
    ----------
    Kullback and Leibler, On information and sufficiency, Annals of Mathematical Statistics 22 (1951).

    Examples
    --------
    >>> import numpy as np
    >>> kl_div(np.log([[0.5, 0.5]]), np.array([[1.0, 0.0]]), reduction="batchmean").item()
    0.6931471805599453
    """
    log_p, t = alike("kl_div", log_probabilities, target)
    if log_target:
        losses = apply(ops.exp, (t,)) * (t - log_p)
    else:
        check(refuse_no_probabilities, t, "kl_div", "targets")
        losses = t * (apply(ops.log, (where(t > 0, t, 1.0),)) - log_p)
    if reduction != "batchmean":
        return reduced(losses, reduction)
    if not losses.size:
        raise mean_of_nothing(losses.shape)
    mean: Tensor = losses.sum() / (losses.shape[0] if losses.ndim else 1)
    return mean
