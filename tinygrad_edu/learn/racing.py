"""Which of several training runs is the first at a loss that all of them reach, and by which measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tinygrad_edu.training import History

__all__ = ["Race", "race"]


@dataclass(frozen=True, slots=True)
class Race:
    """Who needed least of something to come down to a loss.

    Parameters
    ----------
    first
        The names of the run, or of those that needed the same.
    loss
        The loss in question: the lowest epoch of the run that stayed highest.
    needed
        How much each run needed to get there, in updates, examples or seconds.
    """

    first: tuple[str, ...]
    loss: float
    needed: dict[str, float]


def race(histories: Mapping[str, History], quantity: Literal["updates", "examples", "seconds"]) -> Race | None:
    """Compare runs at the lowest loss of an epoch that all of them reached.

    Parameters
    ----------
    histories
        The runs by name.
    quantity
        What is counted.

    Returns
    -------
    None where fewer than two runs finished an epoch with a finite loss, or all needed the same.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> def run(lr):
    ...     model = tg.nn.Linear(1, 1, rng=np.random.default_rng(0))
    ...     descent = tg.optim.BatchGradientDescent(model.parameters(), lr=lr)
    ...     X = np.array([[0.0], [1.0]], np.float32)
    ...     return tg.fit(model, X, 2 * X, loss=tg.nn.MSELoss(), optimizer=descent, epochs=20)
    >>> result = race({"slow": run(0.01), "fast": run(0.1)}, "updates")
    >>> result.first, result.needed["slow"]
    (('fast',), 20.0)
    """
    lowest = {name: _lowest(history) for name, history in histories.items()}
    lowest = {name: loss for name, loss in lowest.items() if np.isfinite(loss)}
    if len(lowest) < 2:
        return None
    goal = max(lowest.values())
    needed = {
        name: float(next(getattr(epoch, quantity) for epoch in histories[name].epochs if epoch.loss <= goal))
        for name in lowest
    }
    first = tuple(name for name in needed if needed[name] == min(needed.values()))
    return Race(first, goal, needed) if len(first) < len(needed) else None


def _lowest(history: History) -> float:
    losses = [epoch.loss for epoch in history.epochs if np.isfinite(epoch.loss)]
    return min(losses, default=np.nan)
