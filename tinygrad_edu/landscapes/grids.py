"""The loss on a grid of coordinates, by the way that suits the model."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from tinygrad_edu.errors import OptionError, suggest
from tinygrad_edu.landscapes.chains import Chain, Points
from tinygrad_edu.landscapes.evaluation import Task, losses_at, trustworthy
from tinygrad_edu.landscapes.sweep import can_sweep, sweep_losses

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Compile", "grid_losses"]

Compile: TypeAlias = Literal["auto", "numpy", "numba"]
"""How the losses of a slice are computed."""

_WAYS = ("auto", "numpy", "numba")
_LONG = 4e10  # multiplications; NumPy needs more than a second for them, and compiling machine code about as long


def grid_losses(
    task: Task,
    origin: NDArray[Any],
    directions: NDArray[Any],
    axes: tuple[NDArray[np.float64], ...],
    way: Compile = "auto",
) -> NDArray[np.float64]:
    """Compute the loss at every point of a grid.

    Returns
    -------
    (points,) for one axis, (second, first) for two.

    Raises
    ------
    OptionError
        If the way is unknown, or is ``"numba"`` for a model that it is not for.
    MissingDependencyError
        If the way is ``"numba"``, and Numba is not installed.
    """
    if way not in _WAYS:
        raise OptionError(f"There is no compile={way!r}. {suggest(str(way), _WAYS)}")
    grid = np.meshgrid(*axes)  # of two axes the first runs along the rows
    points = Points(origin, directions, np.stack([coordinate.ravel() for coordinate in grid], axis=1))
    if way != "numpy":
        chain = Chain.of(task.model)
        possible = can_sweep(chain, origin.dtype) and chain is not None and trustworthy(chain, task, points)
        if way == "numba" and not possible:
            raise OptionError(
                f'compile="numba" is for Linear layers with ReLU after the first, which {type(task.model).__name__} '
                f'is not. Use compile="numpy".'
            )
        if possible and chain is not None and (way == "numba" or _pays(chain, len(points) * len(task.X))):
            return sweep_losses(chain, task, origin, directions, axes)
    return losses_at(task, points).reshape(grid[0].shape)


def _pays(chain: Chain, outputs: int) -> bool:
    """Tell whether the work is long enough to compile machine code for it, and Numba is there to do so."""
    products = sum(layer.shape[0] * layer.shape[1] for layer in chain.layers)
    return outputs * products > _LONG and importlib.util.find_spec("numba") is not None
