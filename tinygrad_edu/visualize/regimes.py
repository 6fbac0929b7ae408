"""Batch, stochastic and mini-batch gradient descent side by side: how the loss falls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.visualize.figures import COLORS, new_figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from tinygrad_edu.training import History

__all__ = ["plot_regimes"]

_PANELS = (
    ("updates", "updates of the weights", "log"),
    ("examples", "examples seen", "linear"),
    ("seconds", "seconds of training", "log"),
)


def plot_regimes(
    histories: Mapping[str, History], *, title: str = "", axes: Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw the loss of several runs against updates, examples seen and seconds.

    Thin lines are the loss of each update's own examples, thick ones the mean over each epoch.

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
    for panel, (quantity, label, scale) in zip(axes, _PANELS, strict=True):
        for name, history in runs.items():
            _draw(panel, name, history, quantity)
        panel.set(xlabel=label, xscale=scale, yscale="log")
        panel.grid(visible=True, alpha=0.25)
        if scale == "linear":
            panel.locator_params(axis="x", nbins=5)
    axes[0].set(ylabel="training loss", ylim=_limits(runs.values()))
    axes[0].legend(loc="lower left")
    return list(axes)


def _draw(panel: Axes, name: str, history: History, quantity: str) -> None:
    per_update = {
        "updates": np.arange(1, history.n_updates + 1),
        "examples": history.examples,
        "seconds": history.seconds,
    }[quantity]
    color = COLORS.get(name)
    (thin,) = panel.plot(per_update, history.losses, color=color, alpha=0.3, linewidth=0.6, rasterized=True)
    per_epoch = [getattr(epoch, quantity) for epoch in history.epochs]
    panel.plot(per_epoch, history.epoch_losses, color=thin.get_color(), linewidth=2.2, label=name, zorder=3)


def _limits(runs: Any) -> tuple[float, float]:
    """Show the thick lines with room around them; single examples may reach far below."""
    means = np.concatenate([h.epoch_losses for h in runs])
    means = means[np.isfinite(means) & (means > 0)]
    return (float(means.min()) / 5, float(means.max()) * 5) if len(means) else (0.1, 1.0)
