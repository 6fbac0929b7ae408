"""Heights of a formula along a line and over a plane, and the part of them that a descent makes worth seeing.

What figures draw is computed here: they read the records and compute nothing of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinygrad_edu.autodiff import value_and_grad
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import FormulaError, OptionError, ShapeError
from tinygrad_edu.learn.formula import Formula, formula
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.traces import Trace

__all__ = ["Curve", "Grid", "Tangent", "curve", "grid", "view"]

Function: TypeAlias = Formula | str | Callable[[Tensor], Tensor]
Range: TypeAlias = tuple[float, float]

MOST = 4001
"""More points along a line than a screen is wide show nothing more."""
TENFOLD = 10.0
"""A descent that ends higher than it began is looked at until it has risen by this many times what it had fallen."""


_POLE = 0.2  # of all heights; no smooth curve goes so far from one point of hundreds to the next
_FAR, _COARSE = 5.0, 61  # how far around a path of two variables its bottom is looked for, and on how fine a grid
_ROOM = 0.25  # around what is shown, for the labels, in units of its reach


@dataclass(frozen=True, slots=True)
class Tangent:
    """The straight line that touches a curve: its height and slope at one point."""

    x: float
    y: float
    slope: float


@dataclass(frozen=True, eq=False)
class Curve:
    """The heights of a function of one variable along a line.

    Parameters
    ----------
    text
        The formula, or the name of the function.
    variable
        What its variable is called.
    xs, ys
        Where, and how high: (n,) each; NaN or inf where the function has no value.
    tangents
        The lines that touch it at the points that were asked for.
    """

    text: str
    variable: str
    xs: NDArray[np.float64] = field(repr=False)
    ys: NDArray[np.float64] = field(repr=False)
    tangents: tuple[Tangent, ...] = ()

    @property
    def poles(self) -> NDArray[np.intp]:
        """After which points the curve jumps, as 1/x does at 0: nothing belongs between them and the next."""
        known = self.ys[np.isfinite(self.ys)]
        spread = float(np.ptp(known)) if known.size else 0.0
        with np.errstate(invalid="ignore"):
            return np.flatnonzero(np.abs(np.diff(self.ys)) > _POLE * (spread or np.inf))

    @property
    def heights(self) -> tuple[float, float]:
        """The lowest and the highest height to show: beside a pole, which is cut off, the rest would be flat."""
        known = self.ys[np.isfinite(self.ys)]
        if not known.size:
            return 0.0, 1.0
        if not self.poles.size:
            return float(known.min()), float(known.max())
        low, high = np.quantile(known, [0.1, 0.9]).tolist()
        return low - 0.5 * (high - low), high + 0.5 * (high - low)


@dataclass(frozen=True, eq=False)
class Grid:
    """The heights of a function of two variables over a rectangle.

    Parameters
    ----------
    text
        The formula, or the name of the function.
    variables
        What its two variables are called: across, and up.
    xs, ys
        Where: (n,) across, (m,) up.
    values
        How high: (m, n), one row for each of `ys`.
    """

    text: str
    variables: tuple[str, str]
    xs: NDArray[np.float64] = field(repr=False)
    ys: NDArray[np.float64] = field(repr=False)
    values: NDArray[np.float64] = field(repr=False)


def curve(f: Function, low: float, high: float, *, n: int = 401, tangent_at: Sequence[float] = ()) -> Curve:
    """Compute a function of one variable at evenly spaced points.

    Parameters
    ----------
    f
        A formula of one variable, or a function of one Tensor that returns a single number.
    low, high
        The first point and the last.
    n
        How many points, 2 to 4001.
    tangent_at
        Points whose tangents are wanted as well.

    Raises
    ------
    OptionError
        If the range is empty or not finite, `n` out of range, or there is no tangent at a point.
    FormulaError
        If the text is no formula, or has not one variable.
    ShapeError
        If `f` does not return a single number.

    Examples
    --------
    >>> parabola = curve("x**2", -6, 6, n=5, tangent_at=[-4])
    >>> parabola.ys.tolist(), parabola.tangents
    ([36.0, 9.0, 0.0, 9.0, 36.0], (Tangent(x=-4.0, y=16.0, slope=-8.0),))
    """
    text, names = _names(f, 1)
    xs = _spaced(low, high, n, names[0])
    return Curve(text, names[0], xs, _heights(f, xs), tuple(_tangent(f, at) for at in tangent_at))


def grid(f: Function, x_range: Range, y_range: Range, *, n: int = 101) -> Grid:
    """Compute a function of two variables over a rectangle.

    Parameters
    ----------
    f
        A formula of two variables, or a function of one Tensor of shape (2,) that returns a single number.
    x_range, y_range
        The first and the last value of each variable.
    n
        How many points along each side, 2 to 4001. A Python function is called n² times, a formula once.

    Raises
    ------
    OptionError
        If a range is empty or not finite, or `n` out of range.
    FormulaError
        If the text is no formula, or has not two variables.
    ShapeError
        If `f` does not return a single number.

    Examples
    --------
    >>> grid("x**2 + y", (0, 2), (0, 1), n=2).values.tolist()
    [[0.0, 4.0], [1.0, 5.0]]
    """
    text, (across, up) = _names(f, 2)
    xs, ys = _spaced(*x_range, n, across), _spaced(*y_range, n, up)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    return Grid(text, (across, up), xs, ys, _heights(f, points).reshape(n, n))


def _tangent(f: Function, x: float) -> Tangent:
    with np.errstate(all="ignore"):
        height, slope = value_and_grad(formula(f) if isinstance(f, (str, Formula)) else f)(np.array(float(x)))
    if not np.isfinite([height.item(), slope.item()]).all():
        raise OptionError(f"There is no tangent at {x:g}: the slope there is {slope.item():g}. Choose another point.")
    return Tangent(float(x), float(height.item()), float(slope.item()) + 0.0)


# ------------------------------------------------------------------------------------------- what to show
def view(traces: Sequence[Trace], f: Function | None = None) -> list[Range]:
    """Choose the range of each variable in which descents are worth looking at.

    The bottom of the valley that they went into, or were on their way to, has room on both sides. A descent that ends
    higher than it began fills the picture only until it has risen tenfold: shown to the end, all before the end would
    be a point.

    Parameters
    ----------
    traces
        The descents, at least one; of one variable or two.
    f
        What they go down on. With it, the bottom is looked for where no descent has reached it.

    Returns
    -------
    The lowest and the highest value to show, for each variable.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> [(low, high)] = view([minimize("x**2", start=-6.0, lr=0.01, max_steps=3)], "x**2")
    >>> round(low, 1), round(high, 1)
    (-7.5, 7.5)
    """
    shown = np.concatenate([_points(trace)[: _shown_steps(trace)] for trace in traces])
    losses = np.concatenate([trace.losses[: _shown_steps(trace)] for trace in traces])
    bottom = shown[int(np.nanargmin(losses))] if np.isfinite(losses).any() else shown[-1]
    if f is not None and not any(trace.stop_reason == "tolerance" for trace in traces):
        find = _downhill if shown.shape[1] == 1 else _lowest_near
        bottom = find(f, bottom, np.ptp(shown, axis=0))
    reach = np.abs(shown - bottom).max(axis=0)
    reach = np.maximum(reach, reach.max() / 3)  # a path along one variable still has room on both sides
    reach = np.where(reach > 1e-9 * (1 + np.abs(bottom)), reach, 1.0)
    beyond = 1.0 if len(reach) == 1 else 0.6  # a curve is seen best from both sides, a map is wide enough
    low = np.minimum(shown.min(axis=0), bottom - beyond * reach) - _ROOM * reach
    high = np.maximum(shown.max(axis=0), bottom + beyond * reach) + _ROOM * reach
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _points(trace: Trace) -> NDArray[np.float64]:
    return np.asarray(trace.points, np.float64).reshape(len(trace), -1)


def _shown_steps(trace: Trace) -> int:
    """Count the first steps that are worth showing; see `view`."""
    losses = trace.losses
    known = losses[np.isfinite(losses)]
    if not known.size or known[-1] <= known[0]:
        return len(trace)
    depth = float(known[0] - known.min()) or abs(float(known[0])) or 1.0
    beyond = np.flatnonzero(losses > known[0] + TENFOLD * depth)
    return max(int(beyond[0]), 2) if beyond.size else len(trace)


def _downhill(f: Function, point: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the bottom of the valley that a point lies in, roughly; the point itself where the ground falls for ever."""
    x = float(point[0])
    step = 0.05 * max(float(width[0]), abs(x), 1.0)
    left, here, right = _heights(f, np.array([x - step, x, x + step])).tolist()
    if not (left < here or right < here):
        return point
    step = -step if left < right or not right < here else step
    before = now = x
    for _ in range(16):
        ahead = now + step
        heights = _heights(f, np.array([now, ahead]))
        if not heights[1] < heights[0]:
            between = np.linspace(before, ahead, 401)
            return between[[np.nanargmin(_heights(f, between))]]
        before, now, step = now, ahead, 1.6 * step
    return point


def _lowest_near(f: Function, point: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find the lowest point of a coarse grid around one of two variables, unless it lies on the rim."""
    reach = _FAR * np.maximum(width, max(float(width.max()) / 3, 1e-3))
    near = grid(f, *((float(c - r), float(c + r)) for c, r in zip(point, reach, strict=True)), n=_COARSE)
    if not np.isfinite(near.values).any():
        return point
    row, column = np.unravel_index(int(np.nanargmin(near.values)), near.values.shape)
    inside = 0 < row < _COARSE - 1 and 0 < column < _COARSE - 1
    lower = near.values[row, column] < _heights(f, point[None])[0]
    return np.array([near.xs[column], near.ys[row]]) if inside and lower else point


# ------------------------------------------------------------------------------------------ what is given
def _names(f: Function, n_variables: int) -> tuple[str, tuple[str, ...]]:
    """Give the text of a function and the names of its variables, which must be so many."""
    if isinstance(f, (str, Formula)):
        read = formula(f)
        if len(read.variables) != n_variables:
            given = ", ".join(read.variables) or "none"
            remedy = {1: "a curve needs one", 2: "a landscape needs two"}[n_variables]
            raise FormulaError(f"The formula {read.text!r} has the variables {given}, but {remedy}.")
        return read.text, read.variables
    if not callable(f):
        raise OptionError(f"A formula such as 'x**2' or a function is needed, but {f!r} was given.")
    name = getattr(f, "__name__", "f")
    return "f" if name == "<lambda>" else name, ("x", "y")[:n_variables]


def _spaced(low: float, high: float, n: int, name: str) -> NDArray[np.float64]:
    if not (isinstance(n, (int, np.integer)) and not isinstance(n, bool) and 2 <= n <= MOST):
        raise OptionError(f"n, the number of points, must be a whole number from 2 to {MOST}, but is {n!r}. Try 101.")
    try:
        ordered = bool(np.isfinite([float(low), float(high)]).all() and low < high)
    except (TypeError, ValueError, OverflowError):
        ordered = False
    if not ordered:
        raise OptionError(
            f"The range of {name} must go from one finite number to a larger one, but goes from {low!r} to {high!r}."
        )
    return np.linspace(float(low), float(high), int(n))


def _heights(f: Function, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the height at each of (n,) points on a line, or (n, 2) in a plane."""
    with no_grad(), np.errstate(all="ignore"):
        if isinstance(f, (str, Formula)):
            columns = [points] if points.ndim == 1 else list(points.T)
            return np.broadcast_to(formula(f)(*columns).numpy(), points.shape[:1]).astype(np.float64)
        return np.array([_single(f(Tensor(point))) for point in points])


def _single(height: Any) -> float:
    array = as_array(height, np.float64)
    if array.size != 1:
        raise ShapeError(
            f"The function returned an array of shape {array.shape}, but a height is a single number. "
            "Add .sum() or .mean() to it."
        )
    return float(array.item())
