"""An epoch of a compiled step: batch by batch, or many steps in one call of machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.compiler.stopping import InfiniteLossError
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.optim.optimizer import check_whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.compiler.step import CompiledStep

__all__ = ["run_epoch"]


def run_epoch(
    step: CompiledStep, X: ArrayLike, y: ArrayLike, order: ArrayLike | None, batch_size: int
) -> NDArray[np.float64]:
    """Do what ``CompiledStep.epoch`` says."""
    X, y = as_array(X), as_array(y)
    if len(X) != len(y):
        raise ShapeError(f"X holds {len(X)} examples and y {len(y)}. Give one target for each example.")
    size = check_whole("batch_size", batch_size)
    indices = np.arange(len(X)) if order is None else as_array(order)
    losses = np.empty(-(-len(indices) // size))
    k = 0
    try:
        while k < len(losses):
            rows = indices[k * size : (k + 1) * size]
            batch = X[rows], y[rows]
            if step.backend == "numba" and len(rows) == size and (variant := step.trusted(batch)) is not None:
                with step.lock:
                    many, bad = variant.machine.epoch(X, y, indices[k * size : len(indices) // size * size], size)
                losses[k : k + len(many)] = many
                k += len(many)
                if bad is not None:
                    raise InfiniteLossError(bad)  # noqa: TRY301 - caught for the losses so far
            else:
                losses[k] = step(*batch)
                k += 1
    except InfiniteLossError as error:
        error.losses = losses[:k]
        raise
    return losses
