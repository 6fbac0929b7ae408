"""Lesson ``brute_force``: why not try every combination (B1, B2)."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.lessons.checks import check_formula, check_number, check_range, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.searching import compare_guessing, descend_network, rows, scientific, try_grid
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.table import Table
from tinygrad_edu.lessons.words import counted, listed
from tinygrad_edu.visualize.figures import PALETTE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["brute_force"]

_FORMULAS = (
    "(x - 1.234)**2",
    "(x - 1.234)**2 + 2*(y + 0.777)**2",
    "(x - 1.234)**2 + 2*(y + 0.777)**2 + 3*(z - 2.5)**2",
)
_AGE_OF_THE_UNIVERSE = 138 * 10**8  # years; Planck 2018: 13.8 × 10⁹
_NAMES = {1: "one", 2: "two", 3: "three"}


def brute_force(
    *,
    values: int = 1000,
    hidden: int = 6,
    operations_per_second: int = 93 * 10**15,
    formulas: str | tuple[str, ...] = _FORMULAS,
    low: float = -6.0,
    high: float = 6.0,
    budget: int = 1_200_000,
    seconds: float | None = None,
    lr: float = 0.1,
    network_lr: float = 0.2,
    good: float = 0.01,
    seed: int = 0,
) -> Lesson:
    """Count the combinations of all weights, try as many as the budget allows, and descend on the same functions.

    Parameters
    ----------
    values
        How many values to try for each weight, 2 to 10⁶.
    hidden
        Hidden units of a network that learns XOR; with n of them it has 4 n + 1 weights, so 6 give 25. At most 100.
    operations_per_second
        Of the computer that tries one combination with each operation.
    formulas
        The functions that are really searched, of one to three variables each.
    low, high
        Between which every variable is tried.
    budget
        How many points of each grid are tried at most, up to 10⁸.
    seconds
        How long each grid is searched at most; None for as long as it takes.
    lr
        The learning rate of the descents on the formulas.
    network_lr
        The learning rate of the network.
    good
        The network has learned when its mean squared error is below this.
    seed
        Of the network's first weights.

    Raises
    ------
    FormulaError, OptionError
        If a formula or a number is not usable.

    Examples
    --------
    >>> lesson = brute_force(budget=1000)
    >>> lesson.numbers["combinations"][-1], lesson.numbers["seconds"][-1], lesson.numbers["years"][-1]
    ('1.00e+75', '1.08e+58', '3.41e+50')
    """
    low, high = check_range(low, high)
    texts = tuple([formulas] if isinstance(formulas, str) else formulas)  # one formula alone will do as well
    texts = tuple(check_formula(text, (1, 2, 3), "brute_force").text for text in texts)
    if not 1 <= len(texts) <= 5:
        raise OptionError(f"formulas must be 1 to 5 formulas, but there are {len(texts)}.")
    budget = check_whole("budget", budget, most=10**8)
    if seconds is not None:
        seconds = check_number("seconds", seconds, above=0)
    arguments: dict[str, Any] = {
        "values": check_whole("values", values, least=2, most=10**6),
        "hidden": check_whole("hidden", hidden, most=100),
        "operations_per_second": check_whole("operations_per_second", operations_per_second, most=10**30),
        "formulas": texts,
        "low": low,
        "high": high,
        "lr": check_number("lr", lr, above=0),
        "network_lr": check_number("network_lr", network_lr, above=0),
        "good": check_number("good", good, above=0),
        "seed": check_whole("seed", seed, least=0, most=2**32 - 1),
    }
    record = compare_guessing(**arguments, budgets=(budget,) * len(texts), seconds=seconds or math.inf)
    # A clock is another one on each machine: the script tries as many points as were tried here.
    tried = tuple(grid["tried"] for grid in record["grids"])
    columns = (
        "weights",
        "combinations",
        "seconds",
        "years",
        "tried",
        "least tried",
        "descent steps",
        "least descended",
    )
    program = Program(
        compare_guessing,
        rows,
        {**arguments, "budgets": tried},
        columns,
        uses=(scientific, try_grid, descend_network),
    )
    return Lesson(
        name="brute_force",
        title=f"Why not try {values:,} values for each of {record['network']['weights']} weights",
        parts=("B1", "B2"),
        text=_text(record),
        table=program.table(record),
        traces=record["traces"],
        options={**arguments, "budget": budget, "seconds": seconds},
        record=record,
        program=program,
        draw=_draw,
        sketch=_sketch(record),
        measured=_times(record),
    )


# --------------------------------------------------------------------------------- the words, the figure
def _power(text: str) -> str:
    """Write 1.08e+58 as people do.

    >>> _power("1.08e+58"), _power("1.00e+75"), _power("1.08e-14")
    ('1.08 × 10⁵⁸', '10⁷⁵', '1.08 × 10⁻¹⁴')
    """
    digits, exponent = text.split("e")
    raised = "10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    digits = digits.rstrip("0").rstrip(".")
    return raised if digits == "1" else f"{digits} × {raised}"


def _text(record: dict[str, Any]) -> str:
    network = record["network"]
    *_, (weights, combinations, seconds, years, *_) = rows(record)
    raised = str(weights).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹"))
    speed = Fraction(record["operations_per_second"])
    rounded = Fraction(seconds)  # of the three digits that are shown
    again = scientific(rounded / (365 * 24 * 60 * 60))
    count = f"{record['values']:,} values for each of {weights} weights are {record['values']:,}{raised}"
    long = f"At {_power(scientific(speed))} a second that takes {_power(seconds)} seconds, or {_power(years)} years."
    sentences = [f"{count} = {_power(combinations)} combinations. {long}"]
    if again != years:
        sentences.append(
            f"(Whoever rounds the seconds to {_power(seconds)} before dividing finds {_power(again)} years.)"
        )
    learned = "learned" if network["learned"] else "did not learn"
    steps = counted(network["steps"], "step")
    sentences.append(f"By gradient descent a network with these {weights} weights {learned} XOR in {steps}.")
    for grid, trace in zip(record["grids"], record["traces"].values(), strict=True):
        name, tried = _NAMES[grid["weights"]], counted(grid["tried"], "point")
        variables = f"{name} variable{'s' if grid['weights'] > 1 else ''}"
        if grid["tried"] == grid["total"]:
            how = f"all {tried} of the grid were tried"
        else:
            share = f"{grid['tried'] / grid['total']:.2%} of the grid"
            how = f"the search stopped after {tried} of {grid['total']:,}, {share}"
        sentences.append(
            f"With {variables} {how}, and the lowest was {grid['least']:.3g}; the descent made "
            f"{counted(trace.n_steps, 'step')} to {trace.loss:.3g}."
        )
    return " ".join(sentences)


def _times(record: dict[str, Any]) -> Table:
    """How long it really took, and how long the whole grid would take at that speed."""
    lines = []
    for grid in record["grids"]:
        speed = grid["tried"] / grid["seconds"]
        lines.append((grid["weights"], grid["tried"], grid["seconds"], speed, grid["total"] / speed))
    return Table(("weights", "tried", "seconds", "points a second", "seconds for the whole grid"), tuple(lines))


def _sketch(record: dict[str, Any]) -> Sketch:
    """Draw how many zeros the number of combinations has; that of the steps has next to none."""
    n = np.arange(1, record["network"]["weights"] + 1)
    steps = [
        (grid["weights"], trace.n_steps) for grid, trace in zip(record["grids"], record["traces"].values(), strict=True)
    ]
    steps.append((record["network"]["weights"], record["network"]["steps"]))
    marks = tuple((weights, math.log10(max(count, 1)), "s") for weights, count in steps)
    lines = {"combinations": (n, n * math.log10(record["values"]))}
    return Sketch(lines, "weights", "power of ten", marks, note="s: the steps of a descent")


def _draw(lesson: Lesson) -> Figure:
    record, network = lesson.record, lesson.record["network"]
    figure = new_figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    n = np.arange(1, network["weights"] + 1)
    left.plot(n, n * math.log10(record["values"]), color=PALETTE["vermilion"], label="combinations to try")
    reach = math.log10(record["operations_per_second"] * _AGE_OF_THE_UNIVERSE * 365 * 86400)
    left.axhline(reach, color="#606060", linestyle="--", label="tried since the universe began, at that speed")
    counts = [
        (grid["weights"], trace.n_steps) for grid, trace in zip(record["grids"], record["traces"].values(), strict=True)
    ]
    counts.append((network["weights"], network["steps"]))
    dots = [(weights, math.log10(max(steps, 1))) for weights, steps in counts]
    left.plot(*zip(*dots, strict=True), "o", color=PALETTE["blue"], label="steps of the descent")
    left.yaxis.set_major_formatter(lambda value, _: f"$10^{{{value:g}}}$")
    left.set(xlabel="weights", ylabel="how many")
    left.legend(loc="upper left", fontsize=9)
    left.grid(visible=True, alpha=0.25)
    headline(left, lesson.title, "Every weight more multiplies the combinations; the descent hardly notices.")
    names = [f"{grid['weights']}-D" for grid in record["grids"]]
    place = np.arange(len(names))
    for offset, key, color, label in (
        (-0.27, "total", "#c8c8c8", "points of the grid"),
        (0.0, "tried", PALETTE["orange"], "points tried"),
    ):
        right.bar(place + offset, [grid[key] for grid in record["grids"]], 0.27, color=color, label=label)
    steps = [max(trace.n_steps, 1) for trace in record["traces"].values()]
    right.bar(place + 0.27, steps, 0.27, color=PALETTE["blue"], label="steps of the descent")
    right.set(yscale="log", ylabel="how many", xticks=place, xticklabels=names)
    right.set_ylim(1, 30.0 * max(grid["total"] for grid in record["grids"]))
    for bars in right.containers[1:]:
        right.bar_label(bars, fmt="{:,.0f}", fontsize=8, padding=1)
    right.legend(fontsize=9, loc="upper left")
    stopped = [name for name, grid in zip(names, record["grids"], strict=True) if grid["tried"] < grid["total"]]
    headline(
        right,
        "Really searched",
        f"The budget ended the search in {listed(stopped)}." if stopped else "All points of each grid were tried.",
    )
    return figure
