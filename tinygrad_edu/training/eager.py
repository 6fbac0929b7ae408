"""A batch becomes an update as it is written: forward, loss, backward, step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.compiler.stopping import InfiniteLossError
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["Eager"]


class Eager:
    """Make a step as it is written: called with a batch, it gives the loss before the update."""

    def __init__(
        self, model: Module, loss: Callable[[Tensor, Any], Tensor], optimizer: Optimizer, *, used: str = "none"
    ) -> None:
        self.model, self.loss, self.optimizer, self.used = model, loss, optimizer, used

    def __call__(self, xb: NDArray[Any], yb: NDArray[Any]) -> float:
        """Compute the loss of a batch, its gradient, and make a step.

        Raises
        ------
        InfiniteLossError
            If the loss is no finite number; nothing is changed then.
        """
        value = self.loss(self.model(Tensor(xb)), yb)
        number: float = value.item()
        if not math.isfinite(number):
            raise InfiniteLossError(number)
        self.optimizer.zero_grad()
        value.backward()
        self.optimizer.step()
        return number

    def look(self) -> None:
        """Take note that a callback ran: nothing is remembered that it could have changed."""

    def close(self) -> None:
        """Let go of what was needed for the run."""
