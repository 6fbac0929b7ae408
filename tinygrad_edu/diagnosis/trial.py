"""Trying it out: a few updates as training would make them, after which everything is put back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.diagnosis.case import norm
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tinygrad_edu.diagnosis.case import Case

__all__ = ["Trial", "attempt"]

_LOOKS = 10  # how often the loss of the sample is computed on the way


@dataclass(frozen=True)
class Trial:
    """What a few updates did.

    Parameters
    ----------
    losses
        The loss of the same examples each time: before the first update, then after every tenth part of them.
        Infinite or NaN where it left the numbers.
    updates
        How many were made; fewer than were planned where the loss left the numbers.
    batch_size
        How many examples each saw.
    relative_step
        The length of an update over the length of the weights, the median of all.
    highest
        The highest loss that was met, those of the batches included: a jump may be over before the next look.
    """

    losses: tuple[float, ...]
    updates: int
    batch_size: int
    relative_step: float
    highest: float

    @property
    def before(self) -> float:
        """The loss before the first update."""
        return self.losses[0]

    @property
    def after(self) -> float:
        """The loss after the last one."""
        return self.losses[-1]

    @property
    def settled(self) -> float:
        """The lowest loss in the second half: what it came to, without the jumps of single updates."""
        half = self.losses[len(self.losses) // 2 :]
        return min(half) if all(map(math.isfinite, half)) else math.inf

    @property
    def peak(self) -> float:
        """The highest loss on the way."""
        return max(self.losses) if all(map(math.isfinite, self.losses)) else math.inf

    def jumped(self, usual: float) -> bool:
        """Whether a loss was met five times as high as at first, and as that of a model that knows nothing.

        Where it then falls again, the units may have been thrown to where they are dead, which no fall mends.
        """
        return self.highest > 5 * max(abs(self.before), usual)

    def rose(self, least: float) -> bool:
        """Whether the loss stayed above its first value in the whole second half, by at least so much."""
        return not self.settled <= self.before + least

    def diverged(self, least: float) -> bool:
        """Whether it rose to twice its first value, or rose after a peak of five times that, or left the numbers."""
        return self.rose(least) and (self.settled > 2 * abs(self.before) or self.peak > 5 * abs(self.before))


def attempt(case: Case, X: NDArray[Any], y: NDArray[Any], updates: int) -> Trial:
    """Train for some updates, each by the next examples in a random order.

    The caller puts the weights, the optimizer and the generators back.

    Parameters
    ----------
    X, y
        The examples whose loss is looked at on the way.
    updates
        How many.
    """
    weights = [p for p in case.optimizer.parameters if p.tracked]
    losses, steps = [_value(case, X, y)], []
    every, done, highest = max(1, updates // _LOOKS), 0, losses[0]
    for xb, yb in _batches(case, X, y, updates):
        before = [w.array.copy() for w in weights]
        highest = max(highest, _update(case, xb, yb))
        if math.isinf(highest):
            losses.append(math.inf)
            break
        done += 1
        length = norm(before)
        steps.append(norm(w.array - b for w, b in zip(weights, before, strict=True)) / length if length else math.inf)
        if done % every == 0:
            losses.append(_value(case, X, y))
    return Trial(tuple(losses), done, len(xb), float(np.median(steps)) if steps else math.inf, highest)


def _batches(case: Case, X: NDArray[Any], y: NDArray[Any], updates: int) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Deal out as many examples as the optimizer asks for, in a random order; (X, y) where it asks for more."""
    if case.batch_size >= len(X):
        yield from ((X, y) for _ in range(updates))
        return
    order = np.resize(case.rng.permutation(len(case.X)), updates * case.batch_size)
    yield from ((case.X[rows], case.y[rows]) for rows in order.reshape(updates, case.batch_size))


def _update(case: Case, xb: NDArray[Any], yb: NDArray[Any]) -> float:
    """Make one, and give the loss before it; infinity where that or a weight is no number."""
    case.model.train()
    value = case.scaled(case.loss(case.model(Tensor(xb)), yb), len(xb))
    if not math.isfinite(float(value.array)):
        return math.inf
    case.optimizer.zero_grad()
    value.backward()
    case.optimizer.step()
    finite = all(np.isfinite(p.array).all() for p in case.optimizer.parameters)
    return float(value.array) if finite else math.inf


def _value(case: Case, X: NDArray[Any], y: NDArray[Any]) -> float:
    with case.measuring():
        return case.value(X, y)
