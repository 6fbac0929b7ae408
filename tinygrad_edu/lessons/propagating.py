"""Lesson ``backprop``: the gradient through a network, from the loss back to every weight (D3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.errors import OptionError
from tinygrad_edu.lessons.checks import check_number, check_numbers, check_whole
from tinygrad_edu.lessons.drawing import headline
from tinygrad_edu.lessons.lesson import Lesson
from tinygrad_edu.lessons.program import Program
from tinygrad_edu.lessons.words import bracketed, counted, number
from tinygrad_edu.visualize.figures import PALETTE, new_figure
from tinygrad_edu.visualize.words import number as short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["backprop"]


def backprop(
    *,
    x: tuple[float, ...] = (1.0, -0.5),
    y: float = 0.5,
    hidden: int = 2,
    activation: str = "tanh",
    nudge: float = 1e-5,
    seed: int = 0,
) -> Lesson:
    """Send one example forward through a small network, and its error back; compare with nudging each weight.

    Parameters
    ----------
    x
        The example, 1 to 4 numbers.
    y
        What the network should answer.
    hidden
        How many hidden units it has, 1 to 8.
    activation
        ``"tanh"``, ``"sigmoid"`` or ``"relu"``.
    nudge
        By how much each weight is moved both ways to measure its slope.
    seed
        Of the weights.

    Raises
    ------
    OptionError
        If an option is not usable.

    Examples
    --------
    >>> lesson = backprop()
    >>> max(lesson.numbers["difference"]) < 1e-8
    True
    """
    if activation not in ("tanh", "sigmoid", "relu"):
        raise OptionError(f"activation must be 'tanh', 'sigmoid' or 'relu', but is {activation!r}.")
    options: dict[str, Any] = {
        "x": check_numbers("x", x, most=4),
        "y": check_number("y", y),
        "hidden": check_whole("hidden", hidden, most=8),
        "activation": activation,
        "nudge": check_number("nudge", nudge, above=0, below=1),
        "seed": check_whole("seed", seed, least=0, most=2**32 - 1),
    }
    columns = ("weight", "value", "slope by backpropagation", "slope by nudging", "difference")
    program = Program(propagate, rows, options, columns, uses=(network,))
    record = program.record()
    table = program.table(record)
    return Lesson(
        name="backprop",
        title="Backpropagation finds the slope of every weight in one pass",
        parts=("D3",),
        text=_text(record, table.rows),
        table=table,
        traces={},
        options=options,
        record=record,
        program=program,
        draw=_draw,
        sketch=None,  # a network is no line
        details=record["model"].explain(options["x"], [options["y"]], digits=4),
    )


# -------------------------------------------------------------------------------------------- the program
def network(inputs: int, hidden: int, activation: str, rng: np.random.Generator) -> tg.nn.Sequential:
    """Make a network with one hidden layer, whose weights are float64: nudging them takes many digits."""
    activations = {"tanh": tg.nn.Tanh(), "sigmoid": tg.nn.Sigmoid(), "relu": tg.nn.ReLU()}
    first, last = tg.nn.Linear(inputs, hidden), tg.nn.Linear(hidden, 1)
    for layer in (first, last):
        layer.weight = tg.nn.Parameter(rng.normal(size=layer.weight.shape))
        layer.bias = tg.nn.Parameter(rng.normal(size=hidden if layer is first else 1) / 2)
    return tg.nn.Sequential(first, activations[activation], last)


def propagate(x: tuple[float, ...], y: float, hidden: int, activation: str, nudge: float, seed: int) -> dict[str, Any]:
    """Compute the loss of one example, its gradient by backpropagation, and again by moving each weight a little."""
    model = network(len(x), hidden, activation, np.random.default_rng(seed))
    example, target, criterion = np.array([x]), np.array([[y]]), tg.nn.MSELoss()
    z1 = model[0](example)
    a1 = model[1](z1)
    out = model[2](a1)
    loss = criterion(out, target)
    loss.backward()
    gradients = {name: p.grad.numpy() for name, p in model.named_parameters() if p.grad is not None}
    weights = {name: array.copy() for name, array in model.state_dict().items()}
    measured = {name: np.zeros_like(array) for name, array in weights.items()}
    for name, array in weights.items():
        for place in np.ndindex(array.shape):
            around = []
            for moved in (array[place] + nudge, array[place] - nudge):
                changed = array.copy()
                changed[place] = moved
                model.load_state_dict({**weights, name: changed})
                around.append(criterion(model(example), target).item())
            measured[name][place] = (around[0] - around[1]) / (2 * nudge)
    model.load_state_dict(weights)
    return {
        "model": model,
        "x": np.array(x),
        "y": y,
        "weights": weights,
        "values": {"z1": z1.numpy()[0], "a1": a1.numpy()[0], "out": out.numpy()[0]},
        "loss": loss.item(),
        "gradients": gradients,
        "measured": measured,
    }


def rows(record: dict[str, Any]) -> list[tuple[str, float, float, float, float]]:
    """Write down the slope of every weight, found in both ways."""
    table = []
    for name, array in record["weights"].items():
        for place in np.ndindex(array.shape):
            one, other = float(record["gradients"][name][place]), float(record["measured"][name][place])
            label = f"{name}[{', '.join(map(str, place))}]"
            table.append((label, float(array[place]), one, other, abs(one - other)))
    return table


# --------------------------------------------------------------------------------- the words, the figure
def _text(record: dict[str, Any], rows: tuple[Any, ...]) -> str:
    out, y, n = float(record["values"]["out"][0]), record["y"], len(rows)
    a, slope = float(record["values"]["a1"][0]), float(record["gradients"]["2.weight"][0, 0])
    delta = 2 * (out - y)
    worst = max(row[4] for row in rows)
    return (
        f"Forward: the example goes through the network to the output {number(out)}, and the loss is ({number(out)} - "
        f"{bracketed(y)})² = {number(record['loss'])}. Backward: the slope of the loss along the output is 2 · "
        f"({number(out)} - {bracketed(y)}) = {number(delta)}. The chain rule takes it on: the first weight of the last "
        f"layer had the input {number(a)}, so its slope is {bracketed(delta)} · {bracketed(a)} = {number(slope)}, and "
        f"so on, back to the first layer. Below is every line of it.\n"
        f"Nudging each of the {n} weights both ways takes {counted(2 * n, 'forward pass', 'forward passes')} and gives "
        f"the same to {worst:.1g}; backpropagation takes one pass forward and one back, whatever the number of weights."
    )


def _draw(lesson: Lesson) -> Figure:
    figure = new_figure(
        figsize=(12, 1.7 + 1.5 * max(len(lesson.record["x"]), len(lesson.record["values"]["a1"]))), layout="constrained"
    )
    forward, back = figure.subplots(1, 2)
    record = lesson.record
    weights, values = record["weights"], record["values"]
    computed = [record["x"], values["a1"], values["out"]]
    _network(forward, computed, ("x", "a", "out"), weights, (PALETTE["blue"], PALETTE["orange"]), biases=True)
    headline(
        forward,
        f"Forward: the loss is {number(record['loss'])}",
        "In the circles: what each unit computes. On the lines: the weights, thick where large, orange where negative; "
        "below: the biases.",
    )
    slopes = record["gradients"]
    errors = [record["x"], slopes["0.bias"], slopes["2.bias"]]  # a bias has the slope of its unit's sum
    _network(back, errors, ("x", "δ", "δ"), slopes, (PALETTE["green"], PALETTE["vermilion"]), biases=False)
    out = float(values["out"][0])
    headline(
        back,
        f"Back: from the slope at the output, {short(2 * (out - record['y']))}",
        "In the circles: the slope δ along each unit's sum, which is that of its bias. On the lines: the slope for "
        "each weight, δ times its input. Where it is positive (green), the weight is made smaller.",
    )
    return figure


def _network(
    ax: Axes,
    layers: list[Any],
    words: tuple[str, ...],
    lines: dict[str, Any],
    colors: tuple[str, str],
    *,
    biases: bool,
) -> None:
    """Draw the units as circles, and a number on each line between them."""
    places = [[(column, (len(layer) - 1) / 2 - i) for i in range(len(layer))] for column, layer in enumerate(layers)]
    largest = max(float(np.abs(array).max()) for array in lines.values()) or 1.0
    for column, name in enumerate(("0.weight", "2.weight")):
        for (j, i), value in np.ndenumerate(lines[name]):  # a row for each unit, as PyTorch has it
            begin, end = np.array(places[column][i]), np.array(places[column + 1][j])
            color = colors[0] if value >= 0 else colors[1]
            width = 0.8 + 5 * abs(value) / largest
            ax.plot(*zip(begin, end, strict=True), color=color, linewidth=width, alpha=0.7, zorder=1)
            along = 0.28 if (i + j) % 2 else 0.42  # lines cross in the middle, where two numbers would overlap
            box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": color, "linewidth": 0.8}
            middle = begin + along * (end - begin)
            ax.text(middle[0], middle[1], short(value), ha="center", va="center", fontsize=9, bbox=box, zorder=3)
    for column, (layer, word) in enumerate(zip(layers, words, strict=True)):
        for i, (place, value) in enumerate(zip(places[column], layer, strict=True)):
            ax.plot(*place, "o", markersize=44, color="white", markeredgecolor="#404040", zorder=2)
            label = f"{word}{i + 1 if len(layer) > 1 or column == 0 else ''}\n{short(value)}"
            ax.text(*place, label, ha="center", va="center", fontsize=8.5, zorder=4)
            if column and biases:
                bias, below = f"b {short(lines[f'{2 * column - 2}.bias'][i])}", (0, -34)
                ax.annotate(bias, place, xytext=below, textcoords="offset points", ha="center", fontsize=9)
    tall = max(map(len, layers))
    ax.set(xlim=(-0.35, 2.35), ylim=(-tall / 2 - 0.15, tall / 2))
    ax.set_axis_off()
