"""A Trace: the steps of a descent from its start to its end, and why it ended."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from tinygrad_edu.traces import written
from tinygrad_edu.traces.parts import take_apart
from tinygrad_edu.traces.strict_json import read_file, write_file

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.traces.parts import Part
    from tinygrad_edu.traces.step import Point, Step, StopReason

__all__ = ["Trace"]


@dataclass(frozen=True)
class Trace:
    """The steps of a descent, and why it ended.

    Steps that a long run left out are missing between the others, never at the ends: `Step.k` tells how many updates
    had been made, and `n_steps` how many were made in all. What is kept of each stretch are its first two
    steps, its lowest and its highest loss and its steepest slope.

    Two traces are equal if they hold the same steps and ended for the same reason.

    Parameters
    ----------
    steps
        From the start to the last point, at least one.
    stop_reason
        Which rule ended it; compares equal to its text, such as ``"tolerance"``.
    message
        The same as a sentence, with the numbers.
    parts
        What the numbers of a point are, in their order: the variables of a formula, the parameters of a model.
    formula
        The text of the formula that was minimised; "" for a function or a model.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> trace = minimize("x**2", start=-6.0, lr=0.5)
    >>> trace.points.tolist(), trace.losses.tolist(), trace.gradients.tolist()
    ([-6.0, 0.0], [36.0, 0.0], [-12.0, 0.0])
    >>> trace.stop_reason == "tolerance", len(trace), trace.x
    (True, 2, 0.0)
    >>> trace[0].learning_rate, [step.k for step in trace]
    (0.5, [0, 1])
    """

    steps: tuple[Step, ...] = field(repr=False)
    stop_reason: StopReason
    message: str
    parts: tuple[Part, ...] = field(default=(), repr=False, compare=False)
    formula: str = field(default="", repr=False, compare=False)

    # ------------------------------------------------------------------------------------ the last step
    @property
    def x(self) -> Point:
        """The last point."""
        return self.steps[-1].point

    @property
    def loss(self) -> float:
        """The loss at the last point; NaN where it was not computed, as at the end of a model's training."""
        return self.steps[-1].loss

    @property
    def gradient(self) -> Point | None:
        """The slope at the last point; None where it was not computed."""
        return self.steps[-1].gradient

    @property
    def n_steps(self) -> int:
        """How many updates were made, whether or not the steps between them are kept."""
        return self.steps[-1].k

    @property
    def thinned(self) -> bool:
        """Whether steps were left out."""
        return len(self.steps) <= self.n_steps

    # ------------------------------------------------------------------------------------- all of them
    @property
    def ks(self) -> NDArray[np.int64]:
        """How many updates led to each kept step, (steps,): 0, 1, 2, ... unless steps were left out."""
        return np.array([step.k for step in self.steps], np.int64)

    @property
    def points(self) -> NDArray[Any]:
        """Every kept point, (steps,) for one variable and (steps, *shape) for many."""
        return np.array([step.point for step in self.steps])

    @property
    def losses(self) -> NDArray[np.float64]:
        """The loss at every kept point, (steps,); NaN where it was not computed."""
        return np.array([step.loss for step in self.steps])

    @property
    def gradients(self) -> NDArray[Any]:
        """The slope at every kept point, in the shape of `points`; NaN where it was not computed."""
        unknown = np.full(np.shape(self.x), math.nan, np.asarray(self.x).dtype)
        return np.array([unknown if step.gradient is None else step.gradient for step in self.steps])

    @property
    def learning_rates(self) -> NDArray[np.float64]:
        """The α with which the descent went on from every kept point, (steps,)."""
        return np.array([step.learning_rate for step in self.steps])

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of what was moved: variables of a formula, parameters of a model."""
        return tuple(part.name for part in self.parts)

    def unflatten(self, point: ArrayLike) -> dict[str, NDArray[Any]]:
        """Take a point, or a gradient, apart into the arrays that it is made of, by name.

        Raises
        ------
        ShapeError
            If it has not as many numbers as the points of this trace.

        Examples
        --------
        >>> from tinygrad_edu import minimize
        >>> trace = minimize("(x - 1)**2 + y**2", start=[3, 1])
        >>> {name: array.item() for name, array in trace.unflatten(trace[0].point).items()}
        {'x': 3.0, 'y': 1.0}
        """
        return take_apart(point, self.parts)

    # ----------------------------------------------------------------------------------------- as text
    def to_json(self, *, indent: int | None = None) -> str:
        """Write the trace as JSON; `from_json` gives the same trace, bit for bit.

        Numbers that are none are the texts "nan", "inf" and "-inf"; what is not known is null.

        Examples
        --------
        >>> from tinygrad_edu import minimize
        >>> trace = minimize("x**2", start=0.1)
        >>> Trace.from_json(trace.to_json()) == trace
        True
        """
        return written.write(self, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Trace:
        """Read a trace that `to_json` wrote.

        Raises
        ------
        DataError
            If the text is no trace: it says what is wrong with it, and where.

        Examples
        --------
        >>> Trace.from_json("{}")
        Traceback (most recent call last):
        ...
        tinygrad_edu.errors.DataError: This is not a trace: 'format' is missing.
        """
        return cls(**written.read(text))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the trace as JSON to a file, all or nothing.

        Raises
        ------
        DataError
            If the file cannot be written.
        """
        return write_file(path, self.to_json(), "The trace")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trace:
        """Read a trace from a file that `save` wrote.

        Raises
        ------
        DataError
            If the file cannot be read, or holds no trace.
        """
        return cls.from_json(read_file(path, "The trace"))

    # ---------------------------------------------------------------------------------------- pictures
    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw the descent; see `tinygrad_edu.visualize.plot_trace`, which takes the options.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        return importlib.import_module("tinygrad_edu.visualize").plot_trace(self, ax=ax, **options)

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Step, ...]: ...
    def __getitem__(self, index: int | slice) -> Step | tuple[Step, ...]:
        return self.steps[index]
