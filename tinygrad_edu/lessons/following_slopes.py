"""Lesson ``descend``: follow the slope downhill from one start, x ← x - α · dy/dx (A3)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import visualize
from tinygrad_edu.learn.grids import curve, view
from tinygrad_edu.lessons.checks import check_formula, check_number, check_numbers, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch, sketch_losses
from tinygrad_edu.lessons.words import bracketed, counted, number
from tinygrad_edu.traces import StopReason
from tinygrad_edu.visualize.figures import PALETTE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinygrad_edu.learn.formula import Formula
    from tinygrad_edu.traces import Trace

__all__ = ["descend"]


def descend(
    *,
    formula: str = "x**2",
    start: float | tuple[float, ...] = -6.0,
    lr: float = 0.1,
    max_steps: int = 100,
    tolerance: float = 1e-3,
) -> Lesson:
    """Follow the slope downhill, step by step.

    Parameters
    ----------
    formula
        What to minimise, of one or two variables.
    start
        Where to begin: a number for each variable, in the order of the alphabet.
    lr
        The learning rate α: each step goes α times the slope.
    max_steps
        How many steps at most: 1 to 5000.
    tolerance
        Stop where the slope is smaller.

    Raises
    ------
    FormulaError, OptionError
        If the formula or a number is not usable.

    Examples
    --------
    >>> lesson = descend()
    >>> lesson.numbers["x"][:3], len(lesson.table)
    ((-6.0, -4.8, -3.84), 44)
    """
    f = check_formula(formula, (1, 2), "descend")
    numbers = check_numbers("start", start, least=len(f.variables), most=len(f.variables))
    options: dict[str, Any] = {
        "formula": f.text,
        "start": numbers[0] if len(numbers) == 1 else numbers,
        "lr": check_number("lr", lr, above=0),
        "max_steps": check_whole("max_steps", max_steps, most=5000),
        "tolerance": check_number("tolerance", tolerance, least=0),
    }
    names = f.variables
    result = next(name for name in ("y", "z", "f") if name not in names)
    columns = ("step", *names, result, *(f"d{result}/d{name}" for name in names))
    program = Program(follow, rows, options, columns)
    trace = program.record()
    return Lesson(
        name="descend",
        title=f"Following the slope of {f.text} downhill",
        parts=("A3",),
        text=_text(trace, tolerance=options["tolerance"]),
        table=program.table(trace),
        traces={"descent": trace},
        options=options,
        record=trace,
        program=program,
        draw=_draw,
        sketch=_sketch(f, trace),
    )


# -------------------------------------------------------------------------------------------- the program
def follow(
    formula: str, start: float | tuple[float, ...], lr: float, max_steps: int, tolerance: float
) -> tg.learn.Trace:
    """Go downhill: each step is the learning rate times the slope, x ← x - α · dy/dx."""
    return tg.minimize(formula, start, lr=lr, max_steps=max_steps, tolerance=tolerance)


def rows(trace: tg.learn.Trace) -> list[tuple[int | float, ...]]:
    """Write down each step: where it is, how high, and how steep."""
    n = len(trace)
    points, slopes = trace.points.reshape(n, -1).tolist(), trace.gradients.reshape(n, -1).tolist()
    return [(step.k, *point, step.loss, *slope) for step, point, slope in zip(trace, points, slopes, strict=True)]


# --------------------------------------------------------------------------------- the words, the figure
def _text(trace: Trace, tolerance: float) -> str:
    sentences = []
    if trace.n_steps and np.ndim(trace.x) == 0:
        (first, second), slope, lr = trace.points[:2], trace.gradients[0], trace[0].learning_rate
        sentences.append(
            f"The first step: at {number(first)} the slope is {number(slope)}, and {number(first)} - {number(lr)} · "
            f"{bracketed(slope)} = {number(second)}."
        )
    sentences.append(trace.message)
    if guesses := _guesses(trace, tolerance):
        sentences.append(
            f"To find a slope below {number(tolerance)} by guessing, neighbouring guesses must be at most "
            f"{number(guesses[0])} apart: that takes {counted(guesses[1], 'guess', 'guesses')} between the start and "
            f"its mirror image beyond the lowest point. The descent took {counted(trace.n_steps, 'step')}."
        )
    return " ".join(sentences)


def _guesses(trace: Trace, tolerance: float) -> tuple[float, int] | None:
    """Say how close guesses must be so that one is level enough, and how many they are, with one variable.

    Around a lowest point the slope is about the curvature times the distance, so it is below the tolerance within
    2 · tolerance / curvature.
    """
    if trace.stop_reason is not StopReason.TOLERANCE or np.ndim(trace.x) or not trace.n_steps:
        return None
    curvature = tg.hessian(tg.learn.formula(trace.formula))(np.array(trace.x)).item()
    if not (math.isfinite(curvature) and curvature > 0):
        return None
    apart = 2 * tolerance / curvature
    return apart, math.ceil(2 * float(abs(trace.points[0] - trace.points[-1])) / apart)


def _sketch(f: Formula, trace: Trace) -> Sketch:
    if np.ndim(trace.x):
        return sketch_losses({"descent": trace}, log=bool((trace.losses > 0).all()))
    [(low, high)] = view([trace], f)
    ground = curve(f, low, high)
    xs, ys = trace.points.tolist(), trace.losses.tolist()
    letters = ["*", *("." if k > 4 else str(k) for k in reversed(range(len(xs) - 1)))]
    marks = [mark for mark in zip(reversed(xs), reversed(ys), letters, strict=True) if low <= mark[0] <= high]
    note = f"0 the start, then the first steps, * step {trace.n_steps}"
    return Sketch({f.text: (ground.xs, ground.ys)}, f.variables[0], "y", tuple(marks[1:] + marks[:1]), note=note)


def _draw(lesson: Lesson) -> Figure:
    trace = lesson.traces["descent"]
    figure = new_figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    if np.ndim(trace.x):
        visualize.plot_contour(trace.formula, {"descent": trace}, ax=left)
    else:
        visualize.plot_curve(trace.formula, trace, ax=left)
    steepness = np.array([step.slope for step in trace])
    right.plot(trace.ks, steepness, marker=".", color=PALETTE["blue"])
    right.axhline(lesson.options["tolerance"], color=PALETTE["vermilion"], linestyle="--", label="the tolerance")
    right.set(xlabel="step", ylabel="how steep it is: |slope|", yscale="log" if (steepness > 0).any() else "linear")
    right.grid(visible=True, alpha=0.25)
    right.minorticks_off()
    right.legend()
    headline(right, "How steep each step is", trace.message)
    return figure
