"""Lesson ``stopping``: which rule ends a descent, and where (A5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.lessons.checks import check_formula, check_number, check_numbers, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.words import counted, number
from tinygrad_edu.visualize.figures import PALETTE, figure_of, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tinygrad_edu.traces import Trace

__all__ = ["stopping"]


def stopping(
    *,
    formula: str = "x**2",
    start: float = -6.0,
    lr: float = 0.1,
    tolerances: tuple[float, ...] = (0.1, 0.01, 0.001),
    max_steps: int = 100,
    few_steps: int = 10,
    large_lr: float = 1.1,
) -> Lesson:
    """End the same descent by each of the three rules: level enough, steps used up, diverged.

    Parameters
    ----------
    formula
        The curve, of one variable.
    start
        Where each descent begins.
    lr
        The learning rate.
    tolerances
        The slopes that count as level, 1 to 6 different ones above 0.
    max_steps
        How many steps at most, 1 to 5000.
    few_steps
        A smaller number of steps, for the run that ends too soon.
    large_lr
        A larger learning rate, for the run that diverges.

    Raises
    ------
    FormulaError, OptionError
        If the formula or a number is not usable.

    Examples
    --------
    >>> stopping().numbers["steps"], stopping().numbers["stopped by"][-2:]
    ((22, 32, 43, 10, 38), ('max steps', 'diverged'))
    """
    f = check_formula(formula, (1,), "stopping")
    options: dict[str, Any] = {
        "formula": f.text,
        "start": check_number("start", start),
        "lr": check_number("lr", lr, above=0),
        "tolerances": tuple(sorted(set(check_numbers("tolerances", tolerances, most=6, above=0)), reverse=True)),
        "max_steps": check_whole("max_steps", max_steps, most=5000),
        "few_steps": check_whole("few_steps", few_steps, most=5000),
        "large_lr": check_number("large_lr", large_lr, above=0),
    }
    columns = ("rule", "steps", "stopped by", "x", "|slope|")
    program = Program(stop_by_each_rule, rows, options, columns)
    record = program.record()
    return Lesson(
        name="stopping",
        title=f"When to stop: three rules on y = {f.text}",
        parts=("A5",),
        text=_text(record),
        table=program.table(record),
        traces=record,
        options=options,
        record=record,
        program=program,
        draw=_draw,
        sketch=_sketch(record),
    )


# -------------------------------------------------------------------------------------------- the program
def stop_by_each_rule(
    formula: str,
    start: float,
    lr: float,
    tolerances: tuple[float, ...],
    max_steps: int,
    few_steps: int,
    large_lr: float,
) -> dict[str, tg.learn.Trace]:
    """Run the same descent with each tolerance, then with few steps, then with a learning rate that is too large."""
    runs = {
        f"|slope| < {tolerance:g}": tg.minimize(formula, start, lr=lr, max_steps=max_steps, tolerance=tolerance)
        for tolerance in tolerances
    }
    strictest = min(tolerances)
    runs[f"at most {few_steps} steps"] = tg.minimize(formula, start, lr=lr, max_steps=few_steps, tolerance=strictest)
    runs[f"α = {large_lr:g}"] = tg.minimize(formula, start, lr=large_lr, max_steps=max_steps, tolerance=strictest)
    return runs


def rows(runs: dict[str, tg.learn.Trace]) -> list[tuple[str, int, str, float, float]]:
    """Write down which rule really ended each run, and where it was then."""
    return [
        (rule, trace.n_steps, str(trace.stop_reason), float(trace.x), trace[-1].slope) for rule, trace in runs.items()
    ]


# --------------------------------------------------------------------------------- the words, the figure
def _text(runs: dict[str, Trace]) -> str:
    sentences = ["A run always says which rule ended it."]
    sentences += [f"{rule}: {trace.message}" for rule, trace in runs.items()]
    return "\n".join(sentences)


def _sketch(runs: dict[str, Trace]) -> Sketch:
    *_, strictest, few, large = runs
    lines = {rule: (runs[rule].ks, [step.slope for step in runs[rule]]) for rule in (strictest, large)}
    marks = tuple((trace.n_steps, trace[-1].slope, str(i + 1)) for i, trace in enumerate(runs.values()))
    note = "; ".join(f"{i + 1}: {rule}" for i, rule in enumerate(runs))
    return Sketch(lines, "step", "|slope|", marks, log=True, note=f"Stopped by {note}, of which {few} is too soon.")


def _draw(lesson: Lesson) -> Figure:
    ax = new_axes(figsize=(8, 5))
    runs = lesson.traces
    *tolerances, _, _ = runs
    shades = (PALETTE["blue"], PALETTE["green"], PALETTE["purple"], PALETTE["sky"], PALETTE["black"], PALETTE["orange"])
    long = max((runs[rule] for rule in tolerances), key=lambda trace: trace.n_steps)
    for trace, color in ((long, "#909090"), (list(runs.values())[-1], PALETTE["vermilion"])):
        steepness = np.array([step.slope for step in trace])
        ax.plot(trace.ks, steepness, marker=".", markersize=4, color=color, linewidth=1)
    for (rule, trace), color in zip(list(runs.items())[:-2], shades, strict=False):
        ax.axhline(float(rule.rpartition(" ")[2]), color=color, linestyle="--", linewidth=1)
        _mark(ax, trace, f"{rule}: {counted(trace.n_steps, 'step')}", color, "o")
    (few_rule, few), (large_rule, large) = list(runs.items())[-2:]
    _mark(ax, few, f"{few_rule}: stopped by {few.stop_reason}", PALETTE["orange"], "s")
    _mark(ax, large, f"{large_rule}: {large.stop_reason} at step {large.n_steps}", PALETTE["vermilion"], "X")
    ax.set(xlabel="step", ylabel="how steep it is: |slope|", yscale="log")
    ax.grid(visible=True, alpha=0.25)
    ax.minorticks_off()
    ax.legend(fontsize=9)
    headline(
        ax,
        lesson.title,
        f"Each mark is where a rule ended the run. Slopes below {number(float(tolerances[-1].rpartition(' ')[2]))} "
        f"took {counted(long.n_steps, 'step')}; with α = {lesson.options['large_lr']:g} the slope "
        f"{'grows instead' if large.stop_reason == 'diverged' else 'shrinks too'}.",
        formula=lesson.options["formula"],
    )
    return figure_of(ax)


def _mark(ax: Axes, trace: Trace, label: str, color: str, marker: str) -> None:
    ax.plot(trace.n_steps, trace[-1].slope, marker, color=color, markersize=9, label=label, zorder=4)
