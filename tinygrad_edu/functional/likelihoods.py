"""Losses of several classes: minus the logarithm of the probability that the prediction gave to what was observed.

The last axis holds the classes, or the one that `axis` names. Of more than two axes it has to be named: (n, classes,
places) and (n, places, classes) may be one shape, and the loss of the one read as the other is a wrong number.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.functional.basic import as_tensor, log_softmax, where
from tinygrad_edu.functional.comparing import (
    REDUCTIONS,
    Reduction,
    alike,
    as_float,
    mean_of_nothing,
    no_reduction,
    reduced,
    refuse_wrong_weights,
)
from tinygrad_edu.tape import check
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["class_indices", "cross_entropy", "nll_loss"]

# Looked up once: most of a small network's time is Python's, not NumPy's.
_log_softmax, _negative_log_likelihood = ops.log_softmax, ops.negative_log_likelihood
ndarray, _int64, _uint64 = np.ndarray, np.dtype(np.int64), np.dtype(np.uint64)


# --------------------------------------------------------------------------------------- several classes
def cross_entropy(
    logits: Tensor | ArrayLike,
    target: Tensor | ArrayLike,
    reduction: Reduction = "mean",
    weight: Tensor | ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    *,
    axis: int | None = None,
) -> Tensor:
    """Cross-entropy of softmax(logits) against the target: -Σᵢ yᵢ log ŷᵢ for each example.

    Parameters
    ----------
    logits
        Scores (n, classes) or (classes,), not probabilities: softmax is part of this function. Of any other shape with
        `axis`.
    target
        Class indices, integers of the logits' shape without the classes; or probabilities, floats of the logits' shape.
    weight
        How much each class counts, (classes,) and not negative. The mean over class indices is then the weighted one:
        divided by the sum of the examples' weights. Over probabilities it is divided by the number of examples.
    label_smoothing
        The share ε of the target that is spread evenly over the classes: y becomes (1 - ε) y + ε / classes.
    ignore_index
        Examples with this class index are left out: their loss is 0, and the mean does not count them. It may be any
        whole number, such as PyTorch's -100; None leaves nothing out, so that a class that is not there is an error.
    axis
        Which axis of the logits holds the classes: the last one, unless told. Logits of more than two axes need to be
        told: axis=1 is PyTorch's layout (n, classes, ...), and axis=-1 is (..., classes).

    Raises
    ------
    ShapeError
        If the target is neither of the two shapes, or the weight is of another; if the batch is empty and its mean
        is asked for; or if the logits have more than two axes and no `axis` is given, or one that is not there.
    DtypeError
        If class indices are not integers, or the logits are not floating.
    OptionError
        If a class index is not in 0 ... classes - 1; if the mean is asked for where all examples are left out or have
        weight 0; if a weight is negative or not finite, `label_smoothing` is not in [0, 1], or `ignore_index` is given
        with probabilities.

    References
    ----------
    Szegedy et al., Rethinking the inception architecture for computer vision, CVPR (2016), for label smoothing.

    Examples
    --------
    >>> cross_entropy([[1000.0, -1000.0]], [1]).item()
    2000.0
    >>> cross_entropy([[0.0, 0.0]], [[0.5, 0.5]]).item()
    0.6931471824645996
    >>> cross_entropy([[0.0, 0.0], [5.0, 0.0]], [1, -100], ignore_index=-100).item()
    0.6931471824645996
    >>> cross_entropy(np.zeros((1, 2, 3)), [[0, 1, 1]], axis=1).item()
    0.6931471805599453
    """
    logits, labels = as_float("cross_entropy", logits), target if type(target) is ndarray else as_array(target)
    shape, kind = logits.array.shape, labels.dtype.kind
    if axis is None and len(shape) == 2:
        n_classes = shape[1]
    else:
        logits, target = _classes_last("cross_entropy", logits, target, axis)
        labels, shape = as_array(target), logits.array.shape
        n_classes = shape[-1] if shape else 0
    if n_classes < 2:
        moved = "" if axis is None else f" with axis={axis} moved there"
        raise ShapeError(
            f"cross_entropy needs logits of at least two classes in the last axis, but their shape is {shape}{moved}. "
            f"For two classes as one logit there is binary_cross_entropy_with_logits."
        )
    if kind == "f" and labels.shape == shape:
        return _of_probabilities(logits, target, reduction, weight, label_smoothing, ignore_index)
    if kind not in "iu" or labels.shape != shape[:-1]:
        raise _not_class_indices("cross_entropy", as_array(target), shape)
    if weight is not None or label_smoothing or ignore_index is not None:
        log_p = apply(_log_softmax, (logits,))
        return _weighted("cross_entropy", log_p, target, reduction, weight, label_smoothing, ignore_index)
    # The target itself where it is a Tensor, so that a later change in place is noticed.
    target = target if isinstance(target, Tensor) else labels
    if labels.size:
        check(refuse_no_class, target, n_classes, "cross_entropy")
    elif reduction == "mean":
        raise mean_of_nothing(labels.shape)
    if reduction not in REDUCTIONS:
        raise no_reduction(reduction)
    log_p = apply(_log_softmax, (logits,))
    return apply(_negative_log_likelihood, (log_p, target), {"reduction": reduction})


def nll_loss(
    log_probabilities: Tensor | ArrayLike,
    target: Tensor | ArrayLike,
    reduction: Reduction = "mean",
    weight: Tensor | ArrayLike | None = None,
    ignore_index: int | None = None,
    *,
    axis: int | None = None,
) -> Tensor:
    """Negative log-likelihood: minus the log-probability at the target's class.

    After `log_softmax` it is `cross_entropy`.

    Parameters
    ----------
    log_probabilities
        (n, classes) or (classes,); of any other shape with `axis`.
    target
        Class indices, integers of that shape without the classes.
    weight, ignore_index, axis
        As in `cross_entropy`.

    Raises
    ------
    ShapeError, DtypeError, OptionError
        As in `cross_entropy`.

    Examples
    --------
    >>> nll_loss([[-0.5, -1.0], [-2.0, -0.25]], [0, 1])
    tensor(0.375)
    """
    log_p = as_float("nll_loss", log_probabilities)
    if len(log_p.shape) != 2 or axis is not None:
        log_p, target = _classes_last("nll_loss", log_p, target, axis)
    return _weighted("nll_loss", log_p, target, reduction, weight, 0.0, ignore_index)


def _classes_last(
    name: str, scores: Tensor, target: Tensor | ArrayLike, axis: int | None
) -> tuple[Tensor, Tensor | ArrayLike]:
    """Move the axis of the classes to the end, of scores and of probabilities."""
    shape = scores.array.shape
    if axis is None:
        if len(shape) < 3:
            return scores, target
        raise ShapeError(
            f"{name} of shape {shape} cannot know which axis holds the classes. Name it: axis=1 is PyTorch's layout "
            f"(n, classes, ...), and axis=-1 is (..., classes)."
        )
    where_from = operator.index(axis)
    if not -len(shape) <= where_from < len(shape):
        raise ShapeError(f"{name} along axis={axis} needs scores that have this axis, but their shape is {shape}.")
    where_from %= len(shape)
    labels = as_array(target)
    if name == "cross_entropy" and labels.dtype.kind == "f" and labels.shape == shape:
        target = ops.moveaxis(as_tensor(target), where_from, -1)
    elif labels.dtype.kind not in "iu" or labels.shape != shape[:where_from] + shape[where_from + 1 :]:
        raise _not_class_indices(name, labels, shape, where_from)
    return ops.moveaxis(scores, where_from, -1), target


def class_indices(name: str, scores: Tensor, target: Tensor | ArrayLike, ignore_index: int | None = None) -> Tensor:
    """Check that a target holds one class index for each row of scores, but for those to be ignored.

    Examples
    --------
    >>> class_indices("nll_loss", as_tensor([[0.0, 0.0]]), [1])
    tensor([1])
    """
    labels, shape = as_array(target), scores.shape
    if labels.dtype.kind not in "iu" or not shape or labels.shape != shape[:-1]:
        raise _not_class_indices(name, labels, shape)
    target = target if isinstance(target, Tensor) else Tensor(labels)
    check(refuse_no_class, target, shape[-1], name, ignore_index)
    return target


def refuse_no_class(labels: NDArray[Any], n_classes: int, name: str, ignore_index: int | None = None) -> None:
    """Raise if a class index is not in 0 ... n_classes - 1, and is not the one to be ignored.

    Examples
    --------
    >>> refuse_no_class(np.array([0, 2]), 2, "nll_loss")
    Traceback (most recent call last):
    tinygrad_edu.errors.OptionError: nll_loss of 2 classes needs targets from 0 to 1, but was given 2. ...
    """
    if labels.size == 1 and 0 <= labels.item() < n_classes:  # a batch of one has no time to lose
        return
    if ignore_index is not None:
        labels = labels[labels != ignore_index]
    # Read as unsigned, a negative index is a huge one: one look finds both kinds of wrong ones. For a small batch
    # argmax takes half the time of max.
    whole = (labels if labels.dtype is _int64 else labels.astype(_int64)).view(_uint64)
    if labels.size and whole.item(whole.argmax()) >= n_classes:
        wrong = labels[(labels < 0) | (labels >= n_classes)]
        left_out = " To leave examples without a class out, pass ignore_index=-100." if wrong[0] == -100 else ""
        raise OptionError(
            f"{name} of {n_classes} classes needs targets from 0 to {n_classes - 1}, but was given {wrong[0]}. "
            f"Number the classes from 0, and give the last layer one output for each class.{left_out}"
        )


def _weighted(
    name: str,
    log_p: Tensor,
    target: Tensor | ArrayLike,
    reduction: Reduction,
    weight: Tensor | ArrayLike | None,
    label_smoothing: float,
    ignore_index: int | None,
) -> Tensor:
    """Do what `cross_entropy` does with options: class indices, in rows that hold for any values of the target."""
    classes, kept = class_indices(name, log_p, target, ignore_index), None
    if ignore_index is not None:
        kept = classes != ignore_index
        classes = where(kept, classes, 0)
    losses = apply(_negative_log_likelihood, (log_p, classes), {"reduction": "none"})
    counts = None
    if weight is not None:
        weight = _class_weights(name, weight, log_p)
        everywhere = apply(ops.broadcast_to, (weight,), {"shape": log_p.shape})
        counts = -apply(_negative_log_likelihood, (everywhere, classes), {"reduction": "none"})
        losses = losses * counts
    if label_smoothing:
        _check_smoothing(label_smoothing)
        spread = (log_p if weight is None else log_p * weight).sum(axis=-1)
        losses = losses * (1 - label_smoothing) - spread * (label_smoothing / log_p.shape[-1])
    if kept is not None:
        losses = where(kept, losses, 0.0)
        counts = kept.astype(log_p.dtype) if counts is None else where(kept, counts, 0.0)
    if reduction != "mean" or counts is None:
        return reduced(losses, reduction)
    total = counts.sum()
    if not losses.size:
        raise mean_of_nothing(losses.shape)
    check(_refuse_no_weight, total, losses.size, name)
    mean: Tensor = losses.sum() / total
    return mean


def _refuse_no_weight(total: NDArray[Any], n_examples: int, name: str) -> None:
    if not total > 0:
        raise OptionError(
            f"{name} cannot take a mean here: each of the {n_examples} examples is left out by ignore_index or has "
            f"weight 0. Leave such batches out, or use reduction='sum'."
        )


def _of_probabilities(
    logits: Tensor,
    target: Tensor | ArrayLike,
    reduction: Reduction,
    weight: Tensor | ArrayLike | None,
    label_smoothing: float,
    ignore_index: int | None,
) -> Tensor:
    _, probabilities = alike("cross_entropy", logits, target)
    if ignore_index is not None:
        raise OptionError(
            f"cross_entropy leaves class indices out by ignore_index={ignore_index}, but the target holds "
            f"probabilities. A row of zeros has a loss of 0."
        )
    if label_smoothing:
        _check_smoothing(label_smoothing)
        probabilities = probabilities * (1 - label_smoothing) + label_smoothing / logits.shape[-1]
    if weight is not None:
        probabilities = probabilities * _class_weights("cross_entropy", weight, logits)
    return reduced(-(probabilities * log_softmax(logits)).sum(axis=-1), reduction)


def _not_class_indices(
    name: str, labels: NDArray[Any], shape: tuple[int, ...], axis: int = -1
) -> ShapeError | DtypeError:
    of, takes_probabilities = ("logits", True) if name == "cross_entropy" else ("predictions", False)
    rest = tuple(n for a, n in enumerate(shape) if a != axis % len(shape))
    if shape and labels.shape == rest:
        either = f", or give probabilities of shape {shape}" if takes_probabilities else ""
        return DtypeError(
            f"{name} needs class indices as integers, but the target holds {labels.dtype}. "
            f"Write target.astype(np.int64){either}."
        )
    fix = " Write target.reshape(-1)." if len(rest) == 1 and labels.size == rest[0] else ""
    if labels.shape == shape:
        fix = f" Write target.argmax(axis={axis}) for one-hot rows."
    either = f", or probabilities as floats of shape {shape}" if takes_probabilities else ""
    return ShapeError(
        f"{name} of {of} {shape} needs class indices of shape {rest}{either}, but the target is {labels.dtype} "
        f"of shape {labels.shape}.{fix}"
    )


def _class_weights(name: str, weight: Tensor | ArrayLike, scores: Tensor) -> Tensor:
    n_classes = scores.shape[-1]
    weight = weight if isinstance(weight, Tensor) else Tensor(weight, dtype=scores.dtype)
    if weight.shape != (n_classes,):
        raise ShapeError(
            f"{name} of {n_classes} classes needs one weight for each, ({n_classes},), but they have shape "
            f"{weight.shape}."
        )
    check(refuse_wrong_weights, weight, name)
    return weight if weight.dtype == scores.dtype else weight.astype(scores.dtype)


def _check_smoothing(label_smoothing: float) -> None:
    if not 0 <= label_smoothing <= 1:
        raise OptionError(f"label_smoothing is a share from 0 to 1, but is {label_smoothing}.")
