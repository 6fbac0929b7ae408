"""What went wrong first, when a loss is no longer a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinygrad_edu.training.history import Recorder

__all__ = ["where_it_broke"]


def where_it_broke(run: Recorder, loss: float | None = None) -> str:
    """Say at which update a run diverged, and in which parameter; by its loss, or by its last weights.

    The gradients of the update before are still there. Backward goes from the last layer to the first,
    so of several that are not finite, the last in the order of definition was the first in time.
    """
    update = len(run.losses) + (loss is not None)
    said = f"Diverged at update {update}: " + ("a weight is not finite." if loss is None else f"the loss is {loss}.")
    names = {i: parameter.name or f"parameter {i}" for i, parameter in enumerate(run.optimizer.parameters)}
    backwards = list(enumerate(run.optimizer.parameters))[::-1]
    culprit = ""
    for i, parameter in backwards:
        if parameter.grad is not None and not np.isfinite(parameter.grad.array).all():
            culprit = f" The gradient of {names[i]} went first, in update {len(run.losses)}."
            break
        if not np.isfinite(parameter.array).all():
            culprit = f" The values of {names[i]} went first."
            break
    else:
        i, largest = max(backwards, key=lambda item: float(np.abs(item[1].array).max(initial=0)))
        size = float(np.abs(largest.array).max(initial=0))
        culprit = f" All weights are still finite, but the largest is {size:.3g}, in {names[i]}."
    remedy = f" Try a smaller learning rate than {run.optimizer.lr:g}"
    return f"{said}{culprit}{remedy}, and check that the data are finite and scaled."
