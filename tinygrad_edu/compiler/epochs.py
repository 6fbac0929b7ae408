"""An epoch of a compiled step: batch by batch, as many at a time as can be, or in one call of machine code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.stopping import InfiniteLossError
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.optim.optimizer import check_whole

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.compiler.step import CompiledStep
    from tinygrad_edu.compiler.variant import Variant

    # Of one step, or of many that were made at once.
    Losses = float | NDArray[np.float64]

__all__ = ["run_epoch"]

_TOGETHER = 2**20  # bytes of batches that are gathered at once


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
    n_done = 0
    try:
        for found in _steps(step, X, y, indices, size):
            n_more = len(found) if isinstance(found, np.ndarray) else 1
            losses[n_done : n_done + n_more] = found
            n_done += n_more
    except InfiniteLossError as error:
        error.losses = losses[:n_done]
        raise
    return losses


def _steps(step: CompiledStep, X: NDArray[Any], y: NDArray[Any], indices: NDArray[Any], size: int) -> Iterator[Losses]:
    """Make one step after the other and give the losses; many at once where nothing can change in between."""
    in_memory = size * max(1, _TOGETHER // max(1, X[:size].nbytes + y[:size].nbytes))
    many, n_together = (_by_machine, len(indices)) if step.backend == "numba" else (_by_batch, in_memory)
    while len(indices):
        batch = X[indices[:size]], y[indices[:size]]
        variant = step.trusted(batch) if len(indices) >= size else None
        if variant is None or not variant.in_a_row:
            n_done = size
            yield step(*batch)
        else:
            n_done = min(n_together, len(indices) // size * size)
            with step.lock:
                yield from many(variant, X, y, indices[:n_done], size)
        indices = indices[n_done:]


def _by_batch(variant: Variant, X: NDArray[Any], y: NDArray[Any], indices: NDArray[Any], size: int) -> Iterator[float]:
    """Bring the batches into order at once; each is a view then."""
    xs, ys = X[indices], y[indices]
    for k in range(0, len(indices), size):
        try:
            loss = variant.run(xs[k : k + size], ys[k : k + size])
        except BaseException:
            variant.hide_gradients()
            raise
        yield loss


def _by_machine(
    variant: Variant, X: NDArray[Any], y: NDArray[Any], indices: NDArray[Any], size: int
) -> Iterator[Losses]:
    losses, bad = variant.machine.epoch(X, y, indices, size)
    yield losses
    if bad is not None:
        raise InfiniteLossError(bad)
