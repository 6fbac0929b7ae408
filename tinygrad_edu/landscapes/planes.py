"""Lines and planes through the space of all weights: where a slice is cut."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from tinygrad_edu.errors import DataError, OptionError, ShapeError
from tinygrad_edu.landscapes.checks import check_seed, check_trace
from tinygrad_edu.landscapes.vectors import Scale, brief, flat_weights, frozen, random_direction
from tinygrad_edu.traces.spreading import spread

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.traces import Trace

__all__ = ["Extent", "Line", "Plane"]

Extent = tuple[tuple[float, float], ...]
"""From where to where each coordinate goes."""

_MOST = 500  # points of a path that its main directions are computed from
_MARGIN = 0.25  # of a path's width, left free around it


@dataclass(frozen=True, eq=False)
class _Flat:
    """A point in the space of all weights, and one direction from it or two.

    Parameters
    ----------
    origin
        All weights at coordinates 0, (n,).
    directions
        What one step along each coordinate adds, (1, n) or (2, n).
    kind
        How the directions were chosen, in words.
    center
        What lies at the origin, in words.
    extent
        From where to where each coordinate goes unless a slice says otherwise.
    explained
        For the main directions of a path: the share of its squared length that lies along each.
    """

    origin: NDArray[Any]
    directions: NDArray[Any]
    kind: str = "chosen directions"
    center: str = "the origin"
    extent: Extent = ()
    explained: tuple[float, ...] = ()

    n: ClassVar[int]

    def __post_init__(self) -> None:
        origin, directions = np.asarray(self.origin), np.atleast_2d(np.asarray(self.directions))
        if origin.dtype.kind != "f":
            origin = origin.astype(np.float64)
        if origin.ndim != 1 or directions.shape != (self.n, len(origin)):
            raise ShapeError(
                f"A {type(self).__name__} needs an origin (n,) and directions ({self.n}, n), but was given shapes "
                f"{origin.shape} and {np.shape(self.directions)}. flat_weights(model) gives the origin."
            )
        if not (np.isfinite(origin).all() and np.isfinite(directions).all()):
            raise DataError("The weights or directions hold values that are not finite: the training has diverged.")
        if np.linalg.matrix_rank(_lengths_and_angles(directions)) < self.n:
            raise OptionError(
                f"The directions span no {type(self).__name__.lower()}: one is 0, or they are parallel. Choose others."
            )
        object.__setattr__(self, "origin", frozen(origin))
        object.__setattr__(self, "directions", frozen(directions.astype(origin.dtype, copy=False)))
        object.__setattr__(self, "extent", self.extent or ((-1.0, 1.0),) * self.n)

    def __repr__(self) -> str:
        return brief(self, repr(self.kind), origin=self.origin, directions=self.directions)

    def at(self, *coordinates: float) -> NDArray[Any]:
        """Give all weights at a point, (n,).

        Examples
        --------
        >>> Line(np.array([1.0, 2.0]), np.array([0.0, 4.0])).at(0.5).tolist()
        [1.0, 4.0]
        """
        if len(coordinates) != self.n:
            raise ShapeError(f"A {type(self).__name__} has {self.n} coordinates, but was given {len(coordinates)}.")
        weights: NDArray[Any] = self.origin + np.asarray(coordinates, self.origin.dtype) @ self.directions
        return weights

    def coordinates(self, points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Find the nearest points of the line or plane to points anywhere.

        Parameters
        ----------
        points
            Weights, (points, n).

        Returns
        -------
        coordinates
            (points, 1) or (points, 2).
        outside
            (points,): the share of each point's distance from the origin that the line or plane does not show, from 0
            (it lies within) to 1 (it is straight above the origin); 0 for the origin itself.

        Examples
        --------
        >>> plane = Plane(np.zeros(3), np.eye(3)[:2])
        >>> coordinates, outside = plane.coordinates([[1.0, 2.0, 0.0], [3.0, 0.0, 4.0]])
        >>> coordinates.tolist(), outside.tolist()
        ([[1.0, 2.0], [3.0, 0.0]], [0.0, 0.8])
        """
        given = np.atleast_2d(np.asarray(points, np.float64))
        if given.shape[1:] != self.origin.shape:
            raise ShapeError(f"The points have {given.shape[-1]} numbers each, but the weights are {len(self.origin)}.")
        moves = given - self.origin
        directions = self.directions.astype(np.float64)
        found = np.linalg.solve(directions @ directions.T, directions @ moves.T).T
        rest = np.linalg.norm(moves - found @ directions, axis=1)
        lengths = np.linalg.norm(moves, axis=1)
        return found, np.minimum(rest / np.where(lengths > 0, lengths, 1), 1)


class Line(_Flat):
    """A line through the space of all weights: an origin, and one direction.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> model = nn.Linear(3, 2)
    >>> Line.random(model).kind
    'a random direction, scaled to each filter'
    >>> Line.between(np.zeros(2), np.ones(2)).at(1.0).tolist()
    [1.0, 1.0]
    """

    n = 1

    @classmethod
    def random(cls, model: Module, *, scale: Scale = "filter", seed: int = 0) -> Self:
        """Put a line through a model's weights in a random direction; see `random_direction`."""
        direction = random_direction(model, scale=scale, seed=seed)
        kind = f"a random direction, scaled to {_SCALED[scale]}"
        return cls(flat_weights(model), direction, kind, "the weights as they are")

    @classmethod
    def between(cls, start: ArrayLike, end: ArrayLike) -> Self:
        """Put a line through two weight vectors: the coordinate is 0 at `start` and 1 at `end`.

        References
        ----------
        Goodfellow, Vinyals and Saxe, Qualitatively characterizing neural network optimization problems, ICLR 2015.
        """
        first, second = np.asarray(start), np.asarray(end)
        if first.shape != second.shape:
            raise ShapeError(
                f"The two ends must be vectors alike, but have the shapes {first.shape} and {second.shape}."
            )
        return cls(first, second - first, "from one set of weights to another", "the first weights", ((-0.5, 1.5),))


class Plane(_Flat):
    """A plane through the space of all weights: an origin, and two directions.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> plane = Plane.random(nn.Linear(3, 2), seed=1)
    >>> plane.directions.shape, plane.extent
    ((2, 8), ((-1.0, 1.0), (-1.0, 1.0)))
    """

    n = 2

    @classmethod
    def random(cls, model: Module, *, scale: Scale = "filter", seed: int = 0) -> Self:
        """Put a plane through a model's weights in two random directions; see `random_direction`."""
        check_seed(seed)
        # Two seeds of their own, so that neither direction is that of a line with the same seed drawn further.
        directions = [random_direction(model, scale=scale, seed=s) for s in (seed, 2**31 + seed)]
        kind = f"2 random directions, scaled to {_SCALED[scale]}"
        return cls(flat_weights(model), np.stack(directions), kind, "the weights as they are")

    @classmethod
    def of_path(cls, trace: Trace) -> Self:
        """Lay the plane that shows most of a path: through its last point, along its two main directions.

        The main directions are those of the points as seen from the last one (principal components, without centring).
        One step along a coordinate is a distance of 1 in the weights. Of a long trace 500 points are taken, evenly.

        Raises
        ------
        OptionError
            If the path does not leave a line.

        References
        ----------
        Li et al., Visualizing the loss landscape of neural nets, NeurIPS 2018, section 7.

        Examples
        --------
        >>> import tinygrad_edu as tg
        >>> plane = Plane.of_path(tg.minimize("x**2 + 9*y**2", start=[4, 1], lr=0.08))
        >>> round(sum(plane.explained), 6), plane.origin.shape
        (1.0, (2,))
        """
        check_trace(trace)
        chosen = spread(len(trace), _MOST)
        last = np.atleast_1d(np.asarray(trace.x))
        if not all(np.isfinite(trace[int(i)].point).all() for i in chosen):
            raise DataError("The path leaves the numbers: the training has diverged. Lower the learning rate.")
        moves = np.stack([np.ravel(trace[int(i)].point) for i in chosen]).astype(np.float64) - last.ravel()
        squares, directions = _main_directions(moves)
        if len(squares) < 2 or squares[1] <= 1e-12 * squares[0]:
            raise OptionError(
                "The path does not leave a line, so no plane belongs to it. Take Line.between(first, last)."
            )
        along = moves @ directions.T
        extent = tuple(_around(float(values.min()), float(values.max())) for values in along.T)
        explained = tuple(float(s) for s in squares[:2] / np.vdot(moves, moves))
        return cls(
            last.ravel(), directions, "the 2 main directions of the path", "the end of the path", extent, explained
        )


_SCALED = {"filter": "each filter", "layer": "each layer", "whole": "all weights"}


def _lengths_and_angles(directions: NDArray[Any]) -> NDArray[np.float64]:
    """Multiply unit vectors along the directions by one another."""
    double = directions.astype(np.float64)
    units = double / np.maximum(np.linalg.norm(double, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    products: NDArray[np.float64] = units @ units.T
    return products


def _main_directions(moves: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the two directions (2, n) along which the squared lengths are largest, and these, largest first.

    By the products of the few points with one another, since the products of all weights would be far more.
    """
    squares, vectors = np.linalg.eigh(moves @ moves.T)
    squares, vectors = squares[::-1][:2], vectors[:, ::-1][:, :2]
    if squares[0] <= 0:
        return np.zeros(0), np.zeros((0, moves.shape[1]))
    directions = vectors.T @ moves / np.sqrt(np.maximum(squares, np.finfo(np.float64).tiny))[:, None]
    # Which way a direction points is arbitrary; here the path always begins on the positive side.
    directions *= np.where(directions @ moves[0] < 0, -1.0, 1.0)[:, None]
    return squares, directions


def _around(low: float, high: float) -> tuple[float, float]:
    """Leave a margin around a path, also around the origin, which is its end."""
    room = _MARGIN * (high - low) or 1.0
    assert math.isfinite(room)  # noqa: S101 - the points are
    return low - room, high + room
