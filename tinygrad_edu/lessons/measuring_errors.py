"""Lesson ``losses``: the mean squared error and the cross-entropy by hand, and by the library (D1)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.errors import OptionError
from tinygrad_edu.lessons.checks import check_numbers, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.words import number
from tinygrad_edu.visualize.figures import PALETTE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["losses"]


def losses(
    *,
    targets: tuple[float, ...] = (3.0, -1.0, 2.0, 0.5),
    predictions: tuple[float, ...] = (2.5, 0.0, 2.0, 2.0),
    scores: tuple[float, ...] = (2.0, 1.0, -1.0),
    actual: int = 0,
) -> Lesson:
    """Compute the two losses term by term, and compare them with ``nn.MSELoss`` and ``nn.CrossEntropyLoss``.

    Parameters
    ----------
    targets, predictions
        Numbers that should have been predicted, and those that were: 1 to 20 each.
    scores
        What a model says of each class, 2 to 20 of them: softmax makes probabilities of them.
    actual
        Which class it really is, from 0.

    Raises
    ------
    OptionError
        If a number is not usable, or there are not as many predictions as targets.

    Examples
    --------
    >>> lesson = losses()
    >>> lesson.table.rows[4][0], lesson.numbers["by hand"][4]
    ('mean squared error', 0.875)
    """
    options: dict[str, Any] = {
        "targets": check_numbers("targets", targets),
        "predictions": check_numbers("predictions", predictions),
        "scores": check_numbers("scores", scores, least=2),
    }
    if len(options["targets"]) != len(options["predictions"]):
        raise OptionError(
            f"There are {len(options['targets'])} targets and {len(options['predictions'])} predictions. "
            "Give as many of both."
        )
    arguments = {**options, "actual": check_whole("actual", actual, least=0, most=len(options["scores"]) - 1)}
    columns = ("what", "actual", "predicted", "by hand", "by the library")
    program = Program(measure, rows, arguments, columns)
    record = program.record()
    return Lesson(
        name="losses",
        title="A loss is small when the model is right",
        parts=("D1",),
        text=_text(record),
        table=program.table(record),
        traces={},
        options=arguments,
        record=record,
        program=program,
        draw=_draw,
        sketch=_sketch(record),
    )


# -------------------------------------------------------------------------------------------- the program
def measure(
    targets: tuple[float, ...], predictions: tuple[float, ...], scores: tuple[float, ...], actual: int
) -> dict[str, Any]:
    """Compute both losses from their formulas, and by the library."""
    squares = [(prediction - target) ** 2 for prediction, target in zip(predictions, targets, strict=True)]
    powers = [math.exp(score - max(scores)) for score in scores]
    probabilities = [power / sum(powers) for power in powers]
    distribution = [1.0 if i == actual else 0.0 for i in range(len(scores))]
    terms = [-y * math.log(p) if y else 0.0 for y, p in zip(distribution, probabilities, strict=True)]
    return {
        "regression": list(zip(targets, predictions, squares, strict=True)),
        "mse": sum(squares) / len(squares),
        "mse by the library": tg.nn.MSELoss()(np.array(predictions), np.array(targets)).item(),
        "classes": list(zip(distribution, probabilities, terms, strict=True)),
        "cross-entropy": sum(terms),
        "cross-entropy by the library": tg.nn.CrossEntropyLoss()(np.array([scores]), np.array([actual])).item(),
        "derivatives": tg.grad(lambda s: tg.nn.CrossEntropyLoss()(s, np.array([actual])))(np.array([scores])).numpy()[
            0
        ],
    }


def rows(found: dict[str, Any]) -> list[tuple[str, float, float, float, float]]:
    """Write down each term, and both sums beside the library's."""
    nan = math.nan
    table = [("squared error", y, prediction, square, nan) for y, prediction, square in found["regression"]]
    table.append(("mean squared error", nan, nan, found["mse"], found["mse by the library"]))
    table += [("-y · log ŷ", y, probability, term, nan) for y, probability, term in found["classes"]]
    table.append(("cross-entropy", nan, nan, found["cross-entropy"], found["cross-entropy by the library"]))
    return table


# --------------------------------------------------------------------------------- the words, the figure
def _text(found: dict[str, Any]) -> str:
    squares = " + ".join(number(square) for *_, square in found["regression"])
    probability = next(p for y, p, _ in found["classes"] if y)
    worst = max(found["regression"], key=lambda row: row[2])
    return (
        f"Regression: the mean squared error is ({squares}) / {len(found['regression'])} = {number(found['mse'])}; "
        f"nn.MSELoss says {number(found['mse by the library'])}. The largest miss, {number(worst[1])} instead of "
        f"{number(worst[0])}, counts most. Classification: the cross-entropy is -Σ y log ŷ = -log "
        f"{number(probability)} = {number(found['cross-entropy'])}; nn.CrossEntropyLoss says "
        f"{number(found['cross-entropy by the library'])}. Only the probability of the actual class counts: at 1 "
        "the loss is 0, and the surer a wrong answer is, the faster it grows."
    )


def _sketch(found: dict[str, Any]) -> Sketch:
    p = np.linspace(0.01, 1, 200)
    marks = tuple(
        (probability, -math.log(max(probability, 0.01)), str(i % 10))
        for i, (_, probability, _) in enumerate(found["classes"])
    )
    return Sketch(
        {"-log p": (p, -np.log(p))}, "probability of the actual class", "loss", marks, note="The classes' numbers."
    )


def _draw(lesson: Lesson) -> Figure:
    found = lesson.record
    figure = new_figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    for i, (target, prediction, square) in enumerate(found["regression"]):
        left.plot([i, i], [target, prediction], color=PALETTE["vermilion"], linewidth=2)
        left.annotate(number(square), (i, (target + prediction) / 2), xytext=(6, 0), textcoords="offset points")
    n = np.arange(len(found["regression"]))
    left.plot(n, [row[0] for row in found["regression"]], "o", color=PALETTE["blue"], markersize=9, label="actual")
    left.plot(n, [row[1] for row in found["regression"]], "X", color=PALETTE["orange"], markersize=9, label="predicted")
    left.set(xlabel="example", ylabel="value", xticks=n, xlim=(-0.5, len(n) - 0.3))
    left.legend()
    left.grid(visible=True, alpha=0.25)
    headline(
        left,
        f"Mean squared error: {number(found['mse'])}",
        "Beside each distance is its square: twice as far off costs four times as much.",
    )
    p = np.linspace(0.005, 1, 400)
    right.plot(p, -np.log(p), color="#404040")
    for i, (y, probability, _) in enumerate(found["classes"]):
        color = PALETTE["vermilion"] if y else PALETTE["sky"]
        loss = -math.log(max(probability, 0.005))
        label = f"class {i}{', the actual one' if y else ', if it were the actual one'}: {number(loss)}"
        right.plot(probability, loss, "o" if y else "D", color=color, markersize=10 if y else 7, label=label)
    right.set(xlabel="predicted probability ŷ of the actual class", ylabel="loss, −log ŷ")
    right.legend(fontsize=9)
    right.grid(visible=True, alpha=0.25)
    headline(
        right,
        f"Cross-entropy: {number(found['cross-entropy'])}",
        "Sure and right costs nothing; sure and wrong costs without limit.",
    )
    return figure
