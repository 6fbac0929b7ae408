"""What ``fit`` is given, made ready: the examples to learn from, those held out, and how to judge the model on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu import metrics
from tinygrad_edu.conversion import as_array
from tinygrad_edu.data.preparation import split
from tinygrad_edu.errors import DataError, OptionError
from tinygrad_edu.losses import BCEWithLogitsLoss
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.training.evaluation import switched

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.nn.module import Module

__all__ = ["Examples", "accuracy_of_logits", "check_finite", "default_metric", "examples"]


class Examples(NamedTuple):
    """The examples to learn from, where they stand in the data as given, and the examples held out, if any."""

    X: NDArray[Any]
    y: NDArray[Any]
    rows: NDArray[np.intp]
    held_out: tuple[NDArray[Any], NDArray[Any]] | None


def examples(
    X: ArrayLike,
    y: ArrayLike,
    validation: float | tuple[ArrayLike, ArrayLike] | None,
    rng: np.random.Generator,
    dtype: np.dtype[Any],
) -> Examples:
    """Convert the data to the dtype of the parameters, check them, and hold some out.

    Raises
    ------
    OptionError
        If `validation` is neither a fraction nor a pair.
    DataError
        If the data to learn from hold values that are not finite.

    Examples
    --------
    >>> X = np.arange(8.0).reshape(8, 1)
    >>> some = examples(X, X, 0.25, np.random.default_rng(0), np.dtype(np.float32))
    >>> some.X.shape, bool((some.X == X[some.rows]).all())
    ((6, 1), True)
    """
    X, y, held_out = _as_inputs(X, dtype), _as_inputs(y, dtype), None
    if isinstance(validation, (tuple, list)) and len(validation) == 2:
        held_out = _as_inputs(validation[0], dtype), _as_inputs(validation[1], dtype)
    elif validation is not None and not (isinstance(validation, (float, np.floating)) and 0 < validation < 1):
        raise OptionError(f"validation must be a fraction between 0 and 1, or a pair (X, y), but is {validation!r}.")
    elif validation is not None:
        stratify = y.dtype.kind in "iu" and y.ndim == 1
        rows = np.arange(len(X)) if X.ndim else X  # a single value, which split refuses
        rows, others, y, y_held = split(rows, y, test_fraction=validation, rng=rng, stratify=stratify)
        check_finite(X=X[rows], y=y)
        return Examples(X[rows], y, rows, (X[others], y_held))
    check_finite(X=X, y=y)
    return Examples(X, y, np.arange(len(X) if X.ndim else 0), held_out)


def _as_inputs(values: ArrayLike, dtype: np.dtype[Any]) -> NDArray[Any]:
    array = as_array(values)
    return as_array(array, dtype) if array.dtype.kind == "f" else array


def check_finite(**arrays: NDArray[Any]) -> None:
    """Refuse values that are missing or infinite, and say where the first one is.

    Raises
    ------
    DataError
        If there are any.

    Examples
    --------
    >>> check_finite(X=np.array([[0.0, np.nan]]))
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.DataError: X holds 1 value that is missing or infinite, the first at index (0, 1). Replace ...
    """
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            where = np.argwhere(~np.isfinite(array))
            values = "1 value that is" if len(where) == 1 else f"{len(where)} values that are"
            raise DataError(
                f"{name} holds {values} missing or infinite, the first at index {tuple(map(int, where[0]))}. "
                f"Replace them, or leave their examples out."
            )


def default_metric(
    model: Module, X: NDArray[Any], y: NDArray[Any], loss: Callable[[Tensor, Any], Tensor]
) -> Callable[..., float]:
    """Choose the accuracy for scores of classes and for logits of two, else R²."""
    if isinstance(loss, BCEWithLogitsLoss):
        return accuracy_of_logits
    if y.dtype.kind not in "iu":
        return metrics.r2_score
    with switched(model, training=False), no_grad(), np.errstate(over="ignore", invalid="ignore"):
        scores = model(Tensor(X[:1]))
    return metrics.accuracy if scores.ndim == y.ndim + 1 else metrics.r2_score


def accuracy_of_logits(y_true: NDArray[Any], logits: NDArray[Any]) -> float:
    """Compute the share of logits whose sign is right: positive for 1, negative for 0.

    Examples
    --------
    >>> accuracy_of_logits(np.array([1.0, 0.0]), np.array([3.0, 2.0]))
    0.5
    """
    return float(np.mean((logits > 0) == (y_true > 0.5)))
