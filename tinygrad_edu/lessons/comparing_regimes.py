"""Lesson ``regimes``: batch, stochastic and mini-batch gradient descent from one start (E1, E2, E3, E4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import visualize
from tinygrad_edu.errors import OptionError, suggest
from tinygrad_edu.lessons.checks import check_number, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.sketch import Sketch
from tinygrad_edu.lessons.table import Table
from tinygrad_edu.lessons.words import counted, number
from tinygrad_edu.visualize.figures import COLORS, PALETTE, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["regimes"]

_DATA = ("blobs", "circles", "moons", "spirals", "xor")


def regimes(
    *,
    data: str = "moons",
    examples: int = 256,
    batch_size: int = 16,
    epochs: int = 12,
    hidden: int = 16,
    batch_lr: float = 0.5,
    stochastic_lr: float = 0.05,
    mini_batch_lr: float = 0.2,
    draws: int = 200,
    seed: int = 0,
) -> Lesson:
    """Train the same network three times, each time on as many examples, and measure the noise of the gradients.

    Parameters
    ----------
    data
        ``"blobs"``, ``"circles"``, ``"moons"``, ``"spirals"`` or ``"xor"``.
    examples
        How many examples are drawn, 16 to 2000.
    batch_size
        Of mini-batch gradient descent.
    epochs
        How often each sees all examples: the budget, 1 to 500.
    hidden
        Units of the hidden layer, 1 to 256.
    batch_lr, stochastic_lr, mini_batch_lr
        The learning rate of each: what is noisy takes short steps.
    draws
        How many batches are drawn of each size to measure the noise, 10 to 10,000.
    seed
        Of the data, the first weights, the order and the draws.

    Raises
    ------
    OptionError
        If an option is not usable.

    Examples
    --------
    >>> lesson = regimes(examples=64, epochs=2)
    >>> lesson.numbers["updates"], lesson.numbers["examples"]
    ((2, 128, 8), (128, 128, 128))
    """
    if data not in _DATA:
        raise OptionError(f"The lesson regimes has no data {data!r}. {suggest(str(data), _DATA)}")
    n = check_whole("examples", examples, least=16, most=2000)
    options: dict[str, Any] = {
        "data": data,
        "examples": n,
        "batch_size": check_whole("batch_size", batch_size, least=2, most=n - 1),
        "epochs": check_whole("epochs", epochs, most=500),
        "hidden": check_whole("hidden", hidden, most=256),
        "batch_lr": check_number("batch_lr", batch_lr, above=0),
        "stochastic_lr": check_number("stochastic_lr", stochastic_lr, above=0),
        "mini_batch_lr": check_number("mini_batch_lr", mini_batch_lr, above=0),
        "draws": check_whole("draws", draws, least=10, most=10_000),
        "seed": check_whole("seed", seed, least=0, most=2**32 - 1),
    }
    columns = ("regime", "n", "rate", "updates", "examples", "noise of the gradient", "loss at the end", "fluctuation")
    uses = (network, gradient_noise)
    program = Program(train_three_ways, rows, options, columns, uses=uses)
    record = program.record()
    runs = record["runs"]
    return Lesson(
        name="regimes",
        title="Batch, stochastic and mini-batch gradient descent from one start",
        parts=("E1", "E2", "E3", "E4"),
        text=_text(record),
        table=program.table(record),
        traces={},
        options=options,
        record=record,
        program=program,
        draw=_draw,
        sketch=Sketch(
            {name: ([epoch.examples for epoch in run.epochs], run.epoch_losses) for name, run in runs.items()},
            "examples seen",
            "loss",
            log=True,
        ),
        measured=Table(
            ("regime", "seconds", "microseconds per update"),
            tuple((name, run.duration, 1e6 * run.duration / run.n_updates) for name, run in runs.items()),
        ),
    )


# -------------------------------------------------------------------------------------------- the program
def network(inputs: int, hidden: int, classes: int, seed: int) -> tg.nn.Module:
    """Make the network, with the same first weights each time."""
    return tg.nn.MLP(inputs, (hidden,), classes, activation="tanh", rng=np.random.default_rng(seed))


def gradient_noise(model: tg.nn.Module, X: Any, y: Any, draws: int, rng: np.random.Generator) -> dict[int, float]:
    """Measure how far the gradient of n examples is from that of all: the root of the mean square distance.

    Batches are drawn without replacement; the distance is divided by the length of the gradient of all.
    """
    criterion = tg.nn.CrossEntropyLoss()
    each = []
    for i in range(len(X)):
        model.zero_grad()
        criterion(model(X[i : i + 1]), y[i : i + 1]).backward()
        each.append(np.concatenate([p.grad.numpy().ravel() for p in model.parameters() if p.grad is not None]))
    model.zero_grad()
    gradients = np.array(each, np.float64)
    full = gradients.mean(axis=0)
    found = {}
    for n in sorted({2**i for i in range(20) if 2**i <= len(X)} | {len(X)}):
        batches = [rng.choice(len(X), n, replace=False) for _ in range(draws)]
        distances = [np.sum((gradients[batch].mean(axis=0) - full) ** 2) for batch in batches]
        found[n] = float(np.sqrt(np.mean(distances)) / np.linalg.norm(full))
    return found


def train_three_ways(
    data: str,
    examples: int,
    batch_size: int,
    epochs: int,
    hidden: int,
    batch_lr: float,
    stochastic_lr: float,
    mini_batch_lr: float,
    draws: int,
    seed: int,
) -> dict[str, Any]:
    """Train from the same weights on the same examples; only how many of them make an update differs."""
    rng = np.random.default_rng(seed)
    table = getattr(tg.data, data)(examples, rng=rng)
    X, y = table.X, table.y
    shape = table.n_features, hidden, table.n_outputs
    noise = gradient_noise(network(*shape, seed), X, y, draws, rng)
    runs = {}
    for name, n, lr in (
        ("batch", examples, batch_lr),
        ("stochastic", 1, stochastic_lr),
        ("mini-batch", batch_size, mini_batch_lr),
    ):
        model = network(*shape, seed)
        descent = tg.optim.MiniBatchGradientDescent(model.parameters(), lr=lr, batch_size=n)
        runs[name] = tg.fit(
            model, X, y, loss=tg.nn.CrossEntropyLoss(), optimizer=descent, epochs=epochs, seed=seed, validation=(X, y)
        )
    return {
        "runs": runs,
        "noise": noise,
        "rates": (batch_lr, stochastic_lr, mini_batch_lr),
        "n": (examples, 1, batch_size),
    }


def rows(record: dict[str, Any]) -> list[tuple[str, int, float, int, int, float, float, float]]:
    """Write down what each made of the same number of examples; the loss at the end is that on all of them."""
    table = []
    for (name, run), n, lr in zip(record["runs"].items(), record["n"], record["rates"], strict=True):
        nearest = min(record["noise"], key=lambda m: abs(np.log(m / n)))
        noise = record["noise"][nearest] if nearest == n else float("nan")
        end = float(run.validation_losses[-1]) if len(run.epochs) else float("nan")
        table.append((name, n, lr, run.n_updates, run.n_examples, noise, end, run.fluctuation()))
    return table


# --------------------------------------------------------------------------------- the words, the figure
def _falls_like(noise: dict[int, float]) -> float:
    """Fit the power of n that the noise falls with, over batches so small that they hardly know all examples."""
    sizes = [n for n in noise if n <= max(noise) / 8]
    return float(np.polyfit(np.log(sizes), np.log([noise[n] for n in sizes]), 1)[0])


def _text(record: dict[str, Any]) -> str:
    batch, single, some = rows(record)
    noise = record["noise"]
    updates = [counted(row[3], "update") for row in (batch, single, some)]
    return (
        f"All three begin with the same weights and see {counted(batch[4], 'example')}. Batch gradient descent makes "
        f"{updates[0]} of them, each exact and smooth, and ends at the loss {number(batch[6])}. Stochastic makes "
        f"{updates[1]}, one after each example, and ends at {number(single[6])}; from update to update its loss "
        f"jumps by {number(single[7])} times its mean. Mini-batch, with {some[1]} examples an update, is the middle: "
        f"{updates[2]}, {number(some[6])}, jumps of {number(some[7])}.\n"
        f"Measured at the start, the gradient of one example is {number(noise[1])} times the length of the gradient of "
        f"all away from it; the distance falls like n to the power {_falls_like(noise):.2f} (-0.5 would be 1/√n), and "
        f"is {number(noise[max(noise)])} when a batch is all examples."
    )


def _draw(lesson: Lesson) -> Figure:
    figure = new_figure(figsize=(15.5, 4.8), layout="constrained")
    *panels, last = figure.subplots(1, 4)
    for panel in panels[1:]:
        panel.sharey(panels[0])
        panel.tick_params(labelleft=False)
    visualize.plot_regimes(lesson.record["runs"], axes=panels)
    for panel in panels:
        panel.minorticks_off()  # laying them out takes longer than all the rest
    noise = lesson.record["noise"]
    sizes = np.array(sorted(noise))
    seen = sizes[:-1]
    last.plot(seen, [noise[n] for n in seen], "o-", color=PALETTE["black"], label="measured")
    last.plot(seen, noise[1] / np.sqrt(seen), "--", color=PALETTE["vermilion"], label="1/√n")
    for name, n in zip(("batch", "stochastic", "mini-batch"), lesson.record["n"], strict=True):
        if n in noise and n < max(noise):
            last.plot(n, noise[n], "o", color=COLORS[name], markersize=11, label=name)
    last.set(xlabel="examples in a batch", ylabel="distance from the gradient of all", xscale="log", yscale="log")
    last.grid(visible=True, alpha=0.25)
    last.legend(fontsize=9)
    _say_who_won(lesson.record, [*panels, last])
    return figure


def _say_who_won(record: dict[str, Any], panels: list[Axes]) -> None:
    """Say above each panel what came out; those of updates and seconds name the first to a loss that all reach."""
    table = [row for row in rows(record) if np.isfinite(row[6:]).all()]
    per_example, last = panels[1], panels[3]
    if len(table) > 1:
        lowest, smoothest = min(table, key=lambda row: row[6]), min(table, key=lambda row: row[7])
        ends = ", ".join(f"{row[0]} {number(row[6])}" for row in table)
        headline(per_example, f"Lowest: {lowest[0]}", f"After {lowest[4]:,} examples each: {ends}.")
        said = f"Smoothest: {smoothest[0]}"
    else:
        said = "The noise of the gradient"
    power = _falls_like(record["noise"])
    headline(last, said, f"The noise of the gradient falls like n to the power {power:.2f}.")
