"""The record of a slice: where it was cut, and the loss at each of its points."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu.landscapes.paths import Path
from tinygrad_edu.landscapes.vectors import brief, frozen
from tinygrad_edu.traces.strict_json import from_plain, has_names, read_object, refuse, to_plain, write_object

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Slice"]

_FORMAT = 1
_WHAT = "a slice of a landscape"


@dataclass(frozen=True, eq=False)
class Slice:
    """The loss along a line, or over a plane, through the space of all weights.

    A picture of it is honest about little: of all the directions in which training can move, it shows one or two. A
    valley seen here may be a ledge; what looks like a wall may have a door in another direction.

    Parameters
    ----------
    kind
        How the directions were chosen, in words.
    coordinates
        Along each direction, (points,) each.
    losses
        (points,) along a line, indexed [second, first coordinate] over a plane; NaN or infinite where it overflowed.
    origin
        All weights at coordinates 0, (n,).
    directions
        What one step along each coordinate adds to them, (1, n) or (2, n).
    n_examples
        On how many examples the loss was computed.
    loss_name
        What the loss is called.
    explained
        For the main directions of a path: the share of its squared length that lies along each.
    center
        What lies at the origin, in words.
    path
        A descent shown on it.

    Examples
    --------
    >>> axis = np.linspace(-1, 1, 3)
    >>> cut = Slice("chosen directions", (axis,), axis**2, np.zeros(5), np.eye(5)[:1], 10, "MSELoss")
    >>> cut.lowest
    ((0.0,), 0.0)
    >>> Slice.from_json(cut.to_json()).losses.tolist()
    [1.0, 0.0, 1.0]
    """

    kind: str
    coordinates: tuple[NDArray[np.float64], ...]
    losses: NDArray[np.float64]
    origin: NDArray[Any]
    directions: NDArray[Any]
    n_examples: int
    loss_name: str
    explained: tuple[float, ...] = ()
    center: str = "the origin"
    path: Path | None = None

    def __post_init__(self) -> None:
        for name in ("losses", "origin", "directions"):
            object.__setattr__(self, name, frozen(np.asarray(getattr(self, name))))
        object.__setattr__(self, "coordinates", tuple(frozen(np.asarray(axis)) for axis in self.coordinates))

    def __repr__(self) -> str:
        path = () if self.path is None else (f"with a path of {len(self.path.ks):,} steps",)
        return brief(self, repr(self.label), *path, losses=self.losses, directions=self.directions)

    @property
    def n_parameters(self) -> int:
        """How many directions there are in all."""
        return len(self.origin)

    @property
    def label(self) -> str:
        """What this is, as a sentence that goes with every picture of it."""
        n, shown = self.n_parameters, len(self.coordinates)
        return f"A slice of a {n:,}-dimensional landscape: {shown} of {n:,} directions ({self.kind})."

    @property
    def lowest(self) -> tuple[tuple[float, ...], float]:
        """The coordinates and the loss of the lowest point that was computed; NaN where no loss is a number."""
        finite = np.where(np.isfinite(self.losses), self.losses, np.inf)
        index = np.unravel_index(int(finite.argmin()), finite.shape)
        where = tuple(float(axis[i]) for axis, i in zip(self.coordinates, index[::-1], strict=True))
        return where, float(self.losses[index])

    def weights(self, *coordinates: float) -> NDArray[Any]:
        """Give all weights at a point, in the order of `flat_weights`."""
        moved: NDArray[Any] = self.origin + np.asarray(coordinates, self.origin.dtype) @ self.directions
        return moved

    def plot(self, ax: Any = None, **options: Any) -> Any:
        """Draw it; see `tinygrad_edu.visualize.plot_slice_1d` and `plot_slice_2d`, which take the options.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        draw = getattr(importlib.import_module("tinygrad_edu.visualize"), f"plot_slice_{len(self.coordinates)}d")
        return draw(self, ax=ax, **options)

    # ----------------------------------------------------------------------------------------- as text
    def to_json(self, *, indent: int | None = None) -> str:
        """Write it as JSON; `from_json` gives the same numbers, bit for bit.

        Numbers that are none are the texts "nan", "inf" and "-inf".
        """
        entries = {
            "format": _FORMAT,
            "kind": self.kind,
            "center": self.center,
            "loss_name": self.loss_name,
            "n_examples": self.n_examples,
            "dtype": str(self.origin.dtype),
            "coordinates": [axis.tolist() for axis in self.coordinates],
            "losses": to_plain(self.losses.tolist()),
            "origin": self.origin.tolist(),
            "directions": self.directions.tolist(),
            "explained": list(self.explained),
            "path": None if self.path is None else self.path.as_plain(),
        }
        return write_object(entries, indent=indent)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a slice that `to_json` wrote.

        Raises
        ------
        DataError
            If the text is no slice: it says what is wrong with it.

        Examples
        --------
        >>> Slice.from_json("{}")
        Traceback (most recent call last):
        ...
        tinygrad_edu.errors.DataError: This is not a slice of a landscape: 'format' is missing.
        """
        names = ["format", "kind", "center", "loss_name", "n_examples", "dtype", "coordinates", "losses", "origin"]
        found = has_names(_WHAT, read_object(text, _WHAT), [*names, "directions", "explained", "path"])
        if found["format"] != _FORMAT:
            refuse(_WHAT, f"its format is {found['format']!r}, and this version reads {_FORMAT}.")
        try:
            dtype = np.dtype(found["dtype"])
            cut = cls(
                kind=str(found["kind"]),
                center=str(found["center"]),
                coordinates=tuple(np.array(axis, np.float64) for axis in found["coordinates"]),
                losses=np.array(from_plain(found["losses"]), np.float64),
                origin=np.array(found["origin"], dtype),
                directions=np.array(found["directions"], dtype),
                n_examples=int(found["n_examples"]),
                loss_name=str(found["loss_name"]),
                explained=tuple(map(float, found["explained"])),
                path=None if found["path"] is None else Path.from_plain(found["path"]),
            )
        except (TypeError, ValueError) as error:
            refuse(_WHAT, f"its numbers cannot be read ({error}).")
        expected = tuple(len(axis) for axis in reversed(cut.coordinates))
        if cut.losses.shape != expected or cut.directions.shape != (len(expected), cut.n_parameters):
            refuse(_WHAT, "its lists have lengths that do not fit together.")
        return cut
