"""A function of two variables as a map: contours, and the paths of descents across them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError, optional_import
from tinygrad_edu.learn.behaviour import behaviour
from tinygrad_edu.learn.formula import Formula
from tinygrad_edu.learn.grids import Grid, grid, view
from tinygrad_edu.learn.heights import check_belongs
from tinygrad_edu.visualize.figures import describe, name_colors, new_axes
from tinygrad_edu.visualize.gaps import across_gaps, gaps_of, without_gaps
from tinygrad_edu.visualize.given import as_traces, check_range, check_words
from tinygrad_edu.visualize.words import counted, number, proper, typeset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from tinygrad_edu.learn.grids import Function, Range
    from tinygrad_edu.traces import Trace

__all__ = ["FEW", "draw_ground", "draw_trail", "landscape", "levels", "plot_contour", "seen_in"]

_LEVELS = 15
_GROUND = "Greys_r"  # the ground is grey so that the paths have all colours to themselves
_WIDE = 8.0  # from the lowest to the highest, in units of the way to the middle height: beyond, levels grow by a factor
_DEEP = 1e-4  # of all heights; what lies lower is inside the lowest contour
FEW = 60  # steps that are drawn as points; more would be a band
_NARROW = 0.7  # of its height; a map that is less wide has its names beside it
_ALIKE = 4.0  # ranges that differ less are drawn to one scale, on which a gradient crosses its contour squarely


def plot_contour(
    f: Function | Grid,
    traces: Trace | Mapping[str, Trace] | None = None,
    *,
    x_range: Range | None = None,
    y_range: Range | None = None,
    n: int | None = None,
    title: str | None = None,
    caption: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the contours of a function of two variables, and the paths of descents across them.

    Dark ground is low. Each path begins at an open circle and ends at a star. Where the heights are far apart, each
    contour is a fixed number of times higher than the next lower one.

    Parameters
    ----------
    f
        A formula of two variables, a function of one Tensor of shape (2,), or a `Grid` that was computed before.
    traces
        A descent, or several by name, such as ``{"SGD": ..., "Adam": ...}``.
    x_range, y_range
        From where to where; None for what the descents make worth seeing, or -6 to 6 without any.
    n
        How many points along each side; None for 161 for a formula, and 61 for a function, which is called n² times.
    title, caption
        The words above; None for what the records say of themselves, "" for none.
    ax
        The axes to draw on; None for a new figure.

    Raises
    ------
    OptionError
        If a range is not usable, the function has no finite value there, or a trace is not of two variables or is of
        another formula.
    FormulaError
        If the text is no formula, or has not two variables.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> valley = "x**2 + 10*y**2"
    >>> traces = {f"α = {lr}": tg.minimize(valley, start=[-5, 2], lr=lr) for lr in (0.01, 0.09)}
    >>> ax = plot_contour(valley, traces)
    >>> ax.get_xlabel(), [text.get_text() for text in ax.get_legend().get_texts()]
    ('x', ['α = 0.01', 'α = 0.09'])
    """
    check_words(title=title, caption=caption)
    traces = as_traces("plot_contour", traces)
    record = landscape(f, traces, x_range, y_range, n)
    ax = new_axes(ax, figsize=(6.4, 5.2))
    draw_ground(ax, record)
    colors = name_colors(traces)
    for name, trace in traces.items():
        draw_trail(ax, trace, color=colors[name], label=name)
    if len(traces) > 1 or any(traces):
        narrow = ax.get_aspect() != "auto" and np.ptp(record.xs) < _NARROW * np.ptp(record.ys)
        beside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0)} if narrow else {"loc": "best"}
        ax.legend(fontsize=8, framealpha=0.9, **beside)
    describe(
        ax,
        typeset(f"z = {record.text}") if title is None else title,
        seen_in(traces) if caption is None else caption,
    )
    return ax


def landscape(
    f: Function | Grid, traces: Mapping[str, Trace], x_range: Range | None, y_range: Range | None, n: int | None = None
) -> Grid:
    """Compute the heights that a figure of some descents needs; they must have gone down on them."""
    check_range(x_range=x_range, y_range=y_range)
    for name, trace in traces.items():
        if np.shape(trace.x) != (2,):
            raise OptionError(
                f"A map has two variables, but the points of the trace {name!r} have shape {np.shape(trace.x)}. "
                "Draw plot_curve for one variable, and plot_losses for more than two."
            )
    record = _computed(f, traces, x_range, y_range, n)
    for trace in traces.values():
        check_belongs(trace, record)
    if not np.isfinite(record.values).any():
        raise OptionError(
            f"{record.text!r} has no finite value in the ranges that are drawn, so that there is nothing to see. "
            "Choose another x_range and y_range, or another function."
        )
    return record


def _computed(
    f: Function | Grid, traces: Mapping[str, Trace], x_range: Range | None, y_range: Range | None, n: int | None
) -> Grid:
    if isinstance(f, Grid):
        if x_range is not None or y_range is not None or n is not None:
            raise OptionError("A Grid has its ranges already. Give them to grid(f, ...) instead.")
        return f
    wide, high = view(list(traces.values()), f) if traces else [(-6.0, 6.0), (-6.0, 6.0)]
    vectorised = isinstance(f, (str, Formula))
    return grid(f, x_range or wide, y_range or high, n=n if n is not None else 161 if vectorised else 61)


# -------------------------------------------------------------------------------------------- the ground
def levels(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Choose the heights of the contours: evenly spaced, or each a factor higher where heights are far apart.

    >>> levels(np.linspace(0.0, 14.0, 100))[:3].round(3).tolist()
    [0.0, 1.0, 2.0]
    """
    known = values[np.isfinite(values)]
    if not known.size or np.ptp(known) == 0:
        return np.array([0.0, 1.0]) + (float(known[0]) if known.size else 0.0)
    low, middle, high = (float(q) for q in np.quantile(known, [0.0, 0.5, 1.0]))
    if high - low <= _WIDE * (middle - low):
        return np.linspace(low, high, _LEVELS)
    deep = max(float(np.quantile(known, 0.02)) - low, _DEEP * (high - low))
    return low + np.geomspace(deep, high - low, _LEVELS)


def draw_ground(ax: Axes, record: Grid) -> None:
    """Draw contours with their heights, and name the axes."""
    values = np.ma.masked_invalid(record.values)
    heights = levels(record.values)
    norm = optional_import("matplotlib.colors", extra="plot", purpose="Drawing figures").BoundaryNorm(
        heights, 256, extend="both"
    )
    ax.contourf(record.xs, record.ys, values, levels=heights, cmap=_GROUND, norm=norm, extend="both", alpha=0.6)
    lines = ax.contour(record.xs, record.ys, values, levels=heights, colors="#606060", linewidths=0.5)
    ax.clabel(lines, levels=heights[1::3], fontsize=6.5, fmt=number)
    across, up = record.variables
    ax.set(xlabel=across, ylabel=up, xlim=(record.xs[0], record.xs[-1]), ylim=(record.ys[0], record.ys[-1]))
    ratio = float(np.ptp(record.xs) / np.ptp(record.ys))
    if 1 / _ALIKE < ratio < _ALIKE:
        ax.set_aspect("equal", adjustable="box")


def draw_trail(ax: Axes, trace: Trace, *, color: str, label: str = "", upto: int | None = None) -> list[Any]:
    """Draw the path of a descent across a map; where steps were left out of its record, dotted.

    Parameters
    ----------
    ax
        The axes.
    trace
        A descent of two variables.
    color
        Of the path.
    label
        Its name in the legend.
    upto
        How many of its steps to draw, the start included; None for all.

    Returns
    -------
    What was drawn, so that an animation can take it away.
    """
    xs, ys = trace.points[:upto].T
    points = "." if len(xs) <= FEW else ""
    gaps = gaps_of(trace)[: len(xs) - 1]
    path = without_gaps(gaps, xs, ys)
    drawn: list[Any] = ax.plot(*path, color="white", linewidth=3.2, alpha=0.8, zorder=3)
    drawn += ax.plot(*path, color=color, linewidth=1.6, marker=points, markersize=5, label=label, zorder=4)
    if gaps.any():
        drawn += ax.plot(*across_gaps(gaps, xs, ys), ":", color=color, linewidth=1.0, zorder=4)
    drawn += ax.plot(xs[:1], ys[:1], "o", color=color, markerfacecolor="white", markersize=7, zorder=5)
    drawn += ax.plot(xs[-1:], ys[-1:], "*", color=color, markeredgecolor="white", markersize=14, zorder=6)
    return drawn


def seen_in(traces: Mapping[str, Trace]) -> str:
    """Say how each descent went."""
    if len(traces) == 1:
        return proper(behaviour(next(iter(traces.values()))).sentence)
    told = [f"{name} {behaviour(trace).manner} ({counted(trace.n_steps, 'step')})" for name, trace in traces.items()]
    return f"{'; '.join(told)}." if told else ""
