"""A curve with its tangents, and the path of a descent down it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn.behaviour import behaviour
from tinygrad_edu.learn.grids import Curve, curve, view
from tinygrad_edu.learn.heights import check_belongs
from tinygrad_edu.visualize.figures import PALETTE, describe, figure_of, new_axes
from tinygrad_edu.visualize.gaps import across_gaps, gaps_of
from tinygrad_edu.visualize.given import as_numbers, check_range, check_trace, check_words
from tinygrad_edu.visualize.words import number, proper, typeset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from tinygrad_edu.learn.grids import Function, Range, Tangent
    from tinygrad_edu.traces import Trace

__all__ = ["curve_of", "draw_curve", "draw_path", "draw_tangent", "in_picture", "plot_curve"]

GROUND = "#404040"
PATH = PALETTE["vermilion"]
TANGENT = PALETTE["blue"]

_NUMBERED = 5  # steps that are given their number
_NEAR = 0.045  # of the axes' width; labels that are closer to each other would overlap
_TIP = 0.005  # of the axes' width; steps that are shorter are dots beside each other
_SMALL = 2.6  # inches; axes that are less wide have room for numbers only
_HALF = 0.11  # half a tangent's length, in axes' widths


def plot_curve(
    f: Function | Curve,
    trace: Trace | None = None,
    *,
    x_range: Range | None = None,
    tangent_at: float | Sequence[float] = (),
    title: str | None = None,
    caption: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a function of one variable, tangents with their slopes, and the path of a descent.

    The path begins at the open circle and ends at the star; its first steps are numbered.

    Parameters
    ----------
    f
        A formula such as ``"x**2"``, a function of one Tensor, or a `Curve` that was computed before.
    trace
        The descent to draw, as `minimize` gives it.
    x_range
        From where to where; None for what the descent makes worth seeing, or -6 to 6 without one. A descent that
        diverges is followed until its loss has risen tenfold.
    tangent_at
        Where to draw tangents, one number or several. Not together with a `Curve`, which has its own.
    title, caption
        The words above; None for what the record says of itself, "" for none.
    ax
        The axes to draw on; None for a new figure.

    Returns
    -------
    The axes; ``save_figure(ax, "curve.png")`` writes them.

    Raises
    ------
    OptionError
        If a range or a tangent is not usable, the function has no finite value there, or the trace is of more than one
        variable, or of another function.
    FormulaError
        If the text is no formula, or has not one variable.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> ax = plot_curve("x**2", minimize("x**2", start=-6.0, lr=0.9))
    >>> ax.get_title(loc="left")
    'y = x², α = 0.9'
    """
    check_words(title=title, caption=caption)
    check_trace("plot_curve", trace)
    if trace is not None and np.ndim(trace.x):
        raise OptionError(
            f"plot_curve draws one variable, but the points of this trace have shape {np.shape(trace.x)}. "
            "Draw plot_contour for two, and plot_losses for more."
        )
    record = curve_of(f, trace, x_range, tangent_at)
    ax = new_axes(ax)
    draw_curve(ax, record)
    for tangent in record.tangents:
        draw_tangent(ax, tangent)
    if trace is not None:
        draw_path(ax, trace)
    describe(
        ax,
        _title(record, trace) if title is None else title,
        _caption(ax, record, trace) if caption is None else caption,
    )
    return ax


def curve_of(
    f: Function | Curve, trace: Trace | None, x_range: Range | None, tangent_at: float | Sequence[float]
) -> Curve:
    """Compute the heights that a figure of a descent needs, unless they were given; the descent must lie on them."""
    check_range(x_range=x_range)
    tangents = as_numbers("tangent_at", tangent_at)
    if isinstance(f, Curve) and (x_range is not None or tangents):
        raise OptionError("A Curve has its range and tangents already. Give them to curve(f, ...) instead.")
    record = f if isinstance(f, Curve) else _computed(f, trace, x_range, tangents)
    if trace is not None:
        check_belongs(trace, record, f)
    if not np.isfinite(record.ys).any():
        raise OptionError(
            f"{record.text!r} has no finite value from {record.variable} = {record.xs[0]:.4g} to {record.xs[-1]:.4g}, "
            "so that there is nothing to draw. Choose another x_range, or another function."
        )
    return record


def _computed(f: Function, trace: Trace | None, x_range: Range | None, tangent_at: tuple[float, ...]) -> Curve:
    if x_range is None and trace is not None:
        [x_range] = view([trace], f)
    elif x_range is None:
        ends = [-6.0, 6.0, *tangent_at]
        room = 0.08 * (max(ends) - min(ends)) if tangent_at else 0.0
        x_range = min(ends) - room, max(ends) + room
    return curve(f, *x_range, tangent_at=tangent_at)


# ------------------------------------------------------------------------------------------- the pieces
def draw_curve(ax: Axes, record: Curve) -> None:
    """Draw the line, name the axes, and choose the heights that are shown."""
    drawn = np.isfinite(record.ys) & ~np.isin(np.arange(len(record.ys)), record.poles)
    ax.plot(record.xs, np.where(drawn, record.ys, np.nan), color=GROUND, linewidth=1.8, zorder=2)
    height = "y" if record.variable != "y" else "z"
    ax.set(xlabel=record.variable, ylabel=height, xlim=(record.xs[0], record.xs[-1]))
    low, high = record.heights
    room = (high - low) or abs(high) or 1.0
    ax.set_ylim(low - 0.15 * room, high + 0.08 * room)
    ax.grid(visible=True, alpha=0.25)


def draw_tangent(ax: Axes, tangent: Tangent, *, color: str = TANGENT) -> list[Any]:
    """Draw a piece of a tangent with its slope beside it; the axes must have their limits.

    Returns
    -------
    What was drawn, so that an animation can take it away.
    """
    wide, high = _size(ax)
    dx = _HALF * wide / float(np.hypot(1.0, tangent.slope * wide / high))
    across, up = (-part for part in _outward(ax, tangent.slope))  # on the inner side of a valley, where there is room
    across, up = _into_picture(ax, tangent.x, across, up, edge=0.2)
    line = ax.plot(
        [tangent.x - dx, tangent.x + dx],
        [tangent.y - dx * tangent.slope, tangent.y + dx * tangent.slope],
        color=color,
        linewidth=2.4,
        zorder=4,
    )
    point = ax.plot([tangent.x], [tangent.y], "o", color=color, markersize=5, zorder=4)
    words = ax.annotate(
        f"slope {number(tangent.slope)}",
        (tangent.x, tangent.y),
        xytext=(9 * across, 9 * up),
        textcoords="offset points",
        ha=_beside(across),
        va="bottom" if up > 0 else "top",
        color=color,
        fontsize=9,
        annotation_clip=True,
        zorder=6,
        bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75},
    )
    return [*line, *point, words]


def draw_path(ax: Axes, trace: Trace, *, upto: int | None = None, color: str = PATH, labels: bool = True) -> list[Any]:
    """Draw the steps of a descent of one variable as arrows from point to point of the curve.

    Where steps were left out of the record there is a dotted line, and no arrow.

    Parameters
    ----------
    ax
        Axes with their limits.
    trace
        The descent.
    upto
        How many of its steps to draw, the start included; None for all.
    color
        Of arrows and points.
    labels
        Whether to number the first steps.

    Returns
    -------
    What was drawn, so that an animation can take it away.
    """
    xs, ys = trace.points[:upto], trace.losses[:upto]
    near = in_picture(ax, xs, ys, room=3.0)  # what is far out of the picture would spoil the arrows' heads
    n = len(xs) if near.all() else int(np.argmin(near)) + 1
    xs, ys = xs[:n], ys[:n]
    limit = np.array([*ax.get_xlim(), *ax.get_ylim()])
    xs, ys = np.clip(xs, *_far(limit[:2])), np.clip(ys, *_far(limit[2:]))
    drawn = _arrows(ax, xs, ys, gaps_of(trace)[: n - 1], color)
    drawn += ax.plot(xs, ys, ".", color=color, markersize=5, zorder=3.5)
    drawn += ax.plot(xs[:1], ys[:1], "o", color=color, markerfacecolor="white", markersize=8, zorder=5)
    if n == len(trace):
        drawn += ax.plot(xs[-1:], ys[-1:], "*", color=color, markeredgecolor="white", markersize=15, zorder=5)
    return drawn + (_label_steps(ax, trace, n, color) if labels else [])


def _arrows(
    ax: Axes, xs: NDArray[np.float64], ys: NDArray[np.float64], gaps: NDArray[np.bool_], color: str
) -> list[Any]:
    """Draw arrows from point to point, where they would be longer than their heads' tips, and dots across gaps."""
    wide, high = _size(ax)
    dotted = ax.plot(*across_gaps(gaps, xs, ys), ":", color=color, linewidth=0.9, zorder=3) if gaps.any() else []
    long = ~gaps & (np.hypot(np.diff(xs) / wide, np.diff(ys) / high) > _TIP)
    if not long.any():
        return dotted
    shape: dict[str, Any] = {
        "width": 0.016,
        "headwidth": 5,
        "headlength": 7,
        "headaxislength": 6,
        "minlength": 0,
        "units": "inches",
    }
    steps = (part[long] for part in (xs[:-1], ys[:-1], np.diff(xs), np.diff(ys)))
    return [*dotted, ax.quiver(*steps, angles="xy", scale_units="xy", scale=1, color=color, zorder=3, **shape)]


def _label_steps(ax: Axes, trace: Trace, n: int, color: str) -> list[Any]:
    """Write the number beside the first steps, and the last, where there is room for it."""
    wide, high = _size(ax)
    small = ax.get_position(original=True).width * figure_of(ax).get_figwidth() < _SMALL
    taken: list[NDArray[np.float64]] = []
    words = []
    last = len(trace) - 1
    for i in sorted({*range(min(_NUMBERED, n)), last} if n == len(trace) else range(min(_NUMBERED, n))):
        step = trace[i]
        place = np.array([float(step.point) / wide, step.loss / high])
        inside = in_picture(ax, np.array([step.point]), np.array([step.loss])).all()
        if not inside or any(np.linalg.norm(place - other) < _NEAR for other in taken):
            continue
        taken.append(place)
        outward = _outward(ax, float(step.gradient if step.gradient is not None else 0.0))
        across, up = _into_picture(ax, float(step.point), *outward, edge=0.06)
        text = str(step.k) if small else "start" if i == 0 else f"step {step.k}" if i == last else str(step.k)
        words.append(
            ax.annotate(
                text,
                (float(step.point), step.loss),
                xytext=(9 * across, 9 * up),
                textcoords="offset points",
                ha=_beside(across),
                va="top" if up < 0 else "bottom",
                fontsize=8,
                color=color,
                annotation_clip=True,
                zorder=6,
            )
        )
    return words


# ------------------------------------------------------------------------------------------- the layout
def _size(ax: Axes) -> tuple[float, float]:
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    return right - left, top - bottom


def _far(limits: NDArray[np.float64]) -> tuple[float, float]:
    width = float(limits[1] - limits[0])
    return float(limits[0]) - 4 * width, float(limits[1]) + 4 * width


def in_picture(ax: Axes, xs: NDArray[np.float64], ys: NDArray[np.float64], room: float = 0.0) -> NDArray[np.bool_]:
    """Tell which points are in the picture, with so many times its size around it."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    wide, high = _size(ax)
    across = (left - room * wide <= xs) & (xs <= right + room * wide)
    return np.asarray(across & (bottom - room * high <= ys) & (ys <= top + room * high))


def _outward(ax: Axes, slope: float) -> tuple[float, float]:
    """Give the direction on the screen that points down, at a right angle to a slope."""
    wide, high = _size(ax)
    seen = slope * wide / high
    length = float(np.hypot(1.0, seen))
    return seen / length, -1.0 / length


def _into_picture(ax: Axes, x: float, across: float, up: float, edge: float) -> tuple[float, float]:
    """Turn a direction round that leads out of the picture from near its left or right edge."""
    place = (x - ax.get_xlim()[0]) / _size(ax)[0]
    leaves = (place > 1 - edge and across > 0) or (place < edge and across < 0)
    return (-across, -up) if leaves else (across, up)


def _beside(across: float) -> str:
    return "center" if abs(across) < 0.35 else "left" if across > 0 else "right"


# -------------------------------------------------------------------------------------------- the words
def _title(record: Curve, trace: Trace | None) -> str:
    name = typeset(record.text) if record.text != "f" else f"f({record.variable})"
    rates = set() if trace is None else set(trace.learning_rates.tolist())
    rate = f", α = {number(rates.pop())}" if len(rates) == 1 else ""
    return f"{'y' if record.variable != 'y' else 'z'} = {name}{rate}"


def _caption(ax: Axes, record: Curve, trace: Trace | None) -> str:
    if trace is None:
        slopes = [tangent.slope for tangent in record.tangents]
        told = (
            ("a negative slope says: go right", any(slope < 0 for slope in slopes)),
            (
                "a positive one: go left" if min(slopes, default=0) < 0 else "a positive slope says: go left",
                any(slope > 0 for slope in slopes),
            ),
            ("a slope of 0 is level ground", any(slope == 0 for slope in slopes)),
        )
        said = "; ".join(words for words, found in told if found)
        return f"{said[0].upper()}{said[1:]}." if said else ""
    inside = in_picture(ax, trace.points, trace.losses)
    leaves = "" if inside.all() else f" The path leaves the picture at step {trace[int(np.argmin(inside))].k}."
    thinned = " Steps between were left out of the record." if trace.thinned else ""
    return proper(behaviour(trace).sentence + leaves + thinned)
