"""How good predictions are, as scikit-learn defines it: ``metric(y_true, y_pred)``.

Labels in, or numbers in, a Python float out, computed in float64. Shapes must match: a column (n, 1) against
(n,) would broadcast to (n, n) and give a number that means nothing, so it is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinygrad_edu.errors import DataError, OptionError, ShapeError, suggest

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "accuracy",
    "confusion_matrix",
    "f1_score",
    "mean_absolute_error",
    "mean_squared_error",
    "r2_score",
    "root_mean_squared_error",
]

# ---------------------------------------------------------------------------------- classification


def accuracy(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    """Return the fraction of labels that are right, from 0 to 1.

    Parameters
    ----------
    y_true, y_pred
        Labels of shape (n,): class indices or text.

    Raises
    ------
    ShapeError, DataError
        If the shapes differ or are not (n,), or if there are no labels, or one is NaN.

    Examples
    --------
    >>> accuracy([0, 1, 2, 2], [0, 1, 1, 2])
    0.75
    """
    true, predicted = _labels(y_true, y_pred)
    return float(np.mean(true == predicted))


def confusion_matrix(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Count how often each label (rows) was predicted as each label (columns).

    Parameters
    ----------
    y_true, y_pred
        Labels of shape (n,).

    Returns
    -------
    ndarray
        Shape (k, k), where k is the number of labels in either argument, in sorted order.

    Raises
    ------
    ShapeError, DataError
        If the shapes differ or are not (n,), or if there are no labels, or one is NaN.

    Examples
    --------
    >>> confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1])
    array([[1, 1],
           [0, 2]])
    """
    return _confusion(y_true, y_pred)[1]


def f1_score(
    y_true: npt.ArrayLike,
    y_pred: npt.ArrayLike,
    *,
    average: Literal["binary", "macro", "micro"] = "binary",
) -> float:
    """Return the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), from 0 to 1.

    Parameters
    ----------
    y_true, y_pred
        Labels of shape (n,).
    average
        ``"binary"`` takes the label 1 as the one to find; ``"macro"`` is the mean over the labels,
        ``"micro"`` counts all labels together.

    Raises
    ------
    OptionError
        If the average is unknown, or ``"binary"`` for labels other than 0 and 1.
    ShapeError, DataError
        If the shapes differ or are not (n,), or if there are no labels, or one is NaN.

    Notes
    -----
    The score of a label that is neither present nor predicted is 0.

    Examples
    --------
    >>> f1_score([0, 0, 1, 1], [0, 1, 1, 1])
    0.8
    >>> round(f1_score([0, 0, 1, 1], [0, 1, 1, 1], average="macro"), 4)
    0.7333
    """
    labels, matrix = _confusion(y_true, y_pred)
    hits = np.diagonal(matrix)
    seen = matrix.sum(axis=0) + matrix.sum(axis=1)  # 2 TP + FP + FN
    if average == "micro":
        return float(2 * hits.sum() / seen.sum())
    scores = 2 * hits / seen  # every label was seen at least once
    if average == "macro":
        return float(scores.mean())
    if average != "binary":
        raise OptionError(f"average={average!r} is unknown. {suggest(str(average), ['binary', 'macro', 'micro'])}")
    if not set(labels.tolist()) <= {0, 1}:
        raise OptionError(
            f"average='binary' needs the labels 0 and 1, not {', '.join(map(repr, labels.tolist()[:5]))}. "
            "Pass average='macro' for other labels."
        )
    return float(scores[labels == 1].sum())


# -------------------------------------------------------------------------------------- regression


def mean_squared_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    """Return the mean of the squared differences, in the target's unit squared.

    Parameters
    ----------
    y_true, y_pred
        Numbers of one shape, (n,) or (n, outputs).

    Raises
    ------
    ShapeError, DataError
        If the shapes differ, or if there are no values.

    Examples
    --------
    >>> mean_squared_error([1.0, 2.0], [1.0, 4.0])
    2.0
    """
    true, predicted = _numbers(y_true, y_pred)
    return float(np.mean((true - predicted) ** 2))


def root_mean_squared_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    """Return the root of the mean squared error, in the target's unit; the mean of it over several outputs.

    Parameters and errors are those of ``mean_squared_error``.

    Examples
    --------
    >>> root_mean_squared_error([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 8.0])
    2.0
    """
    true, predicted = _numbers(y_true, y_pred)
    return float(np.mean(np.sqrt(np.mean((true - predicted) ** 2, axis=0))))


def mean_absolute_error(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    """Return the mean of the absolute differences, in the target's unit.

    Parameters and errors are those of ``mean_squared_error``.

    Examples
    --------
    >>> mean_absolute_error([1.0, 2.0], [1.0, 4.0])
    1.0
    """
    true, predicted = _numbers(y_true, y_pred)
    return float(np.mean(np.abs(true - predicted)))


def r2_score(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> float:
    """Return the share of the target's variance that the predictions explain: 1 − Σ(y − ŷ)² / Σ(y − ȳ)².

    1 is perfect, 0 is as good as always predicting the mean, and there is no lower bound.

    Parameters
    ----------
    y_true, y_pred
        Numbers of one shape, (n,) or (n, outputs), n of at least 2; the mean is taken over several outputs.

    Raises
    ------
    ShapeError, DataError
        If the shapes differ, or if there are fewer than two examples.

    Notes
    -----
    An output whose true values are all equal scores 1 if it is predicted exactly, otherwise 0.

    Examples
    --------
    >>> r2_score([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5
    """
    true, predicted = _numbers(y_true, y_pred)
    if len(true) < 2:
        raise DataError("R² needs at least two examples, as one has no variance to explain. Add examples.")
    residual = np.sum((true - predicted) ** 2, axis=0)
    total = np.sum((true - true.mean(axis=0)) ** 2, axis=0)
    varies = total != 0
    explained = 1 - residual / np.where(varies, total, 1.0)
    return float(np.mean(np.where(varies, explained, np.where(residual == 0, 1.0, 0.0))))


# ------------------------------------------------------------------------------------------ checks


def _matching(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    true, predicted = np.asarray(y_true), np.asarray(y_pred)
    if true.shape != predicted.shape:
        raise ShapeError(f"y_true has the shape {true.shape} and y_pred {predicted.shape}. {_remedy(true, predicted)}")
    if true.size == 0:
        raise DataError("There are no predictions to score: y_true and y_pred are empty. Pass at least one.")
    if true.ndim == 0:
        raise ShapeError("y_true and y_pred are single values. Pass sequences, such as [y_true] and [y_pred].")
    return true, predicted


def _remedy(true: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> str:
    for name, array, other in (("y_pred", predicted, true), ("y_true", true, predicted)):
        if array.shape == (*other.shape, 1):
            return f"Flatten the column: {name}.reshape(-1), or {name}.squeeze(1)."
    if predicted.ndim == true.ndim + 1 and len(predicted) == len(true):
        return "Turn a score per class into the best class: y_pred.argmax(axis=1)."
    return "Pass one prediction for each true value."


def _labels(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    true, predicted = _matching(y_true, y_pred)
    if true.ndim != 1:
        raise ShapeError(
            f"Labels need the shape (n,), not {true.shape}. Flatten a column with .reshape(-1), or take "
            "the best of several scores with .argmax(axis=1)."
        )
    for name, labels in (("y_true", true), ("y_pred", predicted)):
        missing = np.flatnonzero(labels != labels)  # noqa: PLR0124 - NaN alone differs from itself
        if missing.size:
            raise DataError(
                f"{name} holds NaN at index {missing[0]}, which is no label. Leave out the examples whose label is "
                f"missing, from both y_true and y_pred."
            )
    return true, predicted


def _numbers(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    true, predicted = _matching(y_true, y_pred)
    return true.astype(np.float64), predicted.astype(np.float64)


def _confusion(y_true: npt.ArrayLike, y_pred: npt.ArrayLike) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Return the labels in sorted order, and the counts of each pair of true and predicted label."""
    true, predicted = _labels(y_true, y_pred)
    labels, indices = np.unique(np.concatenate([true, predicted]), return_inverse=True)
    k = len(labels)
    pairs = np.bincount(indices[: len(true)] * k + indices[len(true) :], minlength=k * k)
    return labels, pairs.reshape(k, k).astype(np.int64)
