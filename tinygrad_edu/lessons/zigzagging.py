"""Lesson ``zigzag``: in a narrow valley the descent zig-zags; one scale for all features makes it round (B3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import visualize
from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn.grids import Grid, view
from tinygrad_edu.lessons.checks import check_formula, check_number, check_numbers, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.valleys import (
    cars,
    compare_valleys,
    descend_until_near,
    examples,
    roundabout,
    rows,
    squared_error,
    turns_back,
)
from tinygrad_edu.lessons.words import counted, number
from tinygrad_edu.visualize.figures import PALETTE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinygrad_edu.learn.formula import Formula

__all__ = ["zigzag"]

_MOST_FEATURES = 100


def zigzag(
    *,
    formula: str = "(x**2 + 25*y**2) / 2",
    start: tuple[float, float] = (-6.0, 1.5),
    data: str = "cars",
    max_steps: int = 6000,
    near: float = 0.02,
) -> Lesson:
    """Descend through a narrow valley, and through the same valley after its axes were brought to one scale.

    Twice: for a formula, and for a linear regression on real data whose features are standardised.

    Parameters
    ----------
    formula
        A bowl of two variables.
    start
        Where to begin, a number for each.
    data
        What the regression is fitted to: ``"cars"`` (50 cars: speed, and the distance that braking takes) or another
        data set for a regression, by its name or file.
    max_steps
        How many steps at most, 1 to 20,000.
    near
        A descent has arrived when at most this fraction of what there was to gain is left.

    Raises
    ------
    FormulaError, OptionError, DataError
        If the formula, the data or a number is not usable.

    Examples
    --------
    >>> lesson = zigzag()
    >>> [f"{condition:.4g}" for condition in lesson.numbers["condition number"]]
    ['25', '1', '2572', '1']
    """
    f = check_formula(formula, (2,), "zigzag")
    options: dict[str, Any] = {
        "formula": f.text,
        "start": check_numbers("start", start, least=2, most=2),
        "data": data,
        "max_steps": check_whole("max_steps", max_steps, most=20_000),
        "near": check_number("near", near, above=0, below=1),
    }
    _check_data(data)
    columns = (
        "valley",
        "condition number",
        "learning rate",
        "steps",
        "arrived",
        "turns back",
        "path / straight line",
        "loss left",
    )
    uses = (cars, examples, squared_error, descend_until_near, turns_back, roundabout)
    program = Program(compare_valleys, rows, options, columns, uses=uses)
    record = program.record()
    if isinstance(record, str):
        raise OptionError(
            f"{f.text} is no bowl at the start: it does not curve upwards in every direction. "
            "Choose one such as (x**2 + 25*y**2) / 2, and a start near its lowest point."
            if record.startswith("formula")
            else f"The loss on {data!r} has no single lowest point: a feature is constant, or follows from others. "
            "Leave it out."
        )
    return Lesson(
        name="zigzag",
        title="A narrow valley makes the descent zig-zag",
        parts=("B3",),
        text=_text(record, options["near"]),
        table=program.table(record),
        traces={name: valley["trace"] for name, valley in record.items()},
        options=options,
        record={"valleys": record, "grids": _landscapes(f, record)},
        program=program,
        draw=_draw,
        sketch=_sketch(record),
    )


def _check_data(data: str) -> None:
    """Refuse what is no regression, or too wide for all its curvatures to be computed."""
    if data == "cars":
        return
    table = tg.data.load(data)
    if table.task != "regression":
        raise OptionError(f"The lesson zigzag needs data for a regression, but {data!r} has classes. Try 'diabetes'.")
    if table.n_features > _MOST_FEATURES:
        raise OptionError(
            f"The lesson zigzag takes data of up to {_MOST_FEATURES} features, but {data!r} has {table.n_features}."
        )


# --------------------------------------------------------------------------------- the words, the figure
def _text(valleys: dict[str, dict[str, Any]], near: float) -> str:
    sentences = []
    pairs = list(valleys.items())
    for (name, narrow), (_, wide) in (pairs[:2], pairs[2:]):
        what = name.partition(",")[0]
        took = (
            counted(narrow["trace"].n_steps, "step")
            if narrow["arrived"]
            else f"more than {counted(narrow['trace'].n_steps, 'step')}"
        )
        sentences.append(
            f"For the {what if what == 'formula' else 'regression on ' + what} the valley is "
            f"{number(narrow['condition'])} times as curved across as along (the condition number); "
            f"{turns_back(narrow):.0%} of the steps turn back, the path is {number(roundabout(narrow))} times the "
            f"straight line, and it takes {took} until {near:.1%} of the way down is left. On one scale the condition "
            f"number is {number(wide['condition'])}, and {counted(wide['trace'].n_steps, 'step')} "
            f"{'is' if wide['trace'].n_steps == 1 else 'are'} enough."
        )
    sentences.append("So the path is a zig-zag, and no rolling ball; and it pays to standardise the features first.")
    return " ".join(sentences)


def _landscapes(bowl: Formula, valleys: dict[str, dict[str, Any]]) -> list[Grid]:
    """Compute the heights around the two descents of the formula."""
    found = []
    for valley in list(valleys.values())[:2]:
        (left, right), (low, high) = view([valley["trace"]])
        room, middle = max(0.3 * (right - left), (high - low) / 2), (low + high) / 2
        xs, ys = np.linspace(left, right, 101), np.linspace(middle - room, middle + room, 101)
        points = np.stack(np.meshgrid(xs / valley["scale"][0], ys / valley["scale"][1]))
        found.append(Grid(bowl.text, ("x", "y"), xs, ys, bowl(*points).numpy()))
    return found


def _sketch(valleys: dict[str, dict[str, Any]]) -> Sketch:
    lines = {
        name: (valley["trace"].ks, np.maximum(valley["trace"].losses - valley["lowest"], 0.0))  # but for rounding
        for name, valley in list(valleys.items())[:2]
    }
    return Sketch(lines, "step", "loss above the lowest", log=True)


def _draw(lesson: Lesson) -> Figure:
    figure = new_figure(figsize=(13.5, 4.8), layout="constrained")
    narrow, wide, losses = figure.subplots(1, 3, width_ratios=[1.4, 1, 1.1])
    pairs = list(lesson.record["valleys"].items())
    for ax, (name, valley), heights in zip((narrow, wide), pairs[:2], lesson.record["grids"], strict=True):
        visualize.plot_contour(heights, {"descent": valley["trace"]}, ax=ax)
        ax.set_aspect("equal")
        if legend := ax.get_legend():
            legend.remove()
        headline(
            ax,
            f"The {name}",
            f"Condition number {number(valley['condition'])}: {counted(valley['trace'].n_steps, 'step')}, of which "
            f"{turns_back(valley):.0%} turn back.",
        )
    for (name, valley), color in zip(pairs[2:], (PALETTE["vermilion"], PALETTE["blue"]), strict=True):
        trace = valley["trace"]
        left = np.maximum(trace.losses - valley["lowest"], 1e-4 * (trace.losses[0] - valley["lowest"]))
        steps = np.arange(len(left)) + 1
        losses.plot(steps, left, color=color, linewidth=2, label=name, marker="o" if len(left) < 10 else "")
    losses.set(
        xlabel="step (the start is 1)", ylabel="loss above the lowest (cut off at 1/10,000)", xscale="log", yscale="log"
    )
    losses.minorticks_off()
    losses.legend()
    losses.grid(visible=True, alpha=0.25)
    (_, slow), (_, fast) = pairs[2:]
    headline(
        losses,
        f"A regression on {lesson.options['data']}",
        f"As measured: condition number {number(slow['condition'])}, {counted(slow['trace'].n_steps, 'step')}"
        f"{'' if slow['arrived'] else ' and still not there'}. Standardised: {number(fast['condition'])}, "
        f"{counted(fast['trace'].n_steps, 'step')}.",
    )
    return figure
