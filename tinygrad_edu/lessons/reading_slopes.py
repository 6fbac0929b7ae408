"""Lesson ``slope``: what the sign of a slope says about where to go (A1, A2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import visualize
from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn.grids import curve
from tinygrad_edu.lessons.checks import check_formula, check_numbers, check_range
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.words import listed, number
from tinygrad_edu.visualize.figures import figure_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinygrad_edu.learn.formula import Formula

__all__ = ["slope"]


def slope(
    *,
    formula: str = "x**2",
    at: tuple[float, ...] = (-6.0, -4.0, -2.0, 0.0),
    low: float = -6.0,
    high: float = 6.0,
) -> Lesson:
    """Read the slope of a curve: a negative one means go right, a positive one go left, zero means level ground.

    Parameters
    ----------
    formula
        The curve, of one variable.
    at
        Where to take the slope: 1 to 20 numbers.
    low, high
        The ends of the curve that is drawn.

    Raises
    ------
    FormulaError, OptionError
        If the formula or a number is not usable, or the curve has no slope at one of the places.

    Examples
    --------
    >>> slope().numbers["dy/dx"]
    (-12.0, -8.0, -4.0, 0.0)
    """
    f = check_formula(formula, (1,), "slope")
    options = {"formula": f.text, "at": check_numbers("at", at)}
    low, high = check_range(low, high)
    x = f.variables[0]
    program = Program(take_slopes, rows, options, (x, "y", f"dy/d{x}", "downhill is to the"), uses=(direction,))
    record = program.record()
    for place, height, steepness in record:
        if not (np.isfinite(height) and np.isfinite(steepness)):
            raise OptionError(
                f"At {x} = {place:g} the curve {f.text} has the height {height:g} and the slope {steepness:g}. "
                "Choose places where both are finite."
            )
    return Lesson(
        name="slope",
        title=f"The slope of y = {f.text} says where to go",
        parts=("A1", "A2"),
        text=_text(record, x),
        table=program.table(record),
        traces={},
        options={**options, "low": low, "high": high},
        record=record,
        program=program,
        draw=_draw,
        sketch=_sketch(f, record, low, high),
    )


# -------------------------------------------------------------------------------------------- the program
def take_slopes(formula: str, at: tuple[float, ...]) -> list[tuple[float, float, float]]:
    """Compute the height and the slope of the curve at each place."""
    height_and_slope = tg.value_and_grad(tg.learn.formula(formula))
    found = []
    for x in at:
        height, slope = height_and_slope(np.array(x))
        found.append((x, height.item(), slope.item()))
    return found


def direction(slope: float) -> str:
    """Say which way is down."""
    return "right" if slope < 0 else "left" if slope > 0 else "neither side"


def rows(found: list[tuple[float, float, float]]) -> list[tuple[float, float, float, str]]:
    """Add where to go."""
    return [(x, height, slope, direction(slope)) for x, height, slope in found]


# --------------------------------------------------------------------------------- the words, the figure
def _text(found: list[tuple[float, float, float]], x: str) -> str:
    places = listed(number(place) for place, _, _ in found)
    sentences = [f"At {x} = {places} the slope is {listed(number(steepness) for _, _, steepness in found)}."]
    if right := [number(place) for place, _, steepness in found if steepness < 0]:
        sentences.append(f"It is negative at {listed(right)}: the curve falls to the right, so go right.")
    if left := [number(place) for place, _, steepness in found if steepness > 0]:
        sentences.append(f"It is positive at {listed(left)}: the curve rises to the right, so go left.")
    if level := [number(place) for place, _, steepness in found if steepness == 0]:
        sentences.append(f"It is zero at {listed(level)}: level ground, a stationary point, and perhaps the lowest.")
    return " ".join(sentences)


def _sketch(f: Formula, found: list[tuple[float, float, float]], low: float, high: float) -> Sketch:
    ground = curve(f, low, high)
    marks = tuple((place, height, str(i + 1)) for i, (place, height, _) in enumerate(found[:9]))
    note = "; ".join(f"{i + 1}: slope {number(slope)}" for i, (_, _, slope) in enumerate(found[:9]))
    return Sketch({f.text: (ground.xs, ground.ys)}, f.variables[0], "y", marks, note=note)


def _draw(lesson: Lesson) -> Figure:
    options = lesson.options
    low, high = options["low"], options["high"]
    ax = visualize.plot_curve(options["formula"], x_range=(low, high), tangent_at=options["at"])
    room = 0.04 * (high - low)  # the first and the last point are not to be cut in half
    ax.set_xlim(low - room, high + room)
    headline(ax, lesson.title, lesson.text, formula=options["formula"])
    return figure_of(ax)
