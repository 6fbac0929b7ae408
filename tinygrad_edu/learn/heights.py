"""Whether a descent belongs to a curve or a landscape, and how high its points lie on it.

The loss on record is not always the height of the ground: a step on a batch has the loss of that batch alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError, TinygradEduError
from tinygrad_edu.learn.formula import Formula, formula
from tinygrad_edu.learn.grids import Curve, Grid
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.traces.spreading import spread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.learn.grids import Function
    from tinygrad_edu.traces import Trace

__all__ = ["check_belongs", "heights_on"]

_LOOKED_AT = 50  # steps, of a longer descent; a Python function is called for each
_ALIKE = 1e-3  # relative difference of two heights that are the same, one of them perhaps in float32
_AROUND = np.array([-1, 0, 1, 2])  # the points of a grid that the ground near a point is judged by


def check_belongs(trace: Trace, record: Curve | Grid, f: Function | Curve | Grid | None = None) -> None:
    """Refuse a descent that went down on another function than the one that was computed.

    Parameters
    ----------
    trace
        The descent. One that saw a batch at each step has no heights that could be compared.
    record
        The heights of the function.
    f
        The function itself, if it is known; compared with the losses of a descent that holds no formula.

    Raises
    ------
    OptionError
        If the formula of the trace has other heights than the record, or its losses do not lie on the function.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> from tinygrad_edu.learn.grids import curve
    >>> check_belongs(minimize("x*x", 3.0), curve("x**2", -6, 6))
    >>> check_belongs(minimize("x**2", 3.0), curve("x**3", -6, 6))
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: The trace went down on 'x**2', but 'x**3' is drawn. ...
    """
    if trace.formula:
        if trace.formula != record.text and not _same_heights(trace.formula, record):
            drawn = "a function" if record.text == "f" else f"{record.text!r}"
            raise OptionError(
                f"The trace went down on {trace.formula!r}, but {drawn} is drawn. Draw {trace.formula!r} instead, or "
                f"descend on {'it' if record.text == 'f' else drawn} with minimize."
            )
    elif isinstance(record, Curve) and f is not None and not isinstance(f, (Curve, Grid)):
        _check_losses(trace, f)


def _same_heights(text: str, record: Curve | Grid) -> bool:
    """Tell whether a formula has the heights of a record."""
    try:
        read = formula(text)
        if isinstance(record, Curve):
            found, known = read(record.xs), record.ys
        else:
            found, known = read(*np.meshgrid(record.xs, record.ys)), record.values
    except TinygradEduError:  # a record of a trace that somebody wrote by hand, or of another number of variables
        return False
    with np.errstate(all="ignore"):
        return bool(np.allclose(found.numpy(), known, rtol=_ALIKE, atol=_ALIKE * _spread(known), equal_nan=True))


def _check_losses(trace: Trace, f: Function) -> None:
    """Refuse losses that do not lie on a function of one variable."""
    whole = [step for step in trace if step.batch is None and np.isfinite(step.loss)]
    chosen = spread(len(whole), _LOOKED_AT)
    seen = [whole[i] for i in chosen]
    losses = np.array([step.loss for step in seen])
    call: Any = formula(f) if isinstance(f, (str, Formula)) else f
    with no_grad(), np.errstate(all="ignore"):
        found = np.array([Tensor(call(Tensor(np.asarray(step.point)))).numpy().item() for step in seen], np.float64)
    off = ~np.isclose(found, losses, rtol=_ALIKE, atol=_ALIKE * _spread(losses))
    if off.any():
        i = int(np.argmax(off))
        raise OptionError(
            f"The trace does not lie on the curve: at x = {float(seen[i].point):.4g} its loss is {losses[i]:.4g}, and "
            f"the function {found[i]:.4g}. Draw the function that it went down on."
        )


def _spread(heights: NDArray[np.float64]) -> float:
    known = heights[np.isfinite(heights)]
    return float(np.ptp(known)) if known.size else 0.0


def heights_on(record: Grid, trace: Trace) -> NDArray[np.float64]:
    """Give the height at which each point of a descent lies on a landscape.

    Parameters
    ----------
    record
        The landscape.
    trace
        A descent of two variables.

    Returns
    -------
    (steps,): the loss on record where that is the height of the ground, and the ground where the loss is that of a
    batch or of something else; NaN outside the landscape.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> from tinygrad_edu.learn.grids import grid
    >>> bowl = grid("x**2 + y**2", (-4, 4), (-4, 4))
    >>> heights_on(bowl, minimize("x**2 + y**2", [3, 4], lr=0.25, max_steps=2)).tolist()
    [25.0, 6.25, 1.5625]
    """
    xs, ys = np.asarray(trace.points, np.float64).T
    inside = (record.xs[0] <= xs) & (xs <= record.xs[-1]) & (record.ys[0] <= ys) & (ys <= record.ys[-1])
    column, row = (_before(along, at) for along, at in ((record.xs, xs), (record.ys, ys)))
    with np.errstate(invalid="ignore"):
        ground = _between(record, row, column, xs, ys)
        near = record.values[
            np.clip(row[:, None, None] + _AROUND[:, None], 0, len(record.ys) - 1),
            np.clip(column[:, None, None] + _AROUND, 0, len(record.xs) - 1),
        ].reshape(len(xs), -1)
        low, high = near.min(axis=1), near.max(axis=1)
        room = high - low + _ALIKE * np.abs(ground)
        lies = (low - room <= trace.losses) & (trace.losses <= high + room)
    whole = np.array([step.batch is None for step in trace])
    unknown = ~np.isfinite(ground) & np.isfinite(trace.losses)  # beside a hole in the ground
    return np.where(inside, np.where(whole & (lies | unknown), trace.losses, ground), np.nan)


def _before(along: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.intp]:
    """Find the last point of a grid that is not behind each value, but never the very last."""
    found = np.searchsorted(along, np.nan_to_num(at), side="right") - 1
    return np.clip(found, 0, len(along) - 2)


def _between(
    record: Grid,
    row: NDArray[np.intp],
    column: NDArray[np.intp],
    xs: NDArray[np.float64],
    ys: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Interpolate linearly, first across and then up."""
    across = (xs - record.xs[column]) / (record.xs[column + 1] - record.xs[column])
    up = (ys - record.ys[row]) / (record.ys[row + 1] - record.ys[row])
    lower = (1 - across) * record.values[row, column] + across * record.values[row, column + 1]
    upper = (1 - across) * record.values[row + 1, column] + across * record.values[row + 1, column + 1]
    return np.asarray((1 - up) * lower + up * upper)
