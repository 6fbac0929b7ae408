"""Lesson ``learning_rates``: one curve, one start, several learning rates (A4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tinygrad_edu as tg
from tinygrad_edu import visualize
from tinygrad_edu.lessons.checks import check_formula, check_number, check_numbers, check_whole
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import sketch_losses
from tinygrad_edu.lessons.words import counted, number
from tinygrad_edu.visualize.figures import figure_of
from tinygrad_edu.visualize.words import proper, typeset

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinygrad_edu.traces import Trace

__all__ = ["learning_rates"]


def learning_rates(
    *,
    formula: str = "x**2",
    start: float = -6.0,
    rates: tuple[float, ...] = (0.1, 0.5, 0.9, 1.0, 1.1),
    max_steps: int = 100,
    tolerance: float = 1e-3,
) -> Lesson:
    """Go down the same curve from the same start with several learning rates.

    Parameters
    ----------
    formula
        The curve, of one variable.
    start
        Where each descent begins.
    rates
        The learning rates to try, 1 to 8 different ones.
    max_steps
        How many steps each may make, 1 to 5000.
    tolerance
        Stop where the slope is smaller.

    Raises
    ------
    FormulaError, OptionError
        If the formula or a number is not usable.

    Examples
    --------
    >>> for rate, verdict in zip(*[learning_rates().numbers[name] for name in ("rate", "what it does")]):
    ...     print(rate, verdict)
    0.1 walks down, slowly
    0.5 lands at once
    0.9 zig-zags
    1.0 never settles
    1.1 explodes
    """
    f = check_formula(formula, (1,), "learning_rates")
    options: dict[str, Any] = {
        "formula": f.text,
        "start": check_number("start", start),
        "rates": tuple(dict.fromkeys(check_numbers("rates", rates, most=8, above=0))),
        "max_steps": check_whole("max_steps", max_steps, most=5000),
        "tolerance": check_number("tolerance", tolerance, least=0),
    }
    columns = (
        "rate",
        "steps",
        "stopped by",
        "last x",
        "last slope",
        "first slope times",
        "jumps across",
        "what it does",
    )
    program = Program(try_rates, rows, options, columns, uses=(what_it_does,))
    record = program.record()
    table = program.table(record)
    return Lesson(
        name="learning_rates",
        title=f"The learning rate decides: y = {f.text} from {options['start']:g}",
        parts=("A4",),
        text=_text(record, table.rows),
        table=table,
        traces={f"α = {lr:g}": trace for lr, trace in record.items()},
        options=options,
        record=record,
        program=program,
        draw=_draw,
        sketch=sketch_losses({f"α = {lr:g}": trace for lr, trace in record.items()}),
    )


# -------------------------------------------------------------------------------------------- the program
def try_rates(
    formula: str, start: float, rates: tuple[float, ...], max_steps: int, tolerance: float
) -> dict[float, tg.learn.Trace]:
    """Go down with each learning rate."""
    return {lr: tg.minimize(formula, start, lr=lr, max_steps=max_steps, tolerance=tolerance) for lr in rates}


def what_it_does(trace: tg.learn.Trace, fewest: int) -> str:
    """Judge a descent by its steps; it is slow if it walks ten times as many as the fastest descent."""
    manner = str(tg.learn.behaviour(trace).manner)
    slow = manner in ("walks down", "creeps") and trace.n_steps >= 10 * fewest
    return f"{manner}, slowly" if slow else manner


def rows(descents: dict[float, tg.learn.Trace]) -> list[tuple[float, int, str, float, float, float, int, str]]:
    """Write down how each descent went; the slope of y = x² is multiplied by 1 - 2α in each step."""
    arrived = [trace.n_steps for trace in descents.values() if trace.stop_reason == "tolerance"]
    table = []
    for lr, trace in descents.items():
        slopes = trace.gradients
        factor = float(slopes[1] / slopes[0]) if trace.n_steps else math.nan
        jumps = tg.learn.behaviour(trace).jumps
        verdict = what_it_does(trace, min(arrived, default=0))
        table.append(
            (lr, trace.n_steps, str(trace.stop_reason), float(trace.x), slopes[-1].item(), factor, jumps, verdict)
        )
    return table


# --------------------------------------------------------------------------------- the words, the figure
def _text(descents: dict[float, Trace], rows: tuple[tuple[Any, ...], ...]) -> str:
    sentences = []
    for (lr, trace), row in zip(descents.items(), rows, strict=True):
        verdict, factor = row[-1], row[5]
        how = f"after {counted(trace.n_steps, 'step')} the slope is {number(row[4])}"
        if trace.n_steps:
            how += f"; the first step multiplied it by {number(factor)}"
        sentences.append(f"α = {lr:g} {verdict}: {how}.")
    return " ".join(sentences)


def _draw(lesson: Lesson) -> Figure:
    formula = lesson.options["formula"]
    title = proper(lesson.title.replace(formula, typeset(formula)))
    axes = visualize.plot_learning_rates(lesson.record, formula, title=title)
    return figure_of(axes[0])
