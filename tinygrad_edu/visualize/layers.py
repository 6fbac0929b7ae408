"""Layers while they train: activations, gradients, the size of updates, dead units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.landscapes import LayerHistory
from tinygrad_edu.visualize.figures import PALETTE, SEQUENTIAL, describe, figure_of, new_axes, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from tinygrad_edu.landscapes import Histograms

__all__ = ["plot_dead_units", "plot_layers", "plot_update_ratios"]

_MOST = 12  # layers that are drawn
_COLORS = [color for name, color in PALETTE.items() if name != "yellow"]
_STYLES = ("-", "--", ":")
_USUAL = 1e-3  # a rule of thumb among practitioners, no law


def plot_layers(history: LayerHistory, *, title: str = "", axes: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw the activations of each layer and the gradients of each weight over a training run.

    The upper row has the activations, the lower one the gradients, as powers of ten. Time goes to the right, and the
    colour says which share of the values lies at a height; the line is the mean activation, and its dashed neighbours
    are a standard deviation away. A column that narrows to a line at 0 is a layer that has gone silent; gradients
    that sink from the last layer to the first vanish.

    Parameters
    ----------
    history
        What `landscapes.layer_history` gave.
    title
        Above the figure.
    axes
        Where to draw, one for each layer and then one for each weight; None for a new figure, which is
        ``plot_layers(...)[0].figure``.

    Returns
    -------
    The axes: the activations, then the gradients.

    Raises
    ------
    OptionError
        If the number of axes does not fit, or nothing is there to draw.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> model, X = tg.nn.MLP(1, [4], 1), np.linspace(-1, 1, 8, dtype=np.float32).reshape(-1, 1)
    >>> descent = tg.optim.BatchGradientDescent(model.parameters(), lr=0.1)
    >>> run = tg.fit(model, X, X**2, loss=tg.nn.MSELoss(), optimizer=descent, epochs=3, trace=True)
    >>> panels = plot_layers(tg.landscapes.layer_history(model, run.trace, X))
    >>> [panel.get_title(loc="left").partition(" (")[0] for panel in panels]
    ['0 Linear', '1 ReLU', '2 Linear', '0.weight', '2.weight']
    """
    _check(history)
    rows = (history.activations, history.gradients)
    counts = [min(len(row.names), _MOST) if len(row.ks) else 0 for row in rows]
    if not sum(counts):
        raise OptionError("There is nothing to draw: the history has no layers.")
    drawn = _new_rows(counts, title) if axes is None else list(axes)
    if len(drawn) != sum(counts):
        raise OptionError(f"plot_layers draws {sum(counts)} panels, but was given {len(drawn)} axes.")
    panels = iter(drawn)
    image: Any = None
    for row, count, label in zip(rows, counts, ("activation", "log₁₀ |gradient|"), strict=True):
        for i in range(count):
            panel = next(panels)
            image = _draw(panel, row, i, mean=row is history.activations)
            if i == 0:
                panel.set_ylabel(label)
            panel.set_xlabel("update", fontsize=8)
    if axes is None:
        shares = "share of the values that are not 0, of the fullest bin"
        shares = "share of the values that are not 0, of the fullest bin"
        bar = figure_of(drawn[0]).colorbar(image, ax=drawn, pad=0.01, aspect=40, label=shares)
        bar.ax.yaxis.set_major_formatter("{x:.0%}")
    return drawn


def _check(history: LayerHistory) -> None:
    if not isinstance(history, LayerHistory):
        raise OptionError(
            f"This draws what happened in the layers, but was given {type(history).__name__}. "
            f"landscapes.layer_history(model, trace, X) computes it."
        )


def _new_rows(counts: list[int], title: str) -> list[Axes]:
    """Make a figure with a row for the activations and one for the gradients."""
    columns = max(counts)
    figure = new_figure(figsize=(1.6 + 2.3 * columns, 5.6), layout="constrained")
    figure.suptitle(title or "Activations and gradients while training", fontweight="bold", fontsize=11)
    figure.supxlabel(
        "Above: what each layer gives (line: mean, dashed: ± 1 standard deviation). Below: each weight's gradients.\n"
        "A band that closes at 0 is a silent layer; gradients that sink towards the first layer vanish. "
        "In brackets: how many are 0 at the end.",
        fontsize=8,
    )
    grid = figure.add_gridspec(sum(count > 0 for count in counts), columns)
    places = [(row, count) for row, count in enumerate(c for c in counts if c)]
    return [figure.add_subplot(grid[row, i]) for row, count in places for i in range(count)]


def _draw(ax: Axes, record: Histograms, i: int, *, mean: bool) -> Any:
    """Draw the histograms of one layer side by side."""
    shares, edges = record.shares[i].T, record.edges[i]
    # Each step is drawn up to its fullest bin: a step whose values lie together would else leave all others dark.
    fullest = np.maximum(shares.max(axis=0, keepdims=True), np.finfo(float).tiny)
    image = ax.pcolormesh(
        _borders(record.ks), edges, shares / fullest, cmap=SEQUENTIAL, vmin=0, vmax=1, rasterized=True
    )
    if mean:
        middle, spread = record.means[i], record.stds[i]
        ax.plot(record.ks, middle, color="white", linewidth=1.4)
        for line in (middle - spread, middle + spread):
            ax.plot(record.ks, line, color="white", linewidth=0.8, linestyle="--")
        ax.set_ylim(edges[0], edges[-1])
    silent = f" ({record.zeros[i, -1]:.0%} are 0)" if record.zeros[i, -1] >= 0.005 else ""
    ax.set_title(record.names[i] + silent, fontsize=9, loc="left")
    ax.tick_params(labelsize=7)
    ax.locator_params(axis="x", nbins=4)
    return image


def _borders(ks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Put borders half-way between steps."""
    if len(ks) == 1:
        return np.array([ks[0] - 0.5, ks[0] + 0.5])
    middles = (ks[:-1] + ks[1:]) / 2
    return np.concatenate([[ks[0] - (middles[0] - ks[0])], middles, [ks[-1] + (ks[-1] - middles[-1])]])


def plot_update_ratios(history: LayerHistory, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw how large each update is beside the weights that it changes, |Δw| / |w|.

    Parameters
    ----------
    history
        What `landscapes.layer_history` gave.
    title
        Above the figure.
    ax
        Where to draw; None for a new figure.

    Raises
    ------
    OptionError
        If there was no update.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> model, X = tg.nn.MLP(1, [4], 1), np.linspace(-1, 1, 8, dtype=np.float32).reshape(-1, 1)
    >>> descent = tg.optim.BatchGradientDescent(model.parameters(), lr=0.1)
    >>> run = tg.fit(model, X, X**2, loss=tg.nn.MSELoss(), optimizer=descent, epochs=3, trace=True)
    >>> plot_update_ratios(tg.landscapes.layer_history(model, run.trace, X)).get_yscale()
    'log'
    """
    _check(history)
    updates = history.updates
    weights = [i for i, name in enumerate(updates.names) if not name.endswith("bias")] or list(
        range(len(updates.names))
    )
    positive = updates.ratios[weights][updates.ratios[weights] > 0]
    if not positive.size:
        raise OptionError("There is nothing to draw: no update changed a weight.")
    ax = new_axes(ax)
    for turn, i in enumerate(weights):
        ratios = np.where(updates.ratios[i] > 0, updates.ratios[i], np.nan)
        style = _STYLES[turn // len(_COLORS) % len(_STYLES)]
        color = _COLORS[turn % len(_COLORS)]
        ax.plot(updates.ks, ratios, style, color=color, alpha=0.25, linewidth=0.7)
        ax.plot(*_smooth(updates.ks, ratios), style, color=color, linewidth=1.9, label=updates.names[i])
    ax.axhline(_USUAL, color="0.4", linewidth=1, linestyle="--", zorder=0, label=f"rule of thumb: {_USUAL:g}")
    ax.set(xlabel="update", ylabel="|Δw| / |w|", yscale="log")
    ax.set_ylim(min(positive.min(), _USUAL) / 2, max(positive.max(), _USUAL) * 2)
    ax.legend(fontsize=8, loc="best")
    ax.grid(visible=True, alpha=0.25)
    told = "Thick: averages. Far above the dashed line weights are thrown about, far below they hardly learn."
    if not updates.exact:
        most = int(updates.gaps.max())
        told += (
            f" Up to {most:,} updates lie between two steps of the trace: there it is the least their average can be."
        )
    describe(ax, title or "How large the updates are beside the weights", told)
    return ax


def _smooth(ks: NDArray[np.int64], ratios: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average neighbours, some 60 averages in all."""
    each = max(1, len(ks) // 60)
    groups = [slice(i, i + each) for i in range(0, len(ks), each)]
    known = [group for group in groups if np.isfinite(ratios[group]).any()]
    return np.array([ks[g].mean() for g in known]), np.array([np.nanmean(ratios[g]) for g in known])


def plot_dead_units(history: LayerHistory, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw the share of units in each ReLU layer that give 0 for every example.

    Such a unit has no gradient either, so that plain gradient descent cannot bring it back on these examples.

    Parameters
    ----------
    history
        What `landscapes.layer_history` gave.
    title
        Above the figure.
    ax
        Where to draw; None for a new figure.

    Raises
    ------
    OptionError
        If the model has no ReLU layers.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> model, X = tg.nn.MLP(1, [4], 1), np.linspace(-1, 1, 8, dtype=np.float32).reshape(-1, 1)
    >>> descent = tg.optim.BatchGradientDescent(model.parameters(), lr=0.1)
    >>> run = tg.fit(model, X, X**2, loss=tg.nn.MSELoss(), optimizer=descent, epochs=3, trace=True)
    >>> plot_dead_units(tg.landscapes.layer_history(model, run.trace, X)).get_ylabel()
    'dead units'
    """
    _check(history)
    dead = history.dead
    if not dead.names:
        raise OptionError("There is nothing to draw: the model has no nn.ReLU layers, and only those have dead units.")
    ax = new_axes(ax)
    for i, name in enumerate(dead.names):
        color, style = _COLORS[i % len(_COLORS)], _STYLES[i // len(_COLORS) % len(_STYLES)]
        label = f"{name}: {dead.shares[i, -1] * dead.n_units[i]:.0f} of {dead.n_units[i]} at the end"
        ax.plot(dead.ks, dead.shares[i], style, color=color, linewidth=1.9, label=label)
    ax.set(xlabel="update", ylabel="dead units", ylim=(-0.02, max(0.1, float(dead.shares.max()) * 1.15)))
    ax.yaxis.set_major_formatter("{x:.0%}")
    ax.legend(fontsize=8, loc="best")
    ax.grid(visible=True, alpha=0.25)
    told = f"A dead unit gives 0 for all {history.n_examples:,} examples, and gets no gradient from any of them."
    describe(ax, title or "Units that no example reaches", told)
    return ax
