"""Batch, stochastic and mini-batch gradient descent side by side: how the loss falls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from tinygrad_edu.errors import OptionError, optional_import
from tinygrad_edu.learn.racing import race
from tinygrad_edu.visualize.figures import describe, name_colors, new_figure
from tinygrad_edu.visualize.words import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from tinygrad_edu.training import History

__all__ = ["plot_regimes"]

_Quantity: TypeAlias = Literal["updates", "examples", "seconds"]
_PANELS: tuple[tuple[_Quantity, str, str], ...] = (
    ("updates", "updates of the weights", "log"),
    ("examples", "examples seen", "linear"),
    ("seconds", "seconds of training", "log"),
)
_MANY = 2000


def plot_regimes(
    histories: Mapping[str, History], *, title: str = "", axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw the loss of several runs against updates, examples seen and seconds.

    Thin lines are the loss of each update's own examples, thick ones the mean over each epoch. The title of a panel
    names the run that needed least of its quantity to come down to a loss that all of them reach.

    Parameters
    ----------
    histories
        The runs by name; "batch", "stochastic" and "mini-batch" have colours of their own.
    title
        Above the figure.
    axes
        Three to draw on; None for a new figure, which is ``plot_regimes(...)[0].figure``.

    Raises
    ------
    OptionError
        If no run made an update, or there are not three axes.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> model = tg.nn.Linear(1, 1)
    >>> descent = tg.optim.BatchGradientDescent(model.parameters(), lr=0.1)
    >>> X = np.array([[0.0], [1.0]], np.float32)
    >>> history = tg.fit(model, X, 2 * X, loss=tg.nn.MSELoss(), optimizer=descent, epochs=5)
    >>> [axes.get_xlabel() for axes in plot_regimes({"batch": history})]
    ['updates of the weights', 'examples seen', 'seconds of training']
    """
    if not (isinstance(histories, Mapping) and all(hasattr(h, "epoch_losses") for h in histories.values())):
        raise OptionError('plot_regimes draws histories of fit by name: write {"batch": history}, for example.')
    runs = {name: history for name, history in histories.items() if history.n_updates}
    if not runs:
        raise OptionError("There is nothing to draw: no run made an update.")
    if axes is None:
        figure = new_figure(figsize=(12, 4.6), layout="constrained")
        axes = list(figure.subplots(1, 3, sharey=True))
        figure.suptitle(title)
        figure.supxlabel("Thin: the loss of each update's own examples. Thick: its mean over each epoch.", fontsize=9)
    if len(axes) != len(_PANELS):
        raise OptionError(f"plot_regimes draws three panels, but was given {len(axes)} axes.")
    colors = name_colors(runs)
    for panel, (quantity, label, scale) in zip(axes, _PANELS, strict=True):
        for name, history in runs.items():
            _draw(panel, name, history, quantity, colors[name])
        _describe(panel, runs, quantity)
        panel.set(xlabel=label, xscale=scale, yscale="log")
        panel.grid(visible=True, alpha=0.25)
        if scale == "linear":
            panel.locator_params(axis="x", nbins=5)
    axes[0].set(ylabel="training loss", ylim=_limits(runs.values()))
    axes[0].legend(loc="lower left")
    return list(axes)


def _draw(panel: Axes, name: str, history: History, quantity: _Quantity, color: str) -> None:
    per_update = {
        "updates": np.arange(1, history.n_updates + 1),
        "examples": history.examples,
        "seconds": history.seconds,
    }[quantity]
    # So many lines are a band, which would outshine the rest, and so lies below it.
    faint, order = (0.3, 2.0) if history.n_updates <= _MANY else (0.07, 1.5)
    panel.plot(per_update, history.losses, color=color, alpha=faint, linewidth=0.6, rasterized=True, zorder=order)
    per_epoch = [getattr(epoch, quantity) for epoch in history.epochs]
    point = "o" if len(per_epoch) == 1 else ""
    outline = optional_import("matplotlib.patheffects", extra="plot", purpose="Drawing figures").withStroke(
        linewidth=3.6, foreground="white"
    )
    (thick,) = panel.plot(per_epoch, history.epoch_losses, color=color, linewidth=2.2, label=name, marker=point)
    thick.set(zorder=3, path_effects=[outline])


def _describe(panel: Axes, runs: Mapping[str, History], quantity: _Quantity) -> None:
    won = race(runs, quantity)
    if won is None:
        describe(panel, f"Loss against {quantity}")
        return
    needed = ", ".join(f"{name} {_amount(amount, quantity)}" for name, amount in won.needed.items())
    describe(panel, f"Fewest {quantity}: {', '.join(won.first)}", f"To come down to {number(won.loss)}: {needed}.")


def _amount(needed: float, quantity: _Quantity) -> str:
    return f"{number(needed)} s" if quantity == "seconds" else f"{needed:,.0f}"


def _limits(runs: Any) -> tuple[float, float]:
    """Show the thick lines with room around them; single examples may reach far below."""
    means = np.concatenate([h.epoch_losses for h in runs])
    means = means[np.isfinite(means) & (means > 0)]
    return (float(means.min()) / 5, float(means.max()) * 5) if len(means) else (0.1, 1.0)
