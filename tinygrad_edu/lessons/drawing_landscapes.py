"""Lesson ``landscape``: the loss as a landscape, and the climber in the fog (C1, C2, C4)."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import visualize
from tinygrad_edu.learn.grids import Grid, view
from tinygrad_edu.lessons.checks import check_number, check_numbers, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import sketch_losses
from tinygrad_edu.lessons.words import counted, number
from tinygrad_edu.visualize.figures import PALETTE, name_colors, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["landscape"]


def landscape(
    *,
    examples: int = 40,
    noise: float = 0.1,
    start: tuple[float, float] = (0.5, 0.6),
    other_start: tuple[float, float] = (0.5, 3.2),
    lr: float = 0.1,
    steps: int = 300,
    batch_size: int = 5,
    seed: int = 0,
) -> Lesson:
    """Fit a · sin(b · x) to data: with two parameters the whole landscape of the loss can be drawn.

    Parameters
    ----------
    examples
        How many points the data have, 2 to 1000.
    noise
        The standard deviation of what is added to them.
    start, other_start
        Two starts (a, b), of which the other one leads to a local minimum.
    lr
        The learning rate α.
    steps
        How many steps N each descent makes, 1 to 2000.
    batch_size
        How many examples each step of the sampled descent sees.
    seed
        Of the data and the samples.

    Raises
    ------
    OptionError
        If a number is not usable.

    Examples
    --------
    >>> lesson = landscape()
    >>> lesson.numbers["descent"]
    ('all examples', '5 examples a step', 'all examples, other start')
    """
    n = check_whole("examples", examples, least=2, most=1000)
    options: dict[str, Any] = {
        "examples": n,
        "noise": check_number("noise", noise, least=0),
        "start": check_numbers("start", start, least=2, most=2),
        "other_start": check_numbers("other_start", other_start, least=2, most=2),
        "lr": check_number("lr", lr, above=0),
        "steps": check_whole("steps", steps, most=2000),
        "batch_size": check_whole("batch_size", batch_size, most=n),
        "seed": check_whole("seed", seed, least=0, most=2**32 - 1),
    }
    columns = ("descent", "steps", "start loss", "felt slope a", "felt slope b", "a", "b", "loss", "|slope|")
    program = Program(descend_in_the_fog, rows, options, columns, uses=(model, loss, losses_on_all, descend))
    record = program.record()
    return Lesson(
        name="landscape",
        title="The loss is a landscape over the parameters",
        parts=("C1", "C2", "C4"),
        text=_text(record),
        table=program.table(record),
        traces=record["traces"],
        options=options,
        record=record | {"grid": _grid(record)},
        program=program,
        draw=_draw,
        sketch=dataclasses.replace(sketch_losses(_on_all(record)), y_label="loss on all examples"),
    )


# -------------------------------------------------------------------------------------------- the program
def model(theta: Any, x: Any) -> Any:
    """Predict: Data → Model(θ)."""
    a, b = theta
    return a * np.sin(b * x)


def loss(theta: Any, x: Any, y: Any) -> Any:
    """Say how wrong the model is on the data: L(Data, θ), small when it is right."""
    return ((model(theta, x) - y) ** 2).mean()


def losses_on_all(points: np.ndarray[Any, Any], x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> Any:
    """Compute how high the landscape of all examples is at each of some points, of shape (n, 2)."""
    return np.array([loss(theta, x, y) for theta in points])


def descend(
    x: np.ndarray[Any, Any],
    y: np.ndarray[Any, Any],
    start: tuple[float, float],
    lr: float,
    steps: int,
    batch_size: int,
    rng: np.random.Generator,
) -> tg.learn.Trace:
    """Repeat N times: sample data, and step against the gradient of their loss, θ ← θ - α ∇L(x, θ)."""
    theta, path = np.array(start), []
    for k in range(steps + 1):
        batch = rng.choice(len(x), batch_size, replace=False)
        height, gradient = tg.value_and_grad(loss)(theta, x[batch], y[batch])
        path.append(tg.learn.Step(k, theta, height.item(), gradient.numpy(), batch, lr))
        theta = theta - lr * gradient.numpy()
    return tg.learn.Trace(
        tuple(path), tg.learn.StopReason.MAX_STEPS, f"Stopped after {steps} steps, the number asked for."
    )


def descend_in_the_fog(
    examples: int,
    noise: float,
    start: tuple[float, float],
    other_start: tuple[float, float],
    lr: float,
    steps: int,
    batch_size: int,
    seed: int,
) -> dict[str, Any]:
    """Draw data from 1.5 · sin(1.2 · x), and descend three times: on all data, on samples, from another start."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 3, examples)
    y = 1.5 * np.sin(1.2 * x) + rng.normal(0, noise, examples)
    traces = {
        "all examples": descend(x, y, start, lr, steps, examples, rng),
        f"{batch_size} examples a step": descend(x, y, start, lr, steps, batch_size, rng),
        "all examples, other start": descend(x, y, other_start, lr, steps, examples, rng),
    }
    heights = {name: losses_on_all(trace.points, x, y) for name, trace in traces.items()}
    return {"x": x, "y": y, "traces": traces, "heights": heights}


def rows(record: dict[str, Any]) -> list[tuple[str, int, float, float, float, float, float, float, float]]:
    """Write down the slope that each climber felt at the start, on the examples that he saw.

    How high it is there, and how high and steep where he ended, is that on all data.
    """
    table = []
    for name, trace in record["traces"].items():
        heights, felt = record["heights"][name].tolist(), trace[0].gradient.tolist()
        steepness = float(np.linalg.norm(tg.grad(loss)(trace.x, record["x"], record["y"]).numpy()))
        table.append((name, trace.n_steps, heights[0], *felt, *trace.x.tolist(), heights[-1], steepness))
    return table


# --------------------------------------------------------------------------------- the words, the figure
def _on_all(record: dict[str, Any]) -> dict[str, tg.learn.Trace]:
    """Give the descents with the loss on all examples at each step, which is the height of what is drawn.

    A step on a few examples has the loss of those on record, which may lie above or below.
    """
    return {
        name: dataclasses.replace(
            trace,
            steps=tuple(
                dataclasses.replace(step, loss=height, batch=None)
                for step, height in zip(trace, record["heights"][name].tolist(), strict=True)
            ),
        )
        for name, trace in record["traces"].items()
    }


def _grid(record: dict[str, Any]) -> Grid:
    """Compute the loss of every pair of parameters around the descents."""
    ranges = view(list(record["traces"].values()))
    half = max(high - low for low, high in ranges) / 2
    a, b = (np.linspace((low + high) / 2 - half, (low + high) / 2 + half, 81) for low, high in ranges)
    waves = np.sin(np.multiply.outer(b, record["x"]))  # (81, examples)
    heights = np.mean((a[None, :, None] * waves[:, None, :] - record["y"]) ** 2, axis=-1)
    return Grid("the mean squared error", ("a", "b"), a, b, heights)


def _text(record: dict[str, Any]) -> str:
    full, sampled, other = rows(record)
    words = (
        f"Data → Model(θ) → L: {counted(len(record['x']), 'example')}, the model a · sin(b · x), and its mean squared "
        f"error. The climber in the fog knows only the slope where he stands: at the start (gradient "
        f"{number(full[3])}, {number(full[4])}), and he steps the other way. After {counted(full[1], 'step')} he is at "
        f"a = {number(full[5])}, b = {number(full[6])} with the loss {number(full[7])}. "
        f"Who sees {sampled[0]} wanders, and ends near it: {number(sampled[7])}. "
    )
    if other[7] > 2 * full[7]:
        return words + (
            f"From the other start the same rule ends at a = {number(other[5])}, b = {number(other[6])} with the loss "
            f"{number(other[7])}, {number(other[7] / full[7])} times as high: a local minimum, where it is level "
            f"too (the slope is {number(other[8])}). Descent converges, but not always to the lowest point."
        )
    return words + f"From the other start the descent ends with the loss {number(other[7])}."


def _draw(lesson: Lesson) -> Figure:
    record, traces = lesson.record, _on_all(lesson.record)
    figure = new_figure(figsize=(14, 4.8), layout="constrained")
    data = figure.add_subplot(1, 3, 1)
    data.plot(record["x"], record["y"], "o", color="#808080", markersize=4, label="data")
    x = np.linspace(record["x"].min(), record["x"].max(), 201)
    colors = name_colors(traces)
    for name, trace in traces.items():
        data.plot(x, model(trace.x, x), color=colors[name], linewidth=2, label=name)
    data.plot(x, model(traces["all examples"][0].point, x), color=PALETTE["black"], linestyle=":", label="the start")
    data.set(xlabel="x", ylabel="y")
    data.legend(fontsize=8)
    headline(data, "Data and model", "Each point of the landscape is a curve here; a small loss is a good fit.")
    plane = figure.add_subplot(1, 3, 2)
    visualize.plot_contour(record["grid"], traces, ax=plane)
    losses = [row[7] for row in rows(record)]
    headline(
        plane,
        lesson.title,
        f"Dark is low. The ends (stars) are {number(losses[0])}, {number(losses[1])} and {number(losses[2])} high: the "
        "start decides which valley is reached.",
    )
    if legend := plane.get_legend():
        legend.remove()  # the colours are those of the first panel
    solid = figure.add_subplot(1, 3, 3, projection="3d")
    visualize.plot_surface(record["grid"], traces, ax=solid)
    solid.set_zlabel(f"loss{solid.get_zlabel().removeprefix('z')}")
    if legend := solid.get_legend():
        legend.remove()
    headline(
        solid,
        "The same, seen from the side",
        "Each path lies at the loss on all examples. The climber in the fog never sees this; only the slope under his "
        "feet.",
    )
    return figure
