"""A descent as seen from a slice: where its steps lie on the line or plane, and how far off it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.landscapes.chains import Points
from tinygrad_edu.landscapes.evaluation import Task, loss_at, losses_at
from tinygrad_edu.landscapes.vectors import brief, frozen, steps_of
from tinygrad_edu.traces.spreading import spread
from tinygrad_edu.traces.strict_json import from_plain, has_names, to_plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.landscapes.planes import Line, Plane
    from tinygrad_edu.traces import Trace

__all__ = ["Path", "path_on"]

_MOST = 300  # steps that a path shows
_NAMES = ("ks", "coordinates", "losses", "heights", "outside")


@dataclass(frozen=True, eq=False)
class Path:
    """The steps of a descent, projected onto a line or plane.

    Parameters
    ----------
    ks
        How many updates led to each step, (steps,).
    coordinates
        The nearest point of the line or plane, (steps, 1) or (steps, 2).
    losses
        The true loss, (steps,): that of the step's own weights, on the examples of the slice.
    heights
        The loss of the slice at the nearest point, (steps,).
    outside
        The share of the step's distance from the origin that the slice does not show, (steps,), 0 to 1. Where it is
        large, the true loss and the height have little to do with one another.

    Examples
    --------
    >>> Path(np.array([0]), np.zeros((1, 2)), np.ones(1), np.ones(1), np.zeros(1)).misses
    0.0
    """

    ks: NDArray[np.int64]
    coordinates: NDArray[np.float64]
    losses: NDArray[np.float64]
    heights: NDArray[np.float64]
    outside: NDArray[np.float64]

    def __post_init__(self) -> None:
        for name in _NAMES:
            object.__setattr__(self, name, frozen(np.asarray(getattr(self, name))))

    def __repr__(self) -> str:
        return brief(self, steps_of(self.ks), coordinates=self.coordinates)

    @property
    def misses(self) -> float:
        """The largest difference between a true loss and the height of the slice below it."""
        gaps = np.abs(self.losses - self.heights)
        return float(gaps[np.isfinite(gaps)].max(initial=0.0))

    def as_plain(self) -> dict[str, Any]:
        """Give it as lists, for JSON."""
        return {name: to_plain(array.tolist()) for name, array in asdict(self).items()}

    @classmethod
    def from_plain(cls, entries: Any) -> Self:
        """Read what `as_plain` gave."""
        found = has_names("a path", entries, _NAMES)
        ks, *numbers = (np.array(from_plain(found[name]), np.float64) for name in _NAMES)
        return cls(ks.astype(np.int64), *numbers)


def path_on(task: Task, flat: Line | Plane, trace: Trace) -> Path:
    """Project the steps of a descent onto a line or plane, and compute their true losses.

    Of a long trace some 300 steps are taken, evenly, the first and the last among them.

    Raises
    ------
    ShapeError
        If the points of the trace are not the parameters of the model.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.landscapes import Line
    >>> model = tg.nn.Linear(1, 1, bias=False)
    >>> trace = tg.minimize("(weight - 3)**2", start=1.0, lr=0.25, max_steps=2)
    >>> task = Task.of(model, tg.nn.MSELoss(), [[1.0]], [[3.0]])
    >>> path = path_on(task, Line(np.array([3.0], np.float32), [1.0]), trace)
    >>> path.coordinates.ravel().tolist(), path.losses.tolist()
    ([-2.0, -1.0, -0.5], [4.0, 1.0, 0.25])
    """
    steps = [trace[int(i)] for i in spread(len(trace), _MOST)]
    points = np.stack([np.ravel(step.point) for step in steps])
    if points.shape[1] != len(flat.origin):
        raise ShapeError(
            f"The points of the trace have {points.shape[1]:,} numbers, but the model has {len(flat.origin):,} "
            f"parameters. Give the trace of this model's own training, fit(..., trace=True)."
        )
    finite = np.isfinite(points).all(axis=1)
    ks, points = np.array([step.k for step in steps])[finite], points[finite]
    coordinates, outside = flat.coordinates(points)
    origin, directions = flat.origin.astype(task.dtype), flat.directions.astype(task.dtype)
    own = np.array([loss_at(task, point) for point in points])
    heights = losses_at(task, Points(origin, directions, coordinates))
    return Path(ks, coordinates, own, heights, outside)
