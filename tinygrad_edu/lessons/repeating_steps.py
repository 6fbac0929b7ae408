"""Lesson ``four_steps``: start anywhere, step against the gradient, compute the new loss, repeat (D2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.errors import optional_import
from tinygrad_edu.lessons.checks import check_number, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import sketch_losses
from tinygrad_edu.lessons.words import bracketed, counted, number
from tinygrad_edu.visualize.figures import PALETTE, SEQUENTIAL, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tinygrad_edu.traces import Trace

__all__ = ["four_steps"]


def four_steps(
    *,
    examples: int = 20,
    noise: float = 0.3,
    lr: float = 0.2,
    steps: int = 30,
    seed: int = 0,
) -> Lesson:
    """Train one weight and one bias in the four steps of every training.

    Parameters
    ----------
    examples
        How many points lie about the line y = 2 x - 1, 2 to 1000.
    noise
        How far from it they are, as a standard deviation.
    lr
        The learning rate.
    steps
        How often steps 2 and 3 are repeated, 1 to 2000.
    seed
        Of the points, and of the weight and bias to begin with.

    Raises
    ------
    OptionError
        If a number is not usable.

    Examples
    --------
    >>> lesson = four_steps(noise=0.0, steps=200)
    >>> round(lesson.numbers["weight"][-1], 6), round(lesson.numbers["bias"][-1], 6)
    (2.0, -1.0)
    """
    options: dict[str, Any] = {
        "examples": check_whole("examples", examples, least=2, most=1000),
        "noise": check_number("noise", noise, least=0),
        "lr": check_number("lr", lr, above=0),
        "steps": check_whole("steps", steps, most=2000),
        "seed": check_whole("seed", seed, least=0, most=2**32 - 1),
    }
    columns = ("step", "weight", "bias", "loss", "slope of weight", "slope of bias")
    program = Program(train, rows, options, columns)
    record = program.record()
    return Lesson(
        name="four_steps",
        title="Four steps train a weight and a bias",
        parts=("D2",),
        text=_text(record["trace"]),
        table=program.table(record),
        traces={"descent": record["trace"]},
        options=options,
        record=record,
        program=program,
        draw=_draw,
        sketch=sketch_losses({"loss": record["trace"]}),
    )


# -------------------------------------------------------------------------------------------- the program
def train(examples: int, noise: float, lr: float, steps: int, seed: int) -> dict[str, Any]:
    """Fit a line to points by gradient descent, keeping what each step saw."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (examples, 1))
    y = 2 * x - 1 + rng.normal(0, noise, x.shape)
    # Step 1: a random weight and bias.
    weight = tg.tensor(rng.normal(size=(1, 1)), requires_grad=True)
    bias = tg.tensor(rng.normal(size=1), requires_grad=True)
    descent = tg.optim.BatchGradientDescent([weight, bias], lr=lr)
    path = []
    for k in range(steps + 1):
        loss = tg.nn.MSELoss()(x @ weight + bias, y)  # steps 1 and 3: the loss
        descent.zero_grad()
        loss.backward()
        point = np.array([weight.item(), bias.item()])
        gradient = np.array([p.grad.item() for p in (weight, bias) if p.grad is not None])
        path.append(tg.learn.Step(k, point, loss.item(), gradient, None, lr))
        descent.step()  # step 2: against the gradient, where the loss falls most steeply; then (4) repeat
    message = f"Stopped after {steps} steps, the number asked for."
    return {"x": x, "y": y, "trace": tg.learn.Trace(tuple(path), tg.learn.StopReason.MAX_STEPS, message)}


def rows(record: dict[str, Any]) -> list[tuple[int, float, float, float, float, float]]:
    """Write down every step."""
    return [(step.k, *step.point.tolist(), step.loss, *step.gradient.tolist()) for step in record["trace"]]


# --------------------------------------------------------------------------------- the words, the figure
def _text(trace: Trace) -> str:
    (w, b), (dw, db) = trace.points[0], trace.gradients[0]
    (w1, b1), (last_w, last_b) = trace.points[1], trace.points[-1]
    lr = trace[0].learning_rate
    return (
        f"(1) Start with the random weight {number(w)} and bias {number(b)}: the loss is {number(trace[0].loss)}. "
        f"(2) Step against the gradient ({number(dw)}, {number(db)}): the weight becomes {number(w)} - {number(lr)} · "
        f"{bracketed(dw)} = {number(w1)}, the bias {number(b1)}. (3) The new loss is {number(trace[1].loss)}. "
        f"(4) Repeat: after {counted(trace.n_steps, 'step')} the weight is {number(last_w)}, the bias "
        f"{number(last_b)}, and the loss {number(trace.loss)}."
    )


def _draw(lesson: Lesson) -> Figure:
    record, trace = lesson.record, lesson.record["trace"]
    figure = new_figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    x = np.array([record["x"].min(), record["x"].max()])
    shown = sorted({0, 1, 2, 4, 8, trace.n_steps} & set(range(trace.n_steps + 1)))
    colormaps = optional_import("matplotlib", extra="plot", purpose="Drawing figures").colormaps
    shades = colormaps[SEQUENTIAL](np.linspace(0, 0.9, len(shown)))
    left.plot(record["x"], record["y"], "o", color="#808080", markersize=4)
    for k, shade in zip(shown, shades, strict=True):
        w, b = trace[k].point
        left.plot(x, w * x + b, color=shade, linewidth=2.5 if k == shown[-1] else 1.5, label=f"step {k}")
    left.set(xlabel="x", ylabel="y")
    left.legend(fontsize=9)
    headline(
        left, "The line turns towards the points", "Each line is one weight and bias; the first was drawn at random."
    )
    right.plot(trace.ks, trace.losses, ".-", color=PALETTE["blue"])
    right.set(xlabel="step", ylabel="loss (mean squared error)", yscale="log")
    right.grid(visible=True, alpha=0.25)
    headline(
        right,
        lesson.title,
        f"The loss falls from {number(trace[0].loss)} to {number(trace.loss)}; what is left is the noise in the data.",
    )
    return figure
