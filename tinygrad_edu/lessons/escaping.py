"""Lesson ``stuck``: noise carries the descent out of a local minimum in which exact steps stay (E2)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.errors import OptionError
from tinygrad_edu.lessons.checks import check_number, check_range, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.words import counted, number
from tinygrad_edu.visualize.figures import COLORS, PALETTE, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["stuck"]


def stuck(
    *,
    examples: int = 32,
    start: float = 3.3,
    lr: float = 0.05,
    steps: int = 300,
    seeds: int = 50,
    batch_sizes: tuple[int, ...] = (1, 2, 4, 8),
    low: float = 0.0,
    high: float = 5.0,
    seed: int = 0,
) -> Lesson:
    """Learn the frequency of a wave, from inside a local minimum, by batches of several sizes and from many seeds.

    Parameters
    ----------
    examples
        How many points of the wave y = sin(x) are known, 8 to 500.
    start
        The frequency to begin with.
    lr
        The learning rate, the same for all.
    steps
        How many updates each descent makes, 1 to 5000.
    seeds
        How often each is repeated with other samples, 2 to 1000.
    batch_sizes
        How many examples make an update; all of them are tried as well.
    low, high
        Between which the loss is drawn, and the lowest point looked for.
    seed
        Of the points and the samples.

    Raises
    ------
    OptionError
        If an option is not usable.

    Examples
    --------
    >>> lesson = stuck(seeds=10)
    >>> lesson.numbers["n"][-1], lesson.numbers["found the lowest"][-1]
    (32, 0)
    """
    n = check_whole("examples", examples, least=8, most=500)
    sizes = sorted({check_whole("each of batch_sizes", size, most=n - 1) for size in batch_sizes})
    if not 1 <= len(sizes) <= 8:
        raise OptionError(f"batch_sizes must be 1 to 8 whole numbers, but has {len(sizes)}.")
    low, high = check_range(low, high)
    options: dict[str, Any] = {
        "examples": n,
        "start": check_number("start", start),
        "lr": check_number("lr", lr, above=0),
        "steps": check_whole("steps", steps, most=5000),
        "seeds": check_whole("seeds", seeds, least=2, most=1000),
        "batch_sizes": tuple(sizes),
        "low": low,
        "high": high,
        "seed": check_whole("seed", seed, least=0, most=2**32 - 1),
    }
    columns = ("n", "runs", "found the lowest", "rate", "from", "to", "mean loss at the end", "examples seen")
    program = Program(learn_the_frequency, rows, options, columns, uses=(errors, descend, interval))
    record = program.record()
    return Lesson(
        name="stuck",
        title="Noise escapes from a local minimum, exact steps do not",
        parts=("E2", "C4"),
        text=_text(record),
        table=program.table(record),
        traces={},
        options=options,
        record=record,
        program=program,
        draw=_draw,
        sketch=_sketch(record, options["start"]),
    )


# -------------------------------------------------------------------------------------------- the program
def errors(theta: Any, x: Any, y: Any) -> Any:
    """Compute the squared error of the wave sin(θ · x) on each example."""
    return (np.sin(theta * x) - y) ** 2


def descend(
    x: np.ndarray[Any, Any],
    y: np.ndarray[Any, Any],
    start: float,
    lr: float,
    steps: int,
    batch_size: int,
    runs: int,
    rng: np.random.Generator,
) -> np.ndarray[Any, Any]:
    """Make many descents at once, each on samples of its own; the path is (steps + 1, runs)."""
    slope = tg.grad(lambda theta, some_x, some_y: errors(theta, some_x, some_y).mean(axis=1).sum())
    theta = np.full((runs, 1), start)
    path = [theta]
    for _ in range(steps):
        batch = rng.random((runs, len(x))).argsort(axis=1)[:, :batch_size]
        theta = theta - lr * slope(theta, x[batch], y[batch]).numpy()
        path.append(theta)
    return np.array(path)[:, :, 0]


def interval(found: int, runs: int) -> tuple[float, float]:
    """Say how sure a rate of success is: the interval of Wilson (1927) that holds the true rate with 95 %."""
    z, rate = 1.959964, found / runs
    middle = (rate + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z / (1 + z * z / runs) * math.sqrt(rate * (1 - rate) / runs + z * z / (4 * runs * runs))
    return max(0.0, middle - half), min(1.0, middle + half)


def learn_the_frequency(
    examples: int,
    start: float,
    lr: float,
    steps: int,
    seeds: int,
    batch_sizes: tuple[int, ...],
    low: float,
    high: float,
    seed: int,
) -> dict[str, Any]:
    """Descend from the same start by batches of each size; the loss of each θ is the mean over all examples."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-4, 4, examples)
    y = np.sin(x)
    theta = np.linspace(low, high, 2001)
    each = errors(theta[:, None], x, y)
    mean = each.mean(axis=1)
    valleys = np.flatnonzero((mean[1:-1] < mean[:-2]) & (mean[1:-1] < mean[2:])) + 1
    paths = {n: descend(x, y, start, lr, steps, n, seeds, rng) for n in batch_sizes}
    paths[examples] = descend(x, y, start, lr, steps, examples, 1, rng)  # without chance one run says it all
    lowest = float(theta[np.argmin(mean)])
    return {
        "x": x,
        "y": y,
        "theta": theta,
        "each": each,
        "mean": mean,
        "valleys": valleys,
        "paths": paths,
        "lowest": lowest,
    }


def rows(record: dict[str, Any]) -> list[tuple[int, int, int, float, float, float, float, int]]:
    """Count for each batch size the runs that ended within 0.1 of the lowest point."""
    table = []
    for n, path in record["paths"].items():
        steps, runs = path.shape[0] - 1, path.shape[1]
        found = int(np.sum(np.abs(path[-1] - record["lowest"]) < 0.1))
        end = float(errors(path[-1][:, None], record["x"], record["y"]).mean())
        sure = interval(found, runs) if n < len(record["x"]) else (found / runs, found / runs)
        table.append((n, runs, found, found / runs, *sure, end, n * steps))
    return table


# --------------------------------------------------------------------------------- the words, the figure
def _text(record: dict[str, Any]) -> str:
    *noisy, exact = rows(record)
    best = max(noisy, key=lambda row: row[3])
    end = float(record["paths"][exact[0]][-1, 0])
    return (
        f"The mean loss over {exact[0]} examples has its lowest point at θ = {number(record['lowest'])}"
        f"{_others(record)}. From the same start, batch gradient descent ends at θ = {number(end)} with the loss "
        f"{number(exact[6])} after {counted(exact[7], 'example')}: {'it found the lowest' if exact[2] else 'stuck'}. "
        f"With {counted(best[0], 'example')} an update {best[2]} of {best[1]} runs find the lowest ({best[3]:.0%}; "
        f"95 % interval {best[4]:.0%} to {best[5]:.0%}), after {counted(best[7], 'example')}. At the lowest point the "
        "errors of all examples are 0, and so is the noise: who comes there stays."
    )


def _others(record: dict[str, Any]) -> str:
    local = [i for i in record["valleys"] if abs(record["theta"][i] - record["lowest"]) > 0.05]
    if not local:
        return " and no other valley"
    i = local[int(np.argmin(record["mean"][local]))]
    return (
        f" and {counted(len(local), 'local minimum', 'local minima')} besides, such as θ = "
        f"{number(record['theta'][i])} with the loss {number(record['mean'][i])}"
    )


def _sketch(record: dict[str, Any], start: float) -> Sketch:
    theta, mean = record["theta"], record["mean"]
    marks = [(float(theta[i]), float(mean[i]), "v") for i in record["valleys"]]
    lowest, begin = int(np.argmin(mean)), int(np.argmin(np.abs(theta - start)))
    marks += [(float(theta[lowest]), float(mean[lowest]), "*"), (float(theta[begin]), float(mean[begin]), "s")]
    return Sketch(
        {"mean loss": (theta, mean)}, "θ", "loss", tuple(marks), note="s the start, * the lowest point, v local minima"
    )


def _draw(lesson: Lesson) -> Figure:
    record, options = lesson.record, lesson.options
    figure = new_figure(figsize=(14, 4.8), layout="constrained")
    curve, paths, bars = figure.subplots(1, 3)
    curve.plot(record["theta"], record["each"][:, :8], color="#b0b0b0", linewidth=0.5)
    curve.plot(record["theta"], record["mean"], color=PALETTE["black"], linewidth=2.5, label="mean of all examples")
    for i in record["valleys"]:
        lowest = abs(record["theta"][i] - record["lowest"]) < 0.01
        curve.plot(
            record["theta"][i], record["mean"][i], "*" if lowest else "v", color=PALETTE["vermilion"], markersize=13
        )
    curve.axvline(options["start"], color=PALETTE["blue"], linestyle="--", label="the start")
    curve.set(xlabel="θ", ylabel="loss")
    curve.legend(fontsize=9)
    headline(
        curve, "What is descended", "Grey: the loss of single examples, whose valleys differ. Star: the lowest point."
    )
    n = options["batch_sizes"][0]
    paths.plot(record["paths"][n][:, :12], color=COLORS["stochastic"], linewidth=0.7, alpha=0.8)
    paths.plot(record["paths"][options["examples"]], color=COLORS["batch"], linewidth=2.5)
    paths.axhline(record["lowest"], color=PALETTE["vermilion"], linestyle=":", linewidth=2)
    paths.set(xlabel="update", ylabel="θ")
    headline(
        paths,
        "Paths from the same start",
        f"Blue: all examples. Orange: runs with {counted(n, 'example')} an update. Dotted: the lowest point.",
    )
    table = lesson.table.rows
    place = np.arange(len(table))
    rates = np.array([row[3] for row in table])
    spread = np.abs(np.array([(row[4], row[5]) for row in table[:-1]]).T - rates[:-1])
    colors = [COLORS["stochastic"] if row[0] == 1 else COLORS["mini-batch"] for row in table[:-1]] + [COLORS["batch"]]
    bars.bar(place, rates, color=colors)
    bars.errorbar(place[:-1], rates[:-1], spread, fmt="none", ecolor=PALETTE["black"], capsize=4)
    names = [str(row[0]) for row in table[:-1]] + [f"all {table[-1][0]}\n(one run)"]
    bars.set(
        xticks=place, xticklabels=names, ylim=(0, 1.05), xlabel="examples an update", ylabel="runs that find the lowest"
    )
    bars.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    headline(
        bars,
        lesson.title,
        f"Of {options['seeds']} runs each, with 95 % intervals. All {table[-1][0]} examples leave nothing to chance: "
        f"one run {'finds it' if table[-1][2] else 'stays stuck'}, and has no interval.",
    )
    return figure
