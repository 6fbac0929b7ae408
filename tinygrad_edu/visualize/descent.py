"""A trace, whatever it is of: the curve or the contours where they are known, else loss and slope against steps."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn.behaviour import behaviour
from tinygrad_edu.visualize.contour import plot_contour
from tinygrad_edu.visualize.curve import plot_curve
from tinygrad_edu.visualize.figures import PALETTE, describe, name_colors, new_axes
from tinygrad_edu.visualize.given import as_traces, check_words
from tinygrad_edu.visualize.words import counted, number, proper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from tinygrad_edu.learn.grids import Function
    from tinygrad_edu.traces import Trace

__all__ = ["plot_losses", "plot_trace", "scale_losses"]

_STYLES = (
    (0, ()),
    (0, (6, 4)),
    (0, (2, 3)),
    (0, (8, 3, 2, 3)),
)  # with widths, they tell apart lines that lie on each other
_WIDE = 30.0  # from the lowest to the highest: beyond, small losses could not be told apart on a linear axis
_DECADES = 1e-18  # of the highest loss; what is lower is rounding, and would squeeze the rest


def plot_trace(trace: Trace, f: Function | None = None, *, ax: Axes | None = None) -> Axes:
    """Draw a descent in the way that shows most of it.

    One variable: its path on the curve. Two: its path across the contours. More, or where the function is not known:
    the loss and the length of the gradient against the steps.

    Parameters
    ----------
    trace
        The descent, from `minimize` or ``fit(..., trace=True)``.
    f
        What it went down on; None for the formula that the trace holds, if it holds one.
    ax
        The axes to draw on; None for a new figure.

    Raises
    ------
    OptionError
        If `ax` is no axes.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> [plot_trace(minimize(f, start)).get_xlabel() for f, start in (("t**2", 3), ("x*x + y*y", [3, 1]))]
    ['t', 'x']
    >>> plot_trace(minimize(lambda x: (x**2).sum(), [1.0, 2.0, 3.0])).get_xlabel()
    'steps'
    """
    known = f if f is not None else trace.formula or None
    if known is not None and np.ndim(trace.x) == 0:
        return plot_curve(known, trace, ax=ax)
    if known is not None and np.shape(trace.x) == (2,):
        return plot_contour(known, {"": trace}, ax=ax)
    ax = plot_losses(trace, ax=ax)
    slopes = np.array([step.slope for step in trace])
    if np.isfinite(slopes).any():
        ax.plot(trace.ks, slopes, color=PALETTE["sky"], linewidth=1.4, linestyle="--", label="length of the gradient")
        ax.get_lines()[0].set_label("loss")
        scale_losses(ax, [trace.losses, slopes])
        ax.set_ylabel("loss, and length of the gradient")
        ax.legend(loc="best", fontsize=8)
    n = np.size(trace.x)
    describe(ax, f"{counted(n, 'variable')}, {counted(trace.n_steps, 'step')}", proper(behaviour(trace).sentence))
    return ax


def plot_losses(
    traces: Trace | Mapping[str, Trace], *, title: str | None = None, caption: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the loss of one or more descents against their steps.

    The axis is logarithmic where the losses are positive and far apart.

    Parameters
    ----------
    traces
        A descent, or several by name.
    title, caption
        The words above; None for what the records say of themselves, "" for none.
    ax
        The axes to draw on; None for a new figure.

    Raises
    ------
    OptionError
        If there is no trace.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> plot_losses(minimize("x**2", start=-6.0)).get_yscale()
    'log'
    """
    check_words(title=title, caption=caption)
    named = as_traces("plot_losses", traces)
    if not named:
        raise OptionError("There is no trace to draw. Give one, or a dictionary of them by name.")
    ax = new_axes(ax)
    colors = name_colors(named)
    widths = np.linspace(1.6 + 1.2 * (len(named) > 1), 1.6, len(named))
    for (name, trace), style, width in zip(named.items(), cycle(_STYLES), widths, strict=False):
        point = "o" if len(trace) < 3 else ""
        (line,) = ax.plot(trace.ks, trace.losses, color=colors[name], label=name, marker=point, markersize=4)
        line.set(linestyle=style, linewidth=width)
    scale_losses(ax, [trace.losses for trace in named.values()])
    ax.set(xlabel="steps", ylabel="loss")
    ax.grid(visible=True, alpha=0.25)
    if len(named) > 1:
        ax.legend(loc="best", fontsize=8)
    describe(ax, "Loss against steps" if title is None else title, _lowest(named) if caption is None else caption)
    return ax


def scale_losses(ax: Axes, losses: list[NDArray[np.float64]]) -> None:
    """Make the axis logarithmic where losses are positive and far apart; a loss of exactly 0 then leaves below."""
    together = np.concatenate(losses)
    known = together[np.isfinite(together)]
    positive = known[known > 0]
    if not positive.size or (known < 0).any() or positive.max() < _WIDE * positive.min():
        return
    low = max(float(positive.min()), float(positive.max()) * _DECADES)
    ax.set_yscale("log", nonpositive="clip")
    ax.set_ylim(low / 3, float(positive.max()) * 3)


def _lowest(traces: Mapping[str, Trace]) -> str:
    """Say who came lowest."""
    if len(traces) == 1:
        return proper(behaviour(next(iter(traces.values()))).sentence)
    ends = {name: float(np.nanmin(trace.losses)) for name, trace in traces.items() if np.isfinite(trace.losses).any()}
    if not ends:
        return ""
    name = min(ends, key=lambda key: ends[key])
    return f"{name} comes lowest: to {number(ends[name])}, in {counted(traces[name].n_steps, 'step')}."
