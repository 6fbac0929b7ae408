"""A target and a loss, as they go with what a model gives: for whole numbers a class, for others a regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, OptionError
from tinygrad_edu.losses import CrossEntropyLoss, MSELoss, MultiMarginLoss, NLLLoss
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["finishing"]

_OF_CLASSES = (CrossEntropyLoss, NLLLoss, MultiMarginLoss)


def finishing(y: Any, loss: Any = None) -> tuple[Callable[[Tensor], Tensor] | None, str]:
    """Make the function from a model's output to the loss, and say what the loss is called.

    Parameters
    ----------
    y
        The target; whole numbers are classes, others the numbers to predict. None for no loss.
    loss
        A loss, or a function of prediction and target; by default cross-entropy for classes, else the mean squared
        error.

    Raises
    ------
    OptionError
        If there is a loss without a target, or the loss cannot be called.
    DtypeError
        If the target holds neither whole nor other real numbers.

    Examples
    --------
    >>> finishing(1)[1], finishing([0.5])[1], finishing(None)[1]
    ('CrossEntropyLoss', 'MSELoss', '')
    """
    if y is None:
        if loss is not None:
            raise OptionError(
                "A loss compares with a target, but y was not given. Write model.explain(x, y, loss=...)."
            )
        return None, ""
    target = as_array(y)
    if target.dtype.kind not in "iuf":
        raise DtypeError(
            f"The target holds {target.dtype}, but is a class, a whole number such as 1, or numbers such as 0.5."
        )
    criterion = loss if loss is not None else CrossEntropyLoss() if target.dtype.kind in "iu" else MSELoss()
    if not callable(criterion):
        raise OptionError(f"loss is a loss such as nn.MSELoss(), but was given {criterion!r}.")
    classes = isinstance(criterion, _OF_CLASSES) and target.dtype.kind in "iu"

    def finish(output: Tensor) -> Tensor:
        fitted = target
        if classes:
            fitted = target.reshape(output.shape[:-1]) if target.size == output.size // output.shape[-1] else target
        elif target.size == output.size:  # 0.5 for a prediction of shape (1, 1)
            fitted = target.reshape(output.shape).astype(np.result_type(output.dtype, np.float16))
        return criterion(output, Tensor(fitted, name="y"))

    return finish, getattr(criterion, "__name__", type(criterion).__name__)
