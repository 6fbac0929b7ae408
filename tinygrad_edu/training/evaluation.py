"""Computing with a model without training it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.conversion import as_array
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.nn.module import Module

__all__ = ["evaluate", "switched"]


@contextmanager
def switched(model: Module, *, training: bool) -> Iterator[None]:
    """Put a model and all within it into one mode, and each back into its own afterwards.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> model = nn.Sequential(nn.Linear(1, 1), nn.Dropout(0.5))
    >>> with switched(model, training=False):
    ...     model[1].training
    False
    >>> model[1].training
    True
    """
    modes = [(module, module.training) for _, module in model.named_modules()]
    try:
        model.train(training)
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def evaluate(
    model: Module,
    X: ArrayLike,
    y: ArrayLike,
    *,
    loss: Callable[[Tensor, Any], Tensor],
    metric: Callable[[NDArray[Any], NDArray[Any]], float],
) -> tuple[float, float]:
    """Compute the loss and the metric of a model on examples.

    Scores (n, classes) against class indices (n,) are given to the metric as the index of the largest. Scores that
    are not finite give a metric of NaN.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> model = tg.nn.Softmax()
    >>> evaluate(model, [[0.0, 9.0]], [1], loss=tg.nn.CrossEntropyLoss(), metric=tg.metrics.accuracy)[1]
    1.0
    """
    # What overflows shows in the result; NumPy need not warn of it as well.
    with switched(model, training=False), no_grad(), np.errstate(over="ignore", invalid="ignore"):
        prediction = model(Tensor(X))
        value = float(loss(prediction, y))
    truth, guess = as_array(y), prediction.numpy()
    if not np.isfinite(guess).all():
        return value, float("nan")
    if guess.ndim == truth.ndim + 1 and truth.dtype.kind in "iu":
        guess = guess.argmax(axis=-1)
    return value, float(metric(truth, guess))
