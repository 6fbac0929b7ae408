"""What a descent leaves behind: a Trace of Steps, which figures, tables and tests all read.

Step 0 is the start; step k is the point after k updates, together with the loss and the slope found there. So
``max_steps=100`` gives at most 101 steps. Records do not change once they are made.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.conversion import as_array

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

    from tinygrad_edu.tensor import Tensor

__all__ = ["Point", "Step", "StopReason", "Trace", "as_float64"]

Point: TypeAlias = float | NDArray[np.float64]
"""A float where there is one variable, a read-only array where there are many."""


def as_float64(value: ArrayLike | Tensor) -> NDArray[np.float64]:
    """Copy real numbers into a float64 array.

    >>> as_float64([0.1, 1e300]).tolist()
    [0.1, 1e+300]
    """
    return np.array(as_array(value, np.float64))


class StopReason(StrEnum):
    """Which rule ended a descent."""

    MAX_STEPS = "max steps"
    TOLERANCE = "tolerance"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One point of a descent.

    Parameters
    ----------
    k
        How many updates led here; 0 at the start.
    x
        The point.
    loss
        The height of the curve there.
    gradient
        Its slope there, of the shape of `x`.
    learning_rate
        The α of the update that leads on from here: x ← x - α · gradient.

    Examples
    --------
    >>> Step(0, x=-6.0, loss=36.0, gradient=-12.0, learning_rate=0.1)
    Step(k=0, x=-6.0, loss=36.0, gradient=-12.0, learning_rate=0.1)
    """

    k: int
    x: Point
    loss: float
    gradient: Point
    learning_rate: float

    def __post_init__(self) -> None:
        for name in ("x", "gradient"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Step):
            return NotImplemented
        return all(np.array_equal(a, b) for a, b in zip(astuple(self), astuple(other), strict=True))

    def __hash__(self) -> int:
        return hash((self.k, self.loss, self.learning_rate))


def _frozen(point: Point) -> Point:
    """Make a float of an array without axes, and a read-only copy of any other."""
    if np.ndim(point) == 0:
        return float(point)
    copy = np.array(point)
    copy.flags.writeable = False
    return copy


@dataclass(frozen=True)
class Trace:
    """All steps of a descent, and why it ended.

    Attributes
    ----------
    steps
        From the start to the last point, at least one.
    stop_reason
        Which rule ended it; compares equal to its text, such as ``"tolerance"``.
    message
        The same as a sentence, with the numbers.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> trace = minimize("x**2", start=-6.0, lr=0.5)
    >>> trace.xs.tolist(), trace.losses.tolist(), trace.gradients.tolist()
    ([-6.0, 0.0], [36.0, 0.0], [-12.0, 0.0])
    >>> trace.stop_reason == "tolerance", len(trace), trace.x
    (True, 2, 0.0)
    """

    steps: tuple[Step, ...] = field(repr=False)
    stop_reason: StopReason
    message: str

    @property
    def x(self) -> Point:
        """The last point."""
        return self.steps[-1].x

    @property
    def loss(self) -> float:
        """The loss at the last point."""
        return self.steps[-1].loss

    @property
    def gradient(self) -> Point:
        """The slope at the last point."""
        return self.steps[-1].gradient

    @property
    def xs(self) -> NDArray[np.float64]:
        """Every point, (steps,) for one variable and (steps, *shape) for many."""
        return np.array([step.x for step in self.steps])

    @property
    def losses(self) -> NDArray[np.float64]:
        """The loss at every point, (steps,)."""
        return np.array([step.loss for step in self.steps])

    @property
    def gradients(self) -> NDArray[np.float64]:
        """The slope at every point, in the shape of `xs`."""
        return np.array([step.gradient for step in self.steps])

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)
