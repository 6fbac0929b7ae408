"""Slices of a loss landscape: the loss of a model along a line, or over a plane, through the space of all weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.landscapes.checks import check_model, check_trace
from tinygrad_edu.landscapes.evaluation import Criterion, Task
from tinygrad_edu.landscapes.grids import Compile, grid_losses
from tinygrad_edu.landscapes.paths import path_on
from tinygrad_edu.landscapes.planes import Line, Plane
from tinygrad_edu.landscapes.slice import Slice

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.traces import Trace

__all__ = ["slice_1d", "slice_2d"]

_LARGEST = 4_000_000  # points in all: 2,000 × 2,000


def slice_1d(
    model: Module,
    loss: Criterion,
    X: ArrayLike,
    y: ArrayLike,
    line: Line | None = None,
    *,
    points: int = 101,
    span: float | tuple[float, float] | None = None,
    trace: Trace | None = None,
    seed: int = 0,
    compile: Compile = "auto",  # noqa: A002 - the framework's word for it
) -> Slice:
    """Compute the loss along a line through the space of all weights.

    Parameters
    ----------
    model
        The model; it is copied, and left as it is. The copy computes in evaluation mode.
    loss
        Such as ``nn.CrossEntropyLoss()``: called with the prediction and the target of all examples.
    X, y
        The examples; floats are converted to the dtype of the parameters.
    line
        Where to cut; None for a random direction, scaled to each filter, through the model's weights.
    points
        How many, at least 2.
    span
        How far to go to both sides, or from where to where. None for what the line says: 1 to both sides for a random
        direction, which there is as long as the weights.
    trace
        A descent, by ``fit(..., trace=True)``, to be shown with the slice.
    seed
        For the random direction.
    compile
        ``"numpy"``: networks of Linear layers and activations are computed with products shared by all points, others
        by ``model.compile()``. ``"numba"``: machine code for Linear layers with ReLU after the first, which takes some
        seconds to compile when it is used for the first time, and then a fraction of the time. ``"auto"``: machine code
        where it can be used and there is enough to do.

    Returns
    -------
    The record of the slice.

    Raises
    ------
    OptionError, ShapeError, DataError
        If an argument is out of range, or does not fit the model.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> model = nn.Linear(1, 1, bias=False)
    >>> model.weight.data = [[2.0]]
    >>> cut = slice_1d(model, nn.MSELoss(), [[1.0]], [[2.0]], Line(np.array([2.0], np.float32), [1.0]), points=3)
    >>> cut.coordinates[0].tolist(), cut.losses.tolist()
    ([-1.0, 0.0, 1.0], [1.0, 0.0, 1.0])
    """
    line = Line.random(model, seed=seed) if line is None else line
    return _slice(model, loss, X, y, line, points, span, trace, compile)


def slice_2d(
    model: Module,
    loss: Criterion,
    X: ArrayLike,
    y: ArrayLike,
    plane: Plane | None = None,
    *,
    points: int = 51,
    span: float | tuple[float, float] | tuple[tuple[float, float], tuple[float, float]] | None = None,
    trace: Trace | None = None,
    seed: int = 0,
    compile: Compile = "auto",  # noqa: A002 - the framework's word for it
) -> Slice:
    """Compute the loss over a plane through the space of all weights.

    Parameters
    ----------
    model, loss, X, y
        As for `slice_1d`.
    plane
        Where to cut; None for the plane of the trace's two main directions, or without a trace for two random
        directions, scaled to each filter, through the model's weights.
    points
        How many along each side.
    span
        How far to go to both sides, or from where to where, for both coordinates alike or for each by itself.
        None for what the plane says: 1 to both sides, or all of a path.
    trace
        A descent, by ``fit(..., trace=True)``, to be shown on the slice: where each step lies on the plane, with its
        true loss, which is that of its own weights and seldom that of the plane below it.
    seed
        For the random directions.
    compile
        How the losses are computed; see `slice_1d`.

    Returns
    -------
    The record of the slice.

    Raises
    ------
    OptionError, ShapeError, DataError
        If an argument is out of range, or does not fit the model.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> model = nn.MLP(2, [8], 1)
    >>> cut = slice_2d(model, nn.MSELoss(), [[0.0, 1.0], [1.0, 0.0]], [[1.0], [0.0]], points=5)
    >>> cut.losses.shape, cut.label
    ((5, 5), 'A slice of a 33-dimensional landscape: 2 of 33 directions (2 random directions, scaled to each filter).')
    """
    if plane is None:
        plane = Plane.random(model, seed=seed) if trace is None else Plane.of_path(trace)
    return _slice(model, loss, X, y, plane, points, span, trace, compile)


def _slice(
    model: Module,
    loss: Criterion,
    X: Any,
    y: Any,
    flat: Any,
    points: Any,
    span: Any,
    trace: Trace | None,
    way: Compile,
) -> Slice:
    if trace is not None:
        check_trace(trace)
    if not isinstance(flat, (Line, Plane)):
        raise OptionError(f"A slice is cut along a Line or a Plane, but was given {type(flat).__name__}.")
    if isinstance(points, bool) or not isinstance(points, (int, np.integer)) or not 2 <= points**flat.n <= _LARGEST:
        most = int(_LARGEST ** (1 / flat.n))
        raise OptionError(f"points must be a whole number from 2 to {most:,}, but is {points!r}.")
    check_model(model)
    if (size := model.num_parameters()) != len(flat.origin):
        raise ShapeError(
            f"The {type(flat).__name__.lower()} is for {len(flat.origin):,} weights, but {type(model).__name__} has "
            f"{size:,}. Make it from this model, or from a trace of this model."
        )
    task = Task.of(model, loss, X, y)
    axes = tuple(np.linspace(low, high, int(points)) for low, high in _extent(flat, span))
    dtype = next(model.parameters()).dtype
    origin, directions = flat.origin.astype(dtype, copy=False), flat.directions.astype(dtype, copy=False)
    losses = grid_losses(task, origin, directions, axes, way)
    path = None if trace is None else path_on(task, flat, trace)
    return Slice(
        kind=flat.kind,
        center=flat.center,
        coordinates=axes,
        losses=losses,
        origin=origin,
        directions=directions,
        explained=flat.explained,
        n_examples=len(task.X),
        loss_name=task.loss_name,
        path=path,
    )


def _extent(flat: Line | Plane, span: Any) -> tuple[tuple[float, float], ...]:
    """Read a span: a number, a pair for all coordinates, or a pair for each."""
    if span is None:
        return flat.extent
    given = np.asarray(span, np.float64) if _is_numbers(span) else np.zeros(0)
    if given.shape == ():
        pairs = np.tile([-given, given], (flat.n, 1))
    elif given.shape == (2,):
        pairs = np.tile(given, (flat.n, 1))
    else:
        pairs = given
    if pairs.shape != (flat.n, 2) or not np.isfinite(pairs).all() or not (pairs[:, 0] < pairs[:, 1]).all():
        each = " or ((low, high), (low, high))" if flat.n == 2 else ""
        raise OptionError(f"span must be a number > 0, or (low, high) with low < high{each}, but is {span!r}.")
    return tuple((float(low), float(high)) for low, high in pairs)


def _is_numbers(span: Any) -> bool:
    """Tell whether it is a number, or a rectangular table of them."""
    if isinstance(span, (tuple, list)):
        return len({np.shape(s) for s in span if _is_numbers(s)}) == 1 and all(map(_is_numbers, span))
    return not isinstance(span, bool) and isinstance(span, (int, float, np.number))
