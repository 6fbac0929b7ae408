"""Slices of a network's loss landscape: a curve, a map or a surface, and the path of a descent on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError, optional_import
from tinygrad_edu.landscapes import Slice
from tinygrad_edu.visualize.figures import PALETTE, SEQUENTIAL, describe, figure_of, new_axes
from tinygrad_edu.visualize.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from numpy.typing import NDArray

    from tinygrad_edu.landscapes import Path

__all__ = ["plot_slice_1d", "plot_slice_2d", "plot_slice_surface"]

_LEVELS = 18
_WIDE = 20.0  # from the lowest loss to the highest, as a factor: beyond, contours and colours go by powers
_GROUND = "Greys_r"  # the ground is grey, so that the path has the colours to itself
_ENDS = {"start": ("o", 8), "end": ("*", 15)}


def plot_slice_1d(
    record: Slice, *, log: bool | None = None, title: str = "", color: str = PALETTE["blue"], ax: Axes | None = None
) -> Axes:
    """Draw the loss along a line through the space of all weights.

    Parameters
    ----------
    record
        What `landscapes.slice_1d` gave.
    log
        Whether the loss has a logarithmic scale; None: where it is far from even.
    title
        Above the figure.
    color
        Of the curve.
    ax
        Where to draw; None for a new figure.

    Raises
    ------
    OptionError
        If the record is not of one direction, or no loss in it is a number.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from tinygrad_edu import landscapes, nn
    >>> cut = landscapes.slice_1d(nn.MLP(1, [4], 1), nn.MSELoss(), [[0.0], [1.0]], [[1.0], [0.0]])
    >>> plot_slice_1d(cut).get_ylabel()
    'MSELoss on 2 examples'
    """
    losses = _checked(record, 1)
    ax = new_axes(ax)
    (x,) = record.coordinates
    ax.plot(x, losses, color=color, linewidth=1.8)
    where, lowest = record.lowest
    ax.plot(*where, lowest, "v", color=color, markersize=8, label=f"lowest here: {number(lowest)}")
    ax.axvline(0, color="0.6", linewidth=0.8, linestyle="--", label=record.center, zorder=0)
    if record.path is not None:
        _draw_path_1d(ax, record.path)
    logarithmic = _is_wide(losses) if log is None else log
    ax.set(xlabel="step along the direction", ylabel=_axis(record), yscale="log" if logarithmic else "linear")
    ax.legend(fontsize=8)
    ax.grid(visible=True, alpha=0.25)
    describe(ax, title or "The loss along one direction", record.label)
    return ax


def plot_slice_2d(record: Slice, *, log: bool | None = None, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw the loss over a plane through the space of all weights as a map, and the path of a descent.

    The ground shows the loss of the plane. A path is coloured by its own true loss, with a bar of its own: where the
    path leaves the plane, it is not the loss of the ground under it.

    Parameters
    ----------
    record
        What `landscapes.slice_2d` gave.
    log
        Whether contours and colours go by powers of the loss; None: where it is far from even.
    title
        Above the figure.
    ax
        Where to draw; None for a new figure. The colour bars take their room from it.

    Raises
    ------
    OptionError
        If the record is not of two directions, or no loss in it is a number.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from tinygrad_edu import landscapes, nn
    >>> cut = landscapes.slice_2d(nn.MLP(1, [4], 1), nn.MSELoss(), [[0.0], [1.0]], [[1.0], [0.0]], points=9)
    >>> plot_slice_2d(cut).get_xlabel()
    'step along the 1st direction'
    """
    losses = _checked(record, 2)
    ax = new_axes(ax, figsize=(7.2, 5.4))
    norm, levels = _scale(losses, record.path, log=log)
    x, y = record.coordinates
    shown = np.ma.masked_invalid(losses)
    ground = ax.contourf(x, y, shown, levels=levels, norm=norm, cmap=_GROUND, alpha=0.65, extend="both")
    lines = ax.contour(x, y, shown, levels=levels, colors="0.35", linewidths=0.5)
    ax.clabel(lines, levels[1::3], fontsize=7, fmt=number)
    if record.path is None:
        bar = figure_of(ax).colorbar(ground, ax=ax, pad=0.02, label=_axis(record))
        _plain_ticks(bar, levels)
        ax.plot(0, 0, "P", color=PALETTE["vermilion"], markeredgecolor="white", markersize=11, label=record.center)
    else:
        path = _draw_path_2d(ax, record.path, norm)
        bar = figure_of(ax).colorbar(path, ax=ax, pad=0.02, label="true loss of the path's own weights")
        _plain_ticks(bar, levels)
    ax.set(xlabel=_direction(record, 0), ylabel=_direction(record, 1), xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    # A path comes from the upper right, as `Plane.of_path` turns it, and its end leaves room here.
    ax.legend(loc="lower left", fontsize=8, framealpha=0.9)
    describe(ax, title or f"{record.loss_name} over two directions", _caption(record))
    return ax


def plot_slice_surface(
    record: Slice,
    *,
    log: bool | None = None,
    title: str = "",
    elevation: float = 35.0,
    azimuth: float = -55.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the loss over a plane through the space of all weights as a surface; a path floats at its true loss.

    Parameters
    ----------
    record
        What `landscapes.slice_2d` gave.
    log
        Whether the height is the logarithm of the loss; None: where it is far from even.
    title
        Above the figure.
    elevation, azimuth
        Where it is seen from, in degrees.
    ax
        Where to draw, of the projection "3d"; None for a new figure.

    Raises
    ------
    OptionError
        If the record is not of two directions, no loss in it is a number, or `ax` is flat.
    MissingDependencyError
        If matplotlib is not installed.

    Examples
    --------
    >>> from tinygrad_edu import landscapes, nn
    >>> cut = landscapes.slice_2d(nn.MLP(1, [4], 1), nn.MSELoss(), [[0.0], [1.0]], [[1.0], [0.0]], points=9)
    >>> plot_slice_surface(cut).name
    '3d'
    """
    losses = _checked(record, 2)
    drawn: Any = new_axes(ax, projection="3d", figsize=(7.2, 5.8))
    logarithmic = _is_wide(losses) if log is None else log
    low, high = _limits(losses, record.path)

    def height(values: NDArray[np.float64]) -> NDArray[np.float64]:
        clipped = np.where(np.isfinite(values), np.clip(values, low, high), high)
        lifted: NDArray[np.float64] = np.log10(np.maximum(clipped, np.finfo(float).tiny)) if logarithmic else clipped
        return lifted

    x, y = np.meshgrid(*record.coordinates)
    ground = height(losses)
    drawn.plot_surface(x, y, ground, cmap=SEQUENTIAL, alpha=0.8, linewidth=0, rcount=80, ccount=80, zorder=1)
    if record.path is not None:
        across, along = record.path.coordinates.T
        lifted = height(record.path.losses) + 0.01 * np.ptp(ground)
        drawn.plot(
            across, along, lifted, color=PALETTE["vermilion"], linewidth=2, label="true loss of the path", zorder=5
        )
        for (name, (marker, size)), i in zip(_ENDS.items(), (0, -1), strict=True):
            at = across[i : i + 1 or None], along[i : i + 1 or None], lifted[i : i + 1 or None]
            drawn.plot(
                *at, marker, color=PALETTE["vermilion"], markeredgecolor="white", markersize=size, label=name, zorder=6
            )
        drawn.legend(loc="upper left", fontsize=8)
    drawn.set_box_aspect(None, zoom=0.88)  # room for the labels
    drawn.view_init(elev=elevation, azim=azimuth)
    if logarithmic:
        _powers(drawn)
    drawn.set_xlabel(_direction(record, 0), fontsize=8, labelpad=6)
    drawn.set_ylabel(_direction(record, 1), fontsize=8, labelpad=6)
    drawn.set_zlabel(_axis(record), fontsize=8, labelpad=6)
    drawn.tick_params(labelsize=7)
    describe(drawn, title or f"{record.loss_name} over two directions", _caption(record, seen="floats at"))
    result: Axes = drawn
    return result


# -------------------------------------------------------------------------------------------- the path
def _draw_path_2d(ax: Axes, path: Path, norm: Normalize) -> Any:
    """Draw a path as a line whose colour is its own true loss."""
    collections = optional_import("matplotlib.collections", extra="plot", purpose="Drawing figures")
    points = path.coordinates[:, None, :]
    ax.plot(*path.coordinates.T, color="white", linewidth=4.5, zorder=3)
    segments = np.concatenate([points[:-1], points[1:]], axis=1)
    between = (path.losses[:-1] + path.losses[1:]) / 2
    line = collections.LineCollection(segments, cmap="plasma", norm=norm, linewidths=2.5, zorder=4)
    line.set_array(np.ma.masked_invalid(between))
    ax.add_collection(line)
    for (name, (marker, size)), i in zip(_ENDS.items(), (0, -1), strict=True):
        label = f"{name}: {number(float(path.losses[i]))}"
        ax.plot(
            *path.coordinates[i], marker, color="white", markeredgecolor="black", markersize=size, label=label, zorder=6
        )
    return line


def _draw_path_1d(ax: Axes, path: Path) -> None:
    ax.plot(
        path.coordinates[:, 0], path.losses, ".-", color=PALETTE["vermilion"], linewidth=1, markersize=5,
        label="the path, at its true loss",
    )  # fmt: skip


# ------------------------------------------------------------------------------------------ scales and words
def _checked(record: Slice, n: int) -> NDArray[np.float64]:
    if not isinstance(record, Slice):
        raise OptionError(
            f"This draws a slice of a landscape, but was given {type(record).__name__}. "
            f"landscapes.slice_{n}d(model, loss, X, y) computes one."
        )
    if len(record.coordinates) != n:
        other = "plot_slice_1d" if n == 2 else "plot_slice_2d"
        raise OptionError(f"The slice has {len(record.coordinates)} directions, and this draws {n}. Use {other}.")
    if not np.isfinite(record.losses).any():
        raise OptionError(
            "There is nothing to draw: no loss of the slice is a finite number. Cut it with a smaller span."
        )
    return np.where(np.isfinite(record.losses), record.losses, np.nan)


def _is_wide(losses: NDArray[np.float64]) -> bool:
    known = losses[np.isfinite(losses)]
    return bool(known.min() > 0 and known.max() > _WIDE * known.min())


def _limits(losses: NDArray[np.float64], path: Path | None) -> tuple[float, float]:
    """Find the range of the losses, those of the path among them; rare spikes at the rim are cut off."""
    known = losses[np.isfinite(losses)]
    low, high = float(known.min()), float(np.quantile(known, 0.99))
    if path is not None and np.isfinite(path.losses).any():
        own = path.losses[np.isfinite(path.losses)]
        low, high = min(low, float(own.min())), max(high, float(own.max()))
    return low, high if high > low else low + 1.0


def _scale(
    losses: NDArray[np.float64], path: Path | None, *, log: bool | None
) -> tuple[Normalize, NDArray[np.float64]]:
    """Choose colours and contours: by powers where the losses are far apart, else evenly."""
    colors = optional_import("matplotlib.colors", extra="plot", purpose="Drawing figures")
    low, high = _limits(losses, path)
    if low > 0 and (_is_wide(np.array([low, high])) if log is None else log):
        return colors.LogNorm(low, high), np.geomspace(low, high, _LEVELS)
    return colors.Normalize(low, high), np.linspace(low, high, _LEVELS)


def _plain_ticks(bar: Any, levels: NDArray[np.float64]) -> None:
    """Write the losses themselves beside a bar, a few of them, also on a scale of powers."""
    chosen = levels[:: max(1, len(levels) // 6)]
    bar.set_ticks(chosen, labels=[number(value) for value in chosen])
    bar.minorticks_off()
    bar.ax.tick_params(labelsize=8)


def _powers(ax: Any) -> None:
    """Write losses at the ticks of an axis that holds their logarithms."""
    low, high = ax.get_zlim()
    ticks = [t for t in ax.get_zticks() if low <= t <= high]
    ax.set_zticks(ticks, labels=[number(10.0**tick, digits=2) for tick in ticks])


def _axis(record: Slice) -> str:
    return f"{record.loss_name} on {record.n_examples:,} examples"


def _direction(record: Slice, i: int) -> str:
    name = ("1st", "2nd")[i]
    if record.explained:
        return f"{name} main direction ({record.explained[i]:.0%} of the path)"
    return f"step along the {name} direction"


def _caption(record: Slice, seen: str = "is coloured by") -> str:
    if record.path is None:
        known = record.losses[np.isfinite(record.losses)]
        return f"{record.label} The loss goes from {number(known.min())} (dark) to {number(known.max())} (light)."
    outside = float(record.path.outside[0])
    away = f"; at its start {outside:.0%} of its distance lies outside" if outside >= 0.005 else ""
    return f"{record.label} Dark is low. The path {seen} its true loss{away}."
