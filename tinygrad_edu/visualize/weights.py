"""The weights of a first layer as images: what each unit looks for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import OptionError, ShapeError, optional_import
from tinygrad_edu.nn.module import Module
from tinygrad_edu.visualize.figures import DIVERGING, describe, figure_of, new_axes
from tinygrad_edu.visualize.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

__all__ = ["plot_weights"]

_MOST = 64


def plot_weights(
    model: Any,
    shape: tuple[int, int] | None = None,
    *,
    most: int = _MOST,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the weights into each unit of a first layer as an image.

    White is 0, and the two colours are the two signs, on one scale for all units: a unit is excited where the picture
    that it is shown is bright on the one colour, and inhibited on the other. The units are in the order of the length
    of their weights, the longest first.

    Parameters
    ----------
    model
        A module, whose first weight of two axes or more is drawn; or the weights themselves, (units, inputs) or
        (filters, channels, height, width). Of several channels the mean is drawn.
    shape
        Rows and columns of the image that the inputs are; None for a square, and for filters, which have a shape.
    most
        How many units to draw at most.
    title
        Above the figure.
    ax
        Where to draw; None for a new figure.

    Raises
    ------
    OptionError
        If there is no such weight, or `most` is out of range.
    ShapeError
        If the inputs are no image of this shape.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> plot_weights(nn.MLP(64, [16], 10), shape=(8, 8)).get_title(loc="left")
    'What 16 units look for'
    """
    if isinstance(most, bool) or not isinstance(most, (int, np.integer)) or most < 1:
        raise OptionError(f"most must be a whole number of at least 1, but is {most!r}.")
    name, weight = _weight(model)
    images = _images(weight, shape)
    longest = np.argsort(-np.linalg.norm(images.reshape(len(images), -1), axis=1), kind="stable")[:most]
    shown = images[longest]
    columns = math.ceil(math.sqrt(len(shown)))
    rows = math.ceil(len(shown) / columns)
    ax = new_axes(ax, figsize=(6.2, 1.3 + 5.2 * rows * shown.shape[1] / (columns * shown.shape[2])))
    maps = optional_import("matplotlib", extra="plot", purpose="Drawing figures").colormaps
    colors = maps[DIVERGING].with_extremes(bad="0.85")  # between the images, and where there is none
    largest = float(np.abs(shown).max()) or 1.0
    image = ax.imshow(_tiled(shown, rows, columns), cmap=colors, vmin=-largest, vmax=largest, interpolation="nearest")
    ax.set_axis_off()
    figure_of(ax).colorbar(image, ax=ax, fraction=0.046, pad=0.02, label=f"{name} (largest: ±{number(largest)})")
    what, one = ("filters", "filter") if weight.ndim > 2 else ("units", "unit")
    which = f"the longest {len(shown)} of {len(images)}" if len(shown) < len(images) else f"all {len(images)}"
    caption = f"Each field: the weights into one {one}; {which}, the longest first. White is 0, on one scale for all."
    describe(ax, title or f"What {len(shown)} {what} look for", caption)
    return ax


def _weight(model: Any) -> tuple[str, NDArray[Any]]:
    """Find the first weight of a model, and its name."""
    if not isinstance(model, Module):
        array = as_array(model)
        if array.ndim < 2 or not array.size:
            raise OptionError(f"Weights have the shape (units, inputs), but were given with shape {array.shape}.")
        return "weight", array
    for name, parameter in model.named_parameters():
        if parameter.ndim >= 2:
            return name, parameter.array
    raise OptionError(
        f"{type(model).__name__} has no weights of two axes to draw. Give a model with a Linear or Conv2d."
    )


def _images(weight: NDArray[Any], shape: tuple[int, int] | None) -> NDArray[np.float64]:
    """Give an image for each unit, (units, rows, columns)."""
    if weight.ndim == 4 and shape is None:
        mean: NDArray[np.float64] = weight.mean(axis=1, dtype=np.float64)
        return mean
    flat = weight.reshape(len(weight), -1).astype(np.float64)
    side = math.isqrt(flat.shape[1])
    rows, columns = shape if shape is not None else (side, side)
    if rows * columns != flat.shape[1]:
        remedy = "Say shape=(rows, columns)." if shape is None else "Give the shape of the images that were trained on."
        raise ShapeError(f"{flat.shape[1]} inputs are no image of {rows} × {columns}. {remedy}")
    return flat.reshape(-1, rows, columns)


def _tiled(images: NDArray[np.float64], rows: int, columns: int) -> Any:
    """Lay images side by side with a line between them; what is no image is masked."""
    _, height, width = images.shape
    tiles = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for i, image in enumerate(images):
        top, left = (i // columns) * (height + 1), (i % columns) * (width + 1)
        tiles[top : top + height, left : left + width] = image
    return np.ma.masked_invalid(tiles)
