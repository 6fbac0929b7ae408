"""One step of a descent, and the rules that can end one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Point", "Step", "StopReason"]

Point: TypeAlias = float | NDArray[Any]
"""A float where there is one variable, a read-only array where there are many."""


class StopReason(StrEnum):
    """The rule that ended a descent, of a formula or of a model; compares equal to its text."""

    MAX_STEPS = "max steps"
    MAX_EPOCHS = "max epochs"
    TOLERANCE = "tolerance"
    EARLY_STOPPING = "early stopping"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A point of a descent, and what was found there.

    What is not known is never 0: a loss that was not computed is NaN, a gradient that was not computed is None. In
    the trace of a model that is so at the end, after the last update, for which no batch was dealt any more.

    Parameters
    ----------
    k
        How many updates led here; 0 at the start.
    point
        Where it is: a float, or an array that is read-only. For a model, all parameters in one flat vector; see
        `Trace.unflatten`.
    loss
        The height there; for a model, the loss of the batch alone.
    gradient
        The slope of that loss there, of the shape of `point`.
    batch
        Which examples the loss was computed on: indices (n,) into the data as they were given, read-only. None for a
        formula, and where they are not known.
    learning_rate
        The α of the update that leads on from here. By plain gradient descent that update is
        point ← point - α · gradient.

    Examples
    --------
    >>> Step(0, point=-6.0, loss=36.0, gradient=-12.0, batch=None, learning_rate=0.1)
    Step(k=0, point=-6.0, loss=36.0, gradient=-12.0, batch=None, learning_rate=0.1)
    """

    k: int
    point: Point
    loss: float
    gradient: Point | None
    batch: NDArray[np.intp] | None
    learning_rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "point", _frozen(self.point))
        if self.gradient is not None:
            object.__setattr__(self, "gradient", _frozen(self.gradient))
        if self.batch is not None:
            object.__setattr__(self, "batch", _read_only(np.asarray(self.batch, np.intp)))

    @property
    def slope(self) -> float:
        """How steep it is: the Euclidean length of the gradient, NaN where that is not known.

        >>> Step(0, np.zeros(2), 0.0, np.array([3.0, 4.0]), None, 0.1).slope
        5.0
        """
        if self.gradient is None or isinstance(self.gradient, float):
            return math.nan if self.gradient is None else abs(self.gradient)
        with np.errstate(over="ignore", under="ignore"):
            length = float(np.linalg.norm(self.gradient))
            if self.gradient.dtype == np.float32 and not 1e-15 < length < math.inf:  # squares that float32 cannot hold
                length = float(np.linalg.norm(self.gradient.astype(np.float64)))
        return length

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Step):
            return NotImplemented
        return all(_same(a, b) for a, b in zip(_values(self), _values(other), strict=True))

    def __hash__(self) -> int:
        return hash((self.k, self.learning_rate))


def _values(step: Step) -> tuple[Any, ...]:
    return step.k, step.point, step.loss, step.gradient, step.batch, step.learning_rate


def _same(a: Any, b: Any) -> bool:
    """Compare two entries; what is not known equals what is not known."""
    if a is None or b is None:
        return a is b
    return bool(np.array_equal(a, b, equal_nan=True))


def _frozen(point: Point) -> Point:
    """Make a float of an array without axes, and a read-only copy of any other."""
    return float(point) if np.ndim(point) == 0 else _read_only(np.asarray(point))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    """Copy an array, unless nobody can write to it; steps may then share it."""
    if array.flags.writeable or array.base is not None:
        array = np.array(array)
        array.flags.writeable = False
    return array
