"""A function of two variables as a landscape in three dimensions, with the paths of descents on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from tinygrad_edu.learn.heights import heights_on
from tinygrad_edu.visualize.contour import FEW, landscape, levels, seen_in
from tinygrad_edu.visualize.figures import SEQUENTIAL, describe, name_colors, new_axes
from tinygrad_edu.visualize.gaps import across_gaps, gaps_of, without_gaps
from tinygrad_edu.visualize.given import as_traces, check_words
from tinygrad_edu.visualize.words import number, typeset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mpl_toolkits.mplot3d import Axes3D
    from numpy.typing import NDArray

    from tinygrad_edu.learn.grids import Function, Grid, Range
    from tinygrad_edu.traces import Trace

__all__ = ["plot_surface"]

_POINTS = 81  # along each side; more cannot be told apart, and are slow to draw


def plot_surface(
    f: Function | Grid,
    traces: Trace | Mapping[str, Trace] | None = None,
    *,
    x_range: Range | None = None,
    y_range: Range | None = None,
    title: str | None = None,
    caption: str | None = None,
    elevation: float = 42.0,
    azimuth: float = -60.0,
    ax: Axes3D | None = None,
) -> Axes3D:
    """Draw a function of two variables as a landscape, and the paths of descents at their true height.

    The paths can be seen through the hills. Where the heights are far apart, the upward axis is logarithmic, as its
    name then says: each line across it is ten times as far above the lowest point as the one below.

    Parameters
    ----------
    f
        A formula of two variables, a function of one Tensor of shape (2,), or a `Grid` that was computed before.
    traces
        A descent, or several by name. Each point is drawn at the loss on record, or on the ground where that is the
        loss of a batch alone, or of another function.
    x_range, y_range
        From where to where; None for what the descents make worth seeing, or -6 to 6 without any.
    title, caption
        The words above; None for what the records say of themselves, "" for none.
    elevation, azimuth
        From where to look, in degrees: above the horizon, and around.
    ax
        The axes to draw on, made with ``projection="3d"``; None for a new figure.

    Raises
    ------
    OptionError
        If a range is not usable, a trace is not of two variables, or `ax` is flat.
    FormulaError
        If the text is no formula, or has not two variables.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> ax = plot_surface("x**2 + y**2", {"SGD": tg.minimize("x**2 + y**2", start=[-5, 2], lr=0.1)})
    >>> ax.get_zlabel(), ax.get_title(loc="left")
    ('z', 'z = x² + y²')
    """
    check_words(title=title, caption=caption)
    traces = as_traces("plot_surface", traces)
    record = landscape(f, traces, x_range, y_range)
    ax = cast("Axes3D", new_axes(ax, projection="3d", figsize=(6.6, 5.6)))
    ax.computed_zorder = False  # else a path is hidden by the ground that it lies on
    heights = {name: heights_on(record, trace) for name, trace in traces.items()}
    scale = _Scale(record, list(heights.values()))
    _draw_ground(ax, record, scale)
    colors = name_colors(traces)
    for name, trace in traces.items():
        _draw_trail(ax, trace, scale(heights[name]), color=colors[name], label=name)
    across, up = record.variables
    ax.set(xlabel=across, ylabel=up, zlabel=scale.name("z" if "z" not in record.variables else "height"))
    scale.mark(ax)
    ax.view_init(elev=elevation, azim=azimuth)
    if any(traces):
        ax.legend(loc="upper right", fontsize=8)
    describe(
        ax,
        typeset(f"z = {record.text}") if title is None else title,
        seen_in(traces) if caption is None else caption,
    )
    return ax


class _Scale:
    """Where heights are far apart: their logarithm above the lowest one; elsewhere the heights as they are."""

    def __init__(self, record: Grid, paths: list[NDArray[np.float64]]) -> None:
        known = record.values[np.isfinite(record.values)]
        heights = levels(record.values)
        self.low = float(known.min()) if known.size else 0.0
        self.logarithmic = not np.allclose(np.diff(heights), heights[1] - heights[0])
        self.floor = 0.0
        if self.logarithmic:  # down to the lowest path, or to where the ground is hardly ever lower
            lowest = [float(path[np.isfinite(path)].min(initial=np.inf)) for path in paths]
            hardly = float(np.quantile(known, 0.05)) - self.low
            self.floor = max(min(hardly, min(lowest, default=np.inf) - self.low), float(heights[0]) - self.low)
        self.heights = np.unique(self(heights))

    def __call__(self, heights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Give the height in the drawing."""
        finite = np.where(np.isfinite(heights), heights, np.nan)
        return np.log10(np.maximum(finite - self.low, self.floor)) if self.logarithmic else finite

    def name(self, height: str) -> str:
        """Name the axis."""
        above = f" above its lowest, {number(self.low)}" if abs(self.low) > self.floor else ""
        return f"{height}{above} (logarithmic)" if self.logarithmic else height

    def mark(self, ax: Axes3D) -> None:
        """Write heights at the axis."""
        if self.logarithmic:
            powers = np.arange(np.ceil(self.heights[0]), np.floor(self.heights[-1]) + 1)
            ax.set_zticks(powers, [number(10.0**power, digits=4) for power in powers])


def _draw_ground(ax: Axes3D, record: Grid, scale: _Scale) -> None:
    every = max(1, (len(record.xs) - 1) // (_POINTS - 1))
    heights = scale(record.values[::every, ::every])
    xs, ys = np.meshgrid(record.xs[::every], record.ys[::every])
    ax.plot_surface(xs, ys, heights, cmap=SEQUENTIAL, alpha=0.75, rcount=_POINTS, ccount=_POINTS, linewidth=0, zorder=1)
    if np.isfinite(heights).any() and np.nanmax(heights) > np.nanmin(heights):
        ax.contour(xs, ys, heights, levels=scale.heights, colors="black", linewidths=0.4, alpha=0.5, zorder=2)


def _draw_trail(ax: Axes3D, trace: Trace, zs: NDArray[np.float64], *, color: str, label: str) -> None:
    """Draw a path, and what of it leads across steps that were left out as dots."""
    xs, ys = np.where(np.isfinite(zs), trace.points.T, np.nan)
    gaps = gaps_of(trace)
    path = without_gaps(gaps, xs, ys, zs)
    points = "." if len(trace) <= FEW else ""
    ax.plot(*path, color="white", linewidth=3.4, alpha=0.8, zorder=3)
    if gaps.any():
        ax.plot(*across_gaps(gaps, xs, ys, zs), ":", color=color, linewidth=1.0, zorder=4)
    ax.plot(*path, color=color, linewidth=1.8, marker=points, markersize=5, label=label, zorder=4)
    ax.plot(xs[:1], ys[:1], zs[:1], "o", color=color, markerfacecolor="white", markersize=7, zorder=5)
    ax.plot(xs[-1:], ys[-1:], zs[-1:], "*", color=color, markeredgecolor="white", markersize=14, zorder=6)
