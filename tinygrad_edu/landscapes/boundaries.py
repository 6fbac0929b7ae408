"""What a model predicts all over the plane of its two features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DataError, OptionError, ShapeError, suggest
from tinygrad_edu.functional import log_softmax
from tinygrad_edu.landscapes.vectors import brief, frozen
from tinygrad_edu.nn.module import Module
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.training.evaluation import switched
from tinygrad_edu.training.given import check_finite

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Boundary", "Gives", "boundary"]

Gives: TypeAlias = Literal["auto", "logits", "probabilities", "labels", "numbers"]
"""What a model's outputs are."""

_GIVES = ("auto", "logits", "probabilities", "labels", "numbers")
_MARGIN = 0.12  # of the data's range, left free around it


@dataclass(frozen=True, eq=False)
class Boundary:
    """A model's predictions on a grid over two features.

    Parameters
    ----------
    x, y
        Coordinates along the first feature and the second.
    values
        The class, as its index in `labels`, or for a regression the number; (len(y), len(x)).
    confidence
        The probability of the class that is predicted, (len(y), len(x)); None where the model gives none.
    margins
        For each class how far it is ahead of the best of the others, as a difference of log-probabilities, (classes,
        len(y), len(x)): 0 on the boundary of its region. None where the model gives no probabilities.
    labels
        The classes; empty for a regression.

    Examples
    --------
    >>> boundary(lambda X: X[:, 0] > 0, [[-1.0, -1.0], [1.0, 1.0]], [0, 1], points=3).values.tolist()
    [[0, 0, 1], [0, 0, 1], [0, 0, 1]]
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    values: NDArray[Any]
    confidence: NDArray[np.float64] | None
    margins: NDArray[np.float64] | None
    labels: tuple[Any, ...]

    def __post_init__(self) -> None:
        for name in ("x", "y", "values", "confidence", "margins"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else frozen(np.asarray(value)))

    def __repr__(self) -> str:
        what = f"labels {self.labels}" if self.labels else "of a regression"
        return brief(self, what, values=self.values, confidence=self.confidence, margins=self.margins)


def boundary(
    model: Any, X: ArrayLike, y: ArrayLike | None = None, *, points: int = 200, gives: Gives = "auto"
) -> Boundary:
    """Compute what a model predicts on a grid around the examples.

    Parameters
    ----------
    model
        A module; or an object with ``predict`` and perhaps ``predict_proba`` or ``probabilities``, such as an estimator
        of scikit-learn; or a function of an array (n, 2).
    X
        Examples, (n, 2); the grid reaches a little beyond them.
    y
        Their targets, which tell classes from numbers; None if the outputs tell enough.
    points
        How many along each side, at least 2.
    gives
        What a module's or function's outputs are: ``"logits"`` of classes (n, classes), or of the second of two classes
        (n,) or (n, 1); ``"probabilities"`` of the same shapes; ``"labels"`` (n,); ``"numbers"`` of a regression.
        ``"auto"`` decides by the last layer, the shape and y: two columns or more are classes, one is a number unless y
        holds nothing but 0 and 1. What a function gives in one column is probabilities if y holds classes and all of it
        lies between 0 and 1.

    Raises
    ------
    DataError
        If X has not two features, or values in X or y are missing or infinite.
    OptionError
        If an option is out of range, or the model is nothing that predicts.
    ShapeError
        If the outputs have a shape that cannot be drawn.

    Examples
    --------
    >>> field = boundary(nn.MLP(2, [4], 3), [[0.0, 0.0], [1.0, 2.0]], [0, 2], points=50)
    >>> field.values.shape, field.labels, field.confidence is None
    ((50, 50), (0, 1, 2), False)
    """
    if gives not in _GIVES:
        raise OptionError(f"A model cannot give {gives!r}. {suggest(str(gives), _GIVES)}")
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or not 2 <= points <= 2000:
        raise OptionError(f"points must be a whole number from 2 to 2000, but is {points!r}.")
    examples, targets = as_array(X), None if y is None else np.asarray(y)
    _check(examples, targets)
    lows, highs = examples.min(axis=0).astype(float), examples.max(axis=0).astype(float)
    room = np.where(highs > lows, _MARGIN * (highs - lows), 1.0)
    x1, x2 = (np.linspace(lows[i] - room[i], highs[i] + room[i], int(points)) for i in (0, 1))
    grid = np.stack([axis.ravel() for axis in np.meshgrid(x1, x2)], axis=1)
    dtype = examples.dtype if examples.dtype.kind == "f" else np.float32
    read = _read(_predict(model, grid.astype(dtype), targets, gives), len(grid), targets)
    shape = (len(x2), len(x1))
    confidence = None if read.confidence is None else read.confidence.reshape(shape)
    margins = None if read.margins is None else read.margins.reshape(-1, *shape)
    return Boundary(x1, x2, read.values.reshape(shape), confidence, margins, read.labels)


def _check(X: NDArray[Any], y: NDArray[Any] | None) -> None:
    if X.ndim != 2 or X.shape[1] != 2 or not len(X):
        n = X.shape[1] if X.ndim == 2 else None
        remedy = (
            f"Train a model on two of the {n} features, X[:, [0, 1]], or on their two principal components."
            if n is not None and n > 2
            else "Give examples of shape (n, 2)."
        )
        raise DataError(f"A boundary is drawn over two features, but X has shape {X.shape}. {remedy}")
    check_finite(X=X)
    if y is not None and len(y) != len(X):
        raise ShapeError(f"X holds {len(X)} examples, but y holds {len(y)}.")
    if y is not None and y.dtype.kind == "f":
        check_finite(y=y)


# -------------------------------------------------------------------------------- what different models give
class _Outputs(NamedTuple):
    values: NDArray[Any]
    kind: str  # as `Gives`, decided
    labels: tuple[Any, ...] | None = None  # the classes' own names, where the model knows them


def _predict(model: Any, grid: NDArray[Any], y: NDArray[Any] | None, gives: Gives) -> _Outputs:
    """Compute a model's outputs, and decide what they are."""
    classes = y is not None and _are_classes(y)
    if isinstance(model, Module):
        with switched(model, training=False), no_grad():
            outputs = model(Tensor(grid)).numpy()
        return _Outputs(outputs, _by_last_layer(model, outputs, classes=classes) if gives == "auto" else gives)
    if hasattr(model, "predict"):
        return _predict_by_object(model, grid, y, gives, classes=classes)
    if not callable(model):
        raise OptionError(
            f"A boundary needs a module, a function, or an object that predicts, but was given {model!r}."
        )
    outputs = as_array(model(grid))
    return _Outputs(outputs, _by_values(outputs, y, classes=classes) if gives == "auto" else gives)


def _predict_by_object(
    model: Any, grid: NDArray[Any], y: NDArray[Any] | None, gives: Gives, *, classes: bool
) -> _Outputs:
    probabilities = next((n for n in ("predict_proba", "probabilities") if hasattr(model, n)), None)
    if probabilities and gives in ("auto", "probabilities") and (classes or y is None):
        labels = getattr(model, "classes_", None)
        named = None if labels is None else tuple(np.asarray(labels).tolist())
        return _Outputs(np.asarray(getattr(model, probabilities)(grid)), "probabilities", named)
    outputs = np.asarray(model.predict(grid))
    kind = "labels" if classes or outputs.dtype.kind != "f" else "numbers"
    return _Outputs(outputs, kind if gives == "auto" else gives)


def _by_last_layer(model: Module, outputs: NDArray[Any], *, classes: bool) -> str:
    last = [module for _, module in model.named_modules()][-1]
    if isinstance(last, (nn.Sigmoid, nn.Softmax)):
        return "probabilities"
    return "logits" if classes or _n_columns(outputs) > 1 else "numbers"


def _by_values(outputs: NDArray[Any], y: NDArray[Any] | None, *, classes: bool) -> str:
    if outputs.dtype.kind != "f":
        return "labels"
    within = bool(((outputs >= 0) & (outputs <= 1)).all())
    if _n_columns(outputs) > 1:
        return "probabilities" if within and np.allclose(outputs.sum(axis=1), 1, atol=1e-3) else "logits"
    if not classes or y is None:
        return "numbers"
    if np.isin(outputs, np.unique(y)).all():
        return "labels"
    return "probabilities" if within else "logits"


def _n_columns(outputs: NDArray[Any]) -> int:
    return int(outputs.shape[1]) if outputs.ndim == 2 else 1


def _are_classes(y: NDArray[Any]) -> bool:
    return y.dtype.kind != "f" or set(np.unique(y).tolist()) <= {0.0, 1.0}


# -------------------------------------------------------------------------------------- what is drawn of it
class _Read(NamedTuple):
    values: NDArray[Any]
    confidence: NDArray[Any] | None
    margins: NDArray[Any] | None
    labels: tuple[Any, ...]


def _read(outputs: _Outputs, n: int, y: NDArray[Any] | None) -> _Read:
    """Turn outputs into classes with their confidence, or into numbers."""
    array, columns = outputs.values, _n_columns(outputs.values)
    if array.ndim not in (1, 2) or len(array) != n:
        raise ShapeError(f"A boundary needs an output for each of {n} points, but the model gave shape {array.shape}.")
    if outputs.kind in ("numbers", "labels") and columns != 1:
        raise ShapeError(
            f"{outputs.kind.capitalize()} of shape {array.shape} cannot be drawn. Give a model with one output, or say "
            f'gives="logits" or "probabilities" for the scores of classes.'
        )
    if outputs.kind == "numbers":
        return _Read(array.ravel().astype(np.float64), None, None, ())
    if outputs.kind == "labels":
        found = array.ravel()
        # A class that is predicted nowhere keeps its place, and its colour.
        labels = np.unique(found if y is None else np.concatenate([np.unique(y), np.unique(found)]))
        return _Read(np.searchsorted(labels, found), None, None, tuple(labels.tolist()))
    logs = _log_probabilities(array, outputs.kind)
    best = logs.argmax(axis=1)
    ahead = logs - _best_of_others(logs, best)
    return _Read(best, np.exp(logs.max(axis=1)), ahead.T, outputs.labels or tuple(range(logs.shape[1])))


def _log_probabilities(array: NDArray[Any], kind: str) -> NDArray[np.float64]:
    """Give the logarithms of the probabilities of all classes, two at least, (n, classes)."""
    double = array.reshape(len(array), -1).astype(np.float64)
    if kind == "logits":
        scores = double if double.shape[1] > 1 else np.concatenate([np.zeros_like(double), double], axis=1)
        logs: NDArray[np.float64] = log_softmax(Tensor(scores)).numpy()
        return logs
    both = double if double.shape[1] > 1 else np.concatenate([1 - double, double], axis=1)
    positive: NDArray[np.float64] = np.maximum(both, np.finfo(np.float64).tiny)
    return np.log(positive)


def _best_of_others(logs: NDArray[np.float64], best: NDArray[np.intp]) -> NDArray[np.float64]:
    """Give for each class the largest entry among the other classes, (n, classes)."""
    first, second = np.sort(logs, axis=1)[:, :-3:-1].T
    others = np.repeat(first[:, None], logs.shape[1], axis=1)
    others[np.arange(len(logs)), best] = second
    return others
