"""What a model predicts all over the plane of two features, with the examples on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import DataError, OptionError, optional_import
from tinygrad_edu.landscapes import Boundary, boundary
from tinygrad_edu.traces.spreading import spread
from tinygrad_edu.visualize.figures import PALETTE, SEQUENTIAL, describe, figure_of, new_axes
from tinygrad_edu.visualize.words import number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.landscapes.boundaries import Gives

__all__ = ["plot_boundary"]

_CLASSES = [PALETTE[name] for name in ("blue", "orange", "green", "purple", "sky", "vermilion", "yellow", "black")]
_MARKERS = "os^DvPX*"
_MOST = 2000  # examples that are drawn; more are a carpet


def plot_boundary(
    model: Any,
    X: ArrayLike,
    y: ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    feature_names: Sequence[str] = ("feature 1", "feature 2"),
    gives: Gives = "auto",
    points: int = 200,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw which class, or which number, a model predicts for every pair of features.

    Each class has a colour, which is the stronger, the surer the model is; black lines are the boundaries. A
    regression is drawn as a map with contours, the examples in the colours of their targets.

    Parameters
    ----------
    model
        A module, an estimator with ``predict``, a function of an array (n, 2); or a `landscapes.Boundary` that was
        computed before.
    X, y
        The examples, (n, 2), and their targets, (n,); see `landscapes.boundary`.
    class_names
        Of the classes, in their order.
    feature_names
        For the axes.
    gives
        What the outputs are; see `landscapes.boundary`.
    points
        How many along each side of the grid.
    title
        Above the figure.
    ax
        Where to draw; None for a new figure.

    Raises
    ------
    DataError
        If X has not two features, or y holds a class that the model does not know.
    OptionError, ShapeError
        If an option is out of range, or the outputs cannot be drawn.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from tinygrad_edu import data, nn
    >>> moons = data.moons()
    >>> ax = plot_boundary(nn.MLP(2, [8], 2), moons.X, moons.y, points=50)
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['class 0', 'class 1']
    """
    field = model if isinstance(model, Boundary) else boundary(model, X, y, points=points, gives=gives)
    examples = np.asarray(X, np.float64)
    targets = None if y is None else np.asarray(y).reshape(len(examples))
    _refuse_unknown(field, targets)
    ax = new_axes(ax, figsize=(6.2, 5))
    if len(examples) > _MOST:
        chosen = spread(len(examples), _MOST)
        examples, targets = examples[chosen], None if targets is None else targets[chosen]
    if field.labels:
        told = _draw_classes(ax, field, examples, targets, _names(field, class_names))
    else:
        told = _draw_numbers(ax, field, examples, targets)
    ax.set(xlabel=feature_names[0], ylabel=feature_names[1])
    ax.set(xlim=(field.x[0], field.x[-1]), ylim=(field.y[0], field.y[-1]))
    describe(ax, title or ("Where each class is predicted" if field.labels else "What is predicted"), told)
    return ax


def _refuse_unknown(field: Boundary, y: NDArray[Any] | None) -> None:
    unknown = [] if y is None or not field.labels else [value for value in np.unique(y) if value not in field.labels]
    if unknown:
        known = ", ".join(map(str, field.labels[:6]))
        raise DataError(
            f"y holds {str(unknown[0])!r}, but the model knows the classes {known}. Give y as it was in training."
        )


def _names(field: Boundary, given: Sequence[str] | None) -> list[str]:
    if given is None:
        return [label if isinstance(label, str) else f"class {label}" for label in field.labels]
    if len(given) < len(field.labels):
        raise OptionError(f"There are {len(field.labels)} classes, but {len(given)} class_names. Name each.")
    return list(given)


# ---------------------------------------------------------------------------------------------- classes
def _draw_classes(ax: Axes, field: Boundary, X: NDArray[np.float64], y: NDArray[Any] | None, names: list[str]) -> str:
    """Draw regions shaded by confidence, their boundaries, and the examples."""
    colors = [_CLASSES[i % len(_CLASSES)] for i in range(len(field.labels))]
    ax.imshow(
        _shaded(field, colors), origin="lower", aspect="auto", interpolation="bilinear",
        extent=(field.x[0], field.x[-1], field.y[0], field.y[-1]), zorder=0,
    )  # fmt: skip
    for i in range(len(field.labels)):
        own = field.values == i
        if own.any() and not own.all():
            ahead = own - 0.5 if field.margins is None else np.clip(field.margins[i], -50, 50)
            ax.contour(field.x, field.y, ahead, levels=[0], colors="black", linewidths=1.3)
    if y is None:
        ax.plot(*X.T, ".", color="0.2", markersize=4)
    else:
        known = list(field.labels)
        for i, label in enumerate(known):
            own = X[y == label]
            marker = _MARKERS[i % len(_MARKERS)]
            ax.scatter(
                own[:, 0],
                own[:, 1],
                s=24,
                marker=marker,
                color=colors[i],
                edgecolor="white",
                linewidth=0.6,
                label=names[i],
            )
        ax.legend(loc="best", fontsize=8, framealpha=0.9)
    told = "Black: the boundary. " + ("Stronger colour: a surer prediction." if field.confidence is not None else "")
    return told.strip() + _right(field, X, y)


def _shaded(field: Boundary, colors: list[str]) -> NDArray[np.float64]:
    """Mix each class's colour with white: a pale tone for a guess, a strong one for certainty."""
    to_rgb = optional_import("matplotlib.colors", extra="plot", purpose="Drawing figures").to_rgb
    full = np.array([to_rgb(color) for color in colors])[field.values]
    if field.confidence is None:
        strength = np.full(field.values.shape, 0.4)
    else:
        least = 1 / max(len(field.labels), 2)  # a guess among all classes
        strength = 0.06 + 0.54 * np.clip((field.confidence - least) / (1 - least), 0, 1)
    mixed: NDArray[np.float64] = 1 - strength[..., None] * (1 - full)
    return mixed


def _right(field: Boundary, X: NDArray[np.float64], y: NDArray[Any] | None) -> str:
    """Count the examples that lie in a region of their own colour, by the nearest point of the grid."""
    if y is None:
        return ""
    columns = np.abs(X[:, :1] - field.x).argmin(axis=1)
    rows = np.abs(X[:, 1:] - field.y).argmin(axis=1)
    own = np.array(field.labels, dtype=np.asarray(y).dtype)[field.values[rows, columns]] == y
    return f" {int(own.sum()):,} of {len(own):,} examples lie on their own colour."


# ---------------------------------------------------------------------------------------------- numbers
def _draw_numbers(ax: Axes, field: Boundary, X: NDArray[np.float64], y: NDArray[Any] | None) -> str:
    known = field.values[np.isfinite(field.values)]
    if not known.size:
        raise OptionError("There is nothing to draw: no prediction is a finite number. Has the training diverged?")
    together = known if y is None else np.concatenate([known, np.asarray(y, np.float64)])
    low, high = float(together.min()), float(together.max())
    levels = np.linspace(low, high if high > low else low + 1, 16)
    shown = np.ma.masked_invalid(field.values)
    ground = ax.contourf(field.x, field.y, shown, levels=levels, cmap=SEQUENTIAL, extend="both")
    lines = ax.contour(field.x, field.y, shown, levels=levels, colors="black", linewidths=0.4)
    ax.clabel(lines, levels[::3], fontsize=7, fmt=number)
    bar = figure_of(ax).colorbar(ground, ax=ax, pad=0.02, label="prediction")
    bar.set_ticks(levels[::3].tolist(), labels=[number(level) for level in levels[::3]])
    if y is None:
        ax.plot(*X.T, ".", color="white", markersize=4)
        return "Lines: the same prediction."
    ax.scatter(
        X[:, 0], X[:, 1], c=y, cmap=SEQUENTIAL, vmin=levels[0], vmax=levels[-1], s=26, edgecolor="white", linewidth=0.8
    )
    return "Lines: the same prediction. A dot that stands out from the ground is predicted wrongly."
