"""Lesson ``local_minima``: the start decides in which valley a descent ends (A6)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.errors import OptionError
from tinygrad_edu.lessons.checks import check_formula, check_number, check_range, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.words import counted, listed, number
from tinygrad_edu.visualize.figures import PALETTE, new_figure
from tinygrad_edu.visualize.words import proper

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinygrad_edu.lessons.table import Table

__all__ = ["local_minima"]


def local_minima(
    *,
    formula: str = "x**2/20 + sin(2*x)",
    low: float = -5.5,
    high: float = 5.5,
    starts: int = 221,
    lr: float = 0.1,
    max_steps: int = 100,
) -> Lesson:
    """Descend from many starts, and see which of them fall into which minimum.

    Parameters
    ----------
    formula
        The curve, of one variable.
    low, high
        Between which the starts are, evenly spaced.
    starts
        How many, 2 to 2000.
    lr
        The learning rate.
    max_steps
        How many steps each descent makes, 1 to 5000.

    Raises
    ------
    FormulaError, OptionError
        If the formula or a number is not usable, or some descents diverge.

    Examples
    --------
    >>> lesson = local_minima()
    >>> lesson.numbers["minimum is"]
    ('local', 'global', 'local', 'local')
    """
    f = check_formula(formula, (1,), "local_minima")
    low, high = check_range(low, high)
    options: dict[str, Any] = {
        "formula": f.text,
        "low": low,
        "high": high,
        "starts": check_whole("starts", starts, least=2, most=2000),
        "lr": check_number("lr", lr, above=0),
        "max_steps": check_whole("max_steps", max_steps, most=5000),
    }
    columns = ("starts from", "to", "end at x", "y", "|slope|", "minimum is", "share of starts")
    program = Program(descend_from_everywhere, rows, options, columns, uses=(ends_of, boundary))
    record = program.record()
    if any(trace.stop_reason == "diverged" for trace in record["traces"].values()) or not record["basins"]:
        raise OptionError(
            f"With lr={options['lr']:g} descents of {f.text} from {low:g} to {high:g} diverge. "
            "Choose a smaller lr, or a range in which the curve is finite."
        )
    table = program.table(record)
    return Lesson(
        name="local_minima",
        title=f"Where a descent of y = {f.text} ends depends on where it starts",
        parts=("A6",),
        text=_text(table.rows),
        table=table,
        traces=record["traces"],
        options=options,
        record=record,
        program=program,
        draw=_draw,
        sketch=_sketch(record, table),
    )


# -------------------------------------------------------------------------------------------- the program
def ends_of(formula: str, starts: np.ndarray[Any, Any], lr: float, max_steps: int) -> np.ndarray[Any, Any]:
    """Descend from all starts at once: in the gradient of a sum each start finds its own slope."""
    f = tg.learn.formula(formula)
    trace = tg.minimize(lambda x: f(x).sum(), starts, lr=lr, max_steps=max_steps, tolerance=0)
    if trace.stop_reason == "interrupted":
        raise KeyboardInterrupt
    return trace.points[-1] if trace.stop_reason == "max steps" else np.full(len(starts), np.nan)


def boundary(formula: str, left: float, right: float, lr: float, max_steps: int) -> float:
    """Find the start between two that end in different places where one valley changes to the other."""
    for _ in range(2):
        starts = np.linspace(left, right, 51)
        ends = ends_of(formula, starts, lr, max_steps)
        jump = int(np.argmax(np.abs(np.diff(ends))))
        left, right = float(starts[jump]), float(starts[jump + 1])
    return (left + right) / 2


def descend_from_everywhere(
    formula: str, low: float, high: float, starts: int, lr: float, max_steps: int
) -> dict[str, Any]:
    """Group the starts by where they end: such a group is the basin of its minimum."""
    begin = np.linspace(low, high, starts)
    end = ends_of(formula, begin, lr, max_steps)
    basins: list[list[Any]] = []  # first start, last start, end, how many
    if np.isfinite(end).all():
        for x0, x in zip(begin.tolist(), end.tolist(), strict=True):
            if basins and abs(x - basins[-1][2]) < 0.01 * (high - low):
                basins[-1][1], basins[-1][3] = x0, basins[-1][3] + 1
            else:
                basins.append([x0, x0, x, 1])
    for here, beyond in pairwise(basins):
        here[1] = beyond[0] = boundary(formula, here[1], beyond[0], lr, max_steps)
    near_the_edge = [a + (b - a) / 10 for a, b, _, _ in basins]
    traces = {f"from {x:.3g}": tg.minimize(formula, x, lr=lr, max_steps=max_steps, tolerance=0) for x in near_the_edge}
    f = tg.learn.formula(formula)
    curve = np.linspace(low, high, 601)
    return {"basins": basins, "traces": traces, "starts": starts, "curve": (curve, f(curve).numpy())}


def rows(record: dict[str, Any]) -> list[tuple[float, float, float, float, float, str, float]]:
    """Write down each basin; the minimum that no other undercuts is the global one of those that were found."""
    lowest = min(trace.loss for trace in record["traces"].values())
    table = []
    for (first, last, _, n), trace in zip(record["basins"], record["traces"].values(), strict=True):
        kind = "global" if trace.loss == lowest else "local"
        table.append((first, last, trace.x, trace.loss, trace[-1].slope, kind, n / record["starts"]))
    return table


# --------------------------------------------------------------------------------- the words, the figure
def _text(rows: tuple[Any, ...]) -> str:
    found = next(row for row in rows if row[5] == "global")
    if len(rows) == 1:
        return f"From every start the descent ends at x = {number(found[2])}: here the start does not matter."
    edges = listed(number(row[1]) for row in rows[:-1])
    return (
        f"The descents end in {counted(len(rows), 'place')}. Only starts from {number(found[0])} to "
        f"{number(found[1])}, {found[6]:.0%} of them, reach the lowest of these, y = {number(found[3])} at "
        f"x = {number(found[2])}. The others stop in a local minimum, where the slope is zero too, and never learn "
        f"that there is a lower one. The basins meet at {edges}: a little to the left or to the right decides."
    )


def _sketch(record: dict[str, Any], table: Table) -> Sketch:
    marks = tuple(
        (float(x), float(y), "*" if kind == "global" else "v")
        for x, y, kind in zip(table["end at x"], table["y"], table["minimum is"], strict=True)
    )
    return Sketch({"y": record["curve"]}, "x", "y", marks, note="* the lowest minimum, v the other ones")


def _draw(lesson: Lesson) -> Figure:
    figure = new_figure(figsize=(9, 5.4), layout="constrained")
    ax = figure.add_subplot()
    x, y = lesson.record["curve"]
    ax.plot(x, y, color="#c0c0c0", linewidth=1, zorder=1)
    colors = [c for name, c in PALETTE.items() if name not in {"yellow", "black"}]
    for i, (row, trace) in enumerate(zip(lesson.table.rows, lesson.traces.values(), strict=True)):
        first, last, end, height, _, kind, share = cast("tuple[float, float, float, float, float, str, float]", row)
        inside = (x >= first) & (x <= last)
        color = colors[i % len(colors)]
        ax.plot(
            x[inside], y[inside], color=color, linewidth=2.5, label=proper(f"{share:.0%} end at x = {end:.3g} ({kind})")
        )
        ax.plot(trace.points, trace.losses, "o", color=color, markersize=6, markeredgecolor="white")
        ax.plot(end, height, "*" if kind == "global" else "v", color=color, markersize=14, markeredgecolor="black")
        if i:
            ax.axvline(first, color="#808080", linestyle=":", linewidth=1)
    ax.set(xlabel="start", ylabel="y")
    ax.legend(fontsize=9)
    ax.grid(visible=True, alpha=0.2)
    headline(
        ax,
        lesson.title,
        "Each colour is a basin: all its starts roll to the same minimum. The star is the lowest one; from any other "
        "colour it is never seen. Dots: a descent from near the left edge of each basin.",
        formula=lesson.options["formula"],
    )
    return figure
