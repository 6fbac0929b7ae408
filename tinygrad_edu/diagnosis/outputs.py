"""Whether the loss is one for what the model gives and for what is to be predicted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.diagnosis.data import REGRESSION
from tinygrad_edu.diagnosis.findings import Finding, number, plural
from tinygrad_edu.losses import BCELoss, BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, MultiMarginLoss, NLLLoss
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tinygrad_edu.diagnosis.case import Case, Pass

__all__ = ["about_chance", "about_outputs", "usual_loss"]

_OF_CLASSES = (CrossEntropyLoss, NLLLoss, MultiMarginLoss)
_CLASSES, _EACH = 20, 5  # whole numbers that may be classes: how many at most, with how many examples each on average
_CLOSE = 1e-4  # how near to 1 float32 probabilities add up


def about_outputs(case: Case, prediction: Any) -> Iterator[Finding]:
    """Find a loss that does not fit the prediction or the target; it is not computed for that.

    What the prediction is, is read from its values: rows that are not negative and add up to 1 are probabilities,
    whichever function made them.
    """
    if not isinstance(prediction, Tensor) or prediction.array.dtype.kind != "f":
        return
    values = prediction.array
    if isinstance(case.loss, (CrossEntropyLoss, NLLLoss)) and values.ndim == 2 and case.loss.axis in (None, -1, 1):
        yield from _of_classes(case, values)
    if isinstance(case.loss, _OF_CLASSES) and values.ndim == 2:
        yield from _labels(case, values)
    if isinstance(case.loss, BCELoss) and not ((values >= 0) & (values <= 1)).all():
        yield Finding(
            "scores-as-probabilities",
            "error",
            f"BCELoss takes probabilities, but the outputs reach from {number(values.min())} to "
            f"{number(values.max())}: the model gives scores.",
            "Write nn.BCEWithLogitsLoss(), which takes scores, or add nn.Sigmoid() at the end of the model.",
            {"least": float(values.min()), "greatest": float(values.max())},
        )
    if isinstance(case.loss, REGRESSION):
        yield from _regressing_classes(case, values)


def _probabilities(values: NDArray[Any]) -> bool:
    return values.shape[1] > 1 and bool((values >= 0).all() and np.abs(values.sum(axis=1) - 1).max() < _CLOSE)


def _of_classes(case: Case, values: NDArray[Any]) -> Iterator[Finding]:
    n, n_classes = values.shape
    if isinstance(case.loss, CrossEntropyLoss):
        if _probabilities(values):
            least = -math.log(math.e / (math.e + n_classes - 1))
            yield Finding(
                "double-softmax",
                "error",
                f"The {plural(n, 'row')} of the outputs are probabilities already: none is negative, and each adds up "
                f"to 1. CrossEntropyLoss applies softmax once more, so that the loss cannot fall below "
                f"{number(least)}, however sure and right the model is.",
                "Remove nn.Softmax from the end of the model; for probabilities write "
                "tg.softmax(model(x)) where they are needed.",
                {"least": least},
            )
        elif n_classes > 1 and _log_probabilities(values):
            yield Finding(
                "log-softmax-twice",
                "note",
                "The outputs are logarithms of probabilities already, and CrossEntropyLoss applies log_softmax once "
                "more: that changes nothing, and costs time.",
                "Remove nn.LogSoftmax from the end of the model, or write nn.NLLLoss().",
            )
    elif not _log_probabilities(values):
        what = "probabilities" if _probabilities(values) else "scores"
        yield Finding(
            "scores-as-log-probabilities",
            "error",
            f"NLLLoss takes logarithms of probabilities, but the model gives {what}, from {number(values.min())} to "
            f"{number(values.max())}: the loss falls without end as they grow, right or wrong.",
            "Write nn.CrossEntropyLoss(), which takes scores"
            + (", and remove nn.Softmax" if what == "probabilities" else "")
            + "; or end the model with nn.LogSoftmax().",
            {"least": float(values.min()), "greatest": float(values.max())},
        )


def _log_probabilities(values: NDArray[Any]) -> bool:
    return bool((values <= 0).all() and np.abs(np.exp(values).sum(axis=1) - 1).max() < _CLOSE)


def _labels(case: Case, values: NDArray[Any]) -> Iterator[Finding]:
    """Find class indices that are floats, or do not fit the number of outputs."""
    y, n_outputs = case.y, values.shape[1]
    if y.dtype.kind == "f":
        if y.shape[1:] == (n_outputs,) and isinstance(case.loss, CrossEntropyLoss):
            yield from _distributions(y)
        else:
            yield Finding(
                "float-targets",
                "error",
                f"{type(case.loss).__name__} takes class indices, but y holds {y.dtype} of shape {y.shape}.",
                "Write y.astype(np.int64) if it holds classes; for numbers that are to be predicted, nn.MSELoss().",
            )
        return
    if y.ndim != 1 or y.dtype.kind not in "iu":
        return
    ignored = getattr(case.loss, "ignore_index", None)
    labels = y if ignored is None else y[y != ignored]
    least, greatest = int(labels.min(initial=0)), int(labels.max(initial=0))
    if greatest >= n_outputs or least < 0:
        yield Finding(
            "too-few-outputs",
            "error",
            f"y holds classes from {least} to {greatest}, but the model has {plural(n_outputs, 'output')}, for the "
            f"classes 0 to {n_outputs - 1}.",
            f"Give the last layer {greatest + 1} outputs, or number the classes from 0: "
            f"y = np.unique(y, return_inverse=True)[1].",
            {"greatest": float(greatest), "outputs": float(n_outputs)},
        )
    elif n_outputs > greatest + 1:
        yield Finding(
            "unused-outputs",
            "note",
            f"The model has {n_outputs} outputs, but y holds no class above {greatest}: {n_outputs - greatest - 1} "
            f"will only learn to be small.",
            f"Give the last layer {greatest + 1} outputs, if there are no more classes.",
            {"greatest": float(greatest), "outputs": float(n_outputs)},
        )


def _distributions(y: NDArray[Any]) -> Iterator[Finding]:
    sums = y.sum(axis=1)
    if (y < 0).any() or np.abs(sums - 1).max() > 1e-3:
        yield Finding(
            "targets-no-probabilities",
            "error",
            f"Float targets of CrossEntropyLoss are probabilities, but the rows of y add up to {number(sums.min())} to "
            f"{number(sums.max())}, and its smallest entry is {number(y.min())}.",
            "Divide by the sums: y = y / y.sum(axis=1, keepdims=True); for several labels at once write "
            "nn.BCEWithLogitsLoss().",
            {"least": float(sums.min()), "greatest": float(sums.max())},
        )


def _regressing_classes(case: Case, values: NDArray[Any]) -> Iterator[Finding]:
    """Find a loss of regression that is given class indices."""
    y = case.y
    if y.dtype.kind not in "iub":
        return
    n_outputs = values.shape[-1] if values.ndim > 1 else 1
    name = type(case.loss).__name__
    if n_outputs > 1 and y.ndim == 1:
        yield Finding(
            "wrong-loss",
            "error",
            f"{name} compares each output with a number, but the model gives {n_outputs} outputs for each of the class "
            f"indices {int(y.min())} to {int(y.max())} in y.",
            "Write nn.CrossEntropyLoss().",
            {"outputs": float(n_outputs)},
        )
    elif n_outputs == 1 and set(np.unique(y).tolist()) == {0, 1}:
        yield Finding(
            "wrong-loss",
            "warning",
            f"y holds the classes 0 and 1 alone, as {y.dtype}, and {name} treats them as numbers: an output of 5 for "
            f"class 1 counts as wrong as one of -3.",
            "Write nn.BCEWithLogitsLoss(), with y.astype(np.float32).",
            {"outputs": 1.0},
        )
    elif n_outputs == 1 and (n_classes := _n_classes(y)):
        yield Finding(
            "wrong-loss",
            "note",
            f"y holds the whole numbers 0 to {n_classes - 1} alone, as {y.dtype}. If they are counts or grades, {name} "
            f"is right; if they name classes, it takes class 1 for something between class 0 and class 2.",
            f"For classes write nn.CrossEntropyLoss(), with y of shape (n,), and give the last layer {n_classes} "
            f"outputs.",
            {"outputs": 1.0, "classes": float(n_classes)},
        )


def _n_classes(y: NDArray[Any]) -> int:
    """Count the classes, if the targets look like such: every whole number from 0 up to a small one, each often."""
    values = np.unique(y)
    few = 3 <= len(values) <= _CLASSES and len(values) * _EACH <= y.size
    return len(values) if few and (values == np.arange(len(values))).all() else 0


def usual_loss(case: Case, prediction: Any) -> float:
    """Compute the loss of a model that knows nothing.

    That of equally likely classes, or of the mean target; for other losses, that of the predictions dealt out to the
    wrong examples. 0 if that cannot be computed.
    """
    loss = case.loss
    if isinstance(loss, (CrossEntropyLoss, NLLLoss)):
        each = math.log(max(prediction.array.shape[-1], 2))
    elif isinstance(loss, (BCEWithLogitsLoss, BCELoss)):
        each = math.log(2)
    elif isinstance(loss, MSELoss):
        each = float(np.var(case.y.astype(np.float64))) * (case.y[0].size if case.summed else 1)
    elif isinstance(prediction, Tensor) and prediction.shape[:1] == (len(case.xs),):
        with no_grad():
            dealt = Tensor(np.roll(prediction.array, len(case.xs) // 2, axis=0))
            return float(case.scaled(loss(dealt, case.ys), len(case.xs)).array)
    else:
        return 0.0
    return each * case.batch_size if case.summed else each


def about_chance(case: Case, found: Pass) -> Iterator[Finding]:
    """Find a loss that is no number, and one of classes far above that of guessing: the model is sure, and wrong."""
    if not math.isfinite(found.loss.item()):
        broken = [name for name, p in case.parameters.items() if not np.isfinite(p.array).all()]
        where = f"the weights of {', '.join(broken[:3])} are no numbers any more" if broken else "the weights are"
        yield Finding(
            "loss-not-finite",
            "error",
            f"The loss of {plural(len(case.xs), 'finite example')} is {found.loss.item()}: {where}.",
            "Make the model anew and train with a smaller learning rate."
            if broken
            else "Find the operation: with tg.detect_anomaly(infinite=True): loss(model(X), y).backward().",
        )
        return
    values, loss = found.prediction.array, case.loss
    plain = getattr(loss, "reduction", "") == "mean" and getattr(loss, "weight", None) is None
    if not plain or not isinstance(loss, (CrossEntropyLoss, BCEWithLogitsLoss)):
        return
    n_classes = values.shape[-1] if isinstance(loss, CrossEntropyLoss) else 2
    chance, value = math.log(n_classes), found.loss.item()
    if n_classes > 1 and value > 3 * chance:
        yield Finding(
            "loss-above-chance",
            "warning",
            f"The loss is {number(value)}, and that of calling all {n_classes} classes equally likely is "
            f"ln {n_classes} = {number(chance)}: the model is sure of wrong answers, and the first updates only undo "
            f"that.",
            "Before training, standardise the features and draw smaller weights, at least in the last layer; "
            "after training, lower the learning rate.",
            {"loss": value, "chance": chance},
        )
