"""A training step that stops before its update: where the loss is no number, nothing is changed any more."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.tape import mode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["InfiniteLossError", "refuse_infinite"]


class InfiniteLossError(Exception):
    """The loss of a batch is NaN or infinite; what follows in the step was not done. It is for ``fit`` to catch."""

    def __init__(self, loss: float) -> None:
        super().__init__(f"The loss is {loss}.")
        self.loss = loss
        self.recording = mode.capture is not None
        """Whether the step was being recorded, so that what its forward pass had changed was undone."""
        self.losses: Sequence[float] | NDArray[Any] = ()
        """Of a whole epoch: the losses of the steps before. Who runs the epoch puts them here."""


def refuse_infinite(loss: NDArray[Any]) -> None:
    """Raise unless a loss is a finite number; for ``check``, between the loss and ``backward()``.

    ``refuse_infinite.stops`` tells a compiler that steps after the one in which it raises must not be made.

    Examples
    --------
    >>> import numpy as np
    >>> refuse_infinite(np.array(0.5))
    >>> refuse_infinite(np.array(np.inf))
    Traceback (most recent call last):
    ...
    tinygrad_edu.compiler.stopping.InfiniteLossError: The loss is inf.
    """
    number: float = loss.item()
    if not math.isfinite(number):
        raise InfiniteLossError(number)


refuse_infinite.stops = True  # type: ignore[attr-defined]  # read by the compiler's backends
