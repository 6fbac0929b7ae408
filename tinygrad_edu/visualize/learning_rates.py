"""The same descent at several learning rates: one small curve each, and their losses side by side."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn.behaviour import Manner, behaviour
from tinygrad_edu.learn.grids import Curve, curve, view
from tinygrad_edu.learn.heights import check_belongs
from tinygrad_edu.visualize.curve import draw_curve, draw_path
from tinygrad_edu.visualize.descent import plot_losses
from tinygrad_edu.visualize.figures import describe, name_colors, new_figure
from tinygrad_edu.visualize.given import as_traces, check_range, check_words
from tinygrad_edu.visualize.words import counted, number, typeset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from tinygrad_edu.learn.grids import Function, Range
    from tinygrad_edu.traces import Trace

__all__ = ["plot_learning_rates"]


def plot_learning_rates(
    traces: Mapping[float, Trace],
    f: Function | Curve | None = None,
    *,
    x_range: Range | None = None,
    title: str | None = None,
    axes: Sequence[Axes] | None = None,
) -> list[Axes]:
    """Draw the same descent at several learning rates, one curve each, and below all their losses against steps.

    All curves show the same range, so that their steps can be compared; a path that leaves it has diverged.

    Parameters
    ----------
    traces
        The descents by learning rate.
    f
        What they went down on; None for the formula that the traces hold.
    x_range
        From where to where; None for what the descents that did not climb make worth seeing.
    title
        Above the figure; None for the function's name.
    axes
        One for each curve and one for the losses; None for a new figure.

    Returns
    -------
    The axes, one for each learning rate and the losses' at the end.

    Raises
    ------
    OptionError
        If there is no trace, a trace is of more than one variable, or there are not as many axes as needed.
    FormulaError
        If the text is no formula, or has not one variable.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> rates = (0.1, 0.5, 0.9, 1.0, 1.1)
    >>> axes = plot_learning_rates({lr: minimize("x**2", start=-6.0, lr=lr) for lr in rates})
    >>> [ax.get_title(loc="left") for ax in axes][:3]
    ['α = 0.1', 'α = 0.5', 'α = 0.9']
    """
    check_words(title=title)
    check_range(x_range=x_range)
    _check_rates(traces)
    record = _record(traces, f, x_range)
    for trace in traces.values():
        check_belongs(trace, record, f)
    if axes is None:
        axes = _new_axes(len(traces), f"y = {typeset(record.text)}" if title is None else title)
    if len(axes) != len(traces) + 1:
        raise OptionError(
            f"plot_learning_rates draws {len(traces)} curves and their losses, so it needs {len(traces) + 1} axes, "
            f"but was given {len(axes)}."
        )
    colors = name_colors(map(str, traces))
    for ax, (rate, trace) in zip(axes, traces.items(), strict=False):
        draw_curve(ax, record)
        draw_path(ax, trace, color=colors[str(rate)])
        describe(ax, f"α = {number(rate)}", _ending(trace))
        if ax is not axes[0]:
            ax.set_ylabel("")
    plot_losses({f"α = {number(rate)}": trace for rate, trace in traces.items()}, ax=axes[-1])
    return list(axes)


def _check_rates(traces: Any) -> None:
    """Refuse what is no dictionary of traces by learning rate."""
    rates = isinstance(traces, Mapping) and all(
        isinstance(rate, (Real, np.number)) and not isinstance(rate, bool) for rate in traces
    )
    if not rates:
        given = f"names such as {next(iter(traces))!r}" if isinstance(traces, Mapping) else type(traces).__name__
        raise OptionError(
            f"plot_learning_rates draws a dictionary of traces by learning rate, but was given {given}. "
            "Write {0.1: trace}, for example."
        )
    as_traces("plot_learning_rates", traces)


def _record(traces: Mapping[float, Trace], f: Function | Curve | None, x_range: Range | None) -> Curve:
    if not traces:
        raise OptionError("There is no trace to draw. Give a dictionary of them by learning rate.")
    for rate, trace in traces.items():
        if np.ndim(trace.x):
            raise OptionError(
                f"plot_learning_rates draws one variable, but the points at α = {rate:g} have shape "
                f"{np.shape(trace.x)}. Draw plot_contour for two."
            )
    known = f if f is not None else next(iter(traces.values())).formula
    if isinstance(known, Curve):
        if x_range is not None:
            raise OptionError("A Curve has its range already. Give it to curve(f, ...) instead.")
        return known
    if not known:
        raise OptionError("The traces do not hold the function that they went down on. Give it as f.")
    if x_range is None:
        settled = [trace for trace in traces.values() if behaviour(trace).manner != Manner.EXPLODES]
        [x_range] = view(settled or list(traces.values()), known)
    return curve(known, *x_range)


def _ending(trace: Trace) -> str:
    manner = behaviour(trace).manner
    return f"{manner[0].upper()}{manner[1:]} ({trace.stop_reason}, {counted(trace.n_steps, 'step')})"


def _new_axes(n: int, title: str) -> list[Axes]:
    """Make a row or two of small axes, and a wide one below."""
    across = n if n <= 5 else -(-n // 2)
    rows = -(-n // across)
    figure = new_figure(figsize=(max(2.7 * across, 6.4), 3.1 * rows + 2.8), layout="constrained")
    places = figure.add_gridspec(rows + 1, across, height_ratios=[1.0] * rows + [0.85])
    axes: list[Axes] = []
    for i in range(n):
        shared = axes[0] if axes else None
        axes.append(figure.add_subplot(places[divmod(i, across)], sharex=shared, sharey=shared))
        if i % across:
            axes[-1].tick_params(labelleft=False)
    figure.suptitle(title, fontweight="bold")
    return [*axes, figure.add_subplot(places[rows, :])]
