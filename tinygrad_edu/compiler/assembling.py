"""Arrays that are written part by part, as one value: which part is made of what, in which order.

So a forward that fills an array in a loop stays what the compiler works on: values that are made once and never
change. What is left unwritten is filled with the number that the array began with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = ["OWN", "Part", "Parts", "Slot", "Step", "assemble", "follow", "followed", "order_of", "settled"]

# One step from an array to a view of it, as data: its name, and what it is called with.
Step = tuple[str, Any]
OWN = -1
"""In the place of an operand: the part itself, as it is before."""
_WHOLE: tuple[Step, ...] = ()
_SMALL = 2**14  # bytes that are filled sooner in one go than around what is written
_MOST_BOXES = 6


class Slot(NamedTuple):
    """In an index, the place of an operand."""

    operand: int


class Part(NamedTuple):
    """What is written into one part of an array."""

    path: tuple[Step, ...]
    """The views that lead from the array to the part; none: all of it."""
    how: str
    """``""`` writes the operand itself; ``fill`` a number; ``put`` at an index; ``add.at`` adds at an index; else the
    name of the NumPy function of the operands."""
    operands: tuple[int, ...]
    """Which of the instruction's inputs, or OWN."""
    index: Any = None
    """Of ``put`` and ``add.at``: the index, with a Slot for each array."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of an array in the order in which they are written."""

    each: tuple[Part, ...]
    key: Any
    """The same as nested tuples that can be compared."""

    @classmethod
    def of(cls, parts: Iterable[Part]) -> Parts:
        """Collect parts."""
        each = tuple(parts)
        return cls(each, _comparable(each))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parts) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"{len(self.each)} parts"


def _comparable(x: Any) -> Any:
    if isinstance(x, slice):
        return ("slice", x.start, x.stop, x.step)
    return (type(x).__name__, *map(_comparable, x)) if isinstance(x, tuple) else (type(x).__name__, x)


# ------------------------------------------------------------------------------------------------- views
_STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "[]": lambda x, index: x[index],
    "reshape": lambda x, shape: x.reshape(shape),
    "transpose": lambda x, axes: x.transpose(axes),
    "swapaxes": lambda x, axes: x.swapaxes(*axes),
    "strided": lambda x, how: np.ndarray(how[0], x.dtype, x, 0, how[1]),
}


def follow(step: Step, x: NDArray[Any]) -> NDArray[Any]:
    """Take one step: give a view of an array.

    Examples
    --------
    >>> follow(("reshape", (2, 1)), np.arange(2)).tolist()
    [[0], [1]]
    """
    out: NDArray[Any] = _STEPS[step[0]](x, step[1])
    return out


def followed(path: Iterable[Step], x: NDArray[Any]) -> NDArray[Any]:
    """Take several steps, one after the other."""
    for step in path:
        x = follow(step, x)
    return x


# --------------------------------------------------------------------------------------------- assembling
def assemble(*inputs: Any, shape: tuple[int, ...], dtype: Any, order: tuple[int, ...], parts: Parts) -> NDArray[Any]:
    """Make an array of its parts; `order` lists its axes as they lie in memory, the last one the closest.

    Examples
    --------
    >>> first, rest = (("[]", slice(0, 1)),), (("[]", slice(1, 3)),)
    >>> parts = Parts.of([Part(first, "fill", (0,)), Part(rest, "add", (1, 1))])
    >>> assemble(0.0, np.array([1.0, 2.0]), shape=(3,), dtype=np.float64, order=(0,), parts=parts)
    array([0., 2., 4.])
    """
    out = np.empty([shape[a] for a in order], dtype).transpose(np.argsort(order))
    for path, how, operands, index in parts.each:
        target = followed(path, out)
        values = [target if k == OWN else inputs[k] for k in operands]
        if how in ("", "fill"):
            np.copyto(target, values[0])
        elif how in ("put", "add.at"):
            place = filled_in(index, inputs)
            if how == "put":
                target[place] = values[0]
            else:
                np.add.at(target, place, values[0])
        else:
            getattr(np, how)(*values, out=target)
    return out


def filled_in(index: Any, inputs: Sequence[Any]) -> Any:
    if isinstance(index, Slot):
        return inputs[index.operand]
    return tuple(filled_in(part, inputs) for part in index) if isinstance(index, tuple) else index


def order_of(array: NDArray[Any]) -> tuple[int, ...]:
    """List the axes of an array as they lie in memory, the last one the closest.

    Examples
    --------
    >>> order_of(np.zeros((2, 3)).T)
    (1, 0)
    """
    return tuple(sorted(range(array.ndim), key=lambda a: (-array.strides[a], a)))


def settled(parts: list[Part], start: int, number: Any, shape: tuple[int, ...], n_bytes: int) -> list[Part]:
    """Put the number that an array begins with where the parts leave or read it.

    Parameters
    ----------
    start, number
        Which input it is, and its value.
    """
    written = np.zeros(shape, bool)
    resolved = []
    for part in parts:
        region = followed(part.path, written)
        if part.how in ("put", "add.at") or OWN in part.operands:
            if part.how in ("put", "add.at") or (region.any() and not region.all()):
                return [Part(_WHOLE, "fill", (start,)), *parts]
            if not region.all():
                part = _beginning(part, start, number)  # noqa: PLW2901 - what it comes to
        region[...] = True
        resolved.append(part)
    left = [*_boxes(~written)]
    if left and (n_bytes <= _SMALL or len(left) > _MOST_BOXES):
        left = [()]
    return [*(Part((("[]", box),) if box else _WHOLE, "fill", (start,)) for box in left), *resolved]


def _beginning(part: Part, start: int, number: Any) -> Part:
    """Let a part that reads itself read the number instead; the larger of -inf and x is x."""
    others = [k for k in part.operands if k != OWN]
    if part.how == "maximum" and number == -np.inf and len(others) == 1:
        return Part(part.path, "", (others[0],))
    return part._replace(operands=tuple(start if k == OWN else k for k in part.operands))


def _boxes(mask: NDArray[Any]) -> Iterator[tuple[slice, ...]]:
    """Cover the entries of a mask that are true by boxes that do not overlap."""
    if not mask.any():
        return
    if mask.all():
        yield ()
        return
    start = 0
    for k in range(1, len(mask) + 1):
        if k == len(mask) or not np.array_equal(mask[k], mask[start]):
            along = slice(None) if k - start == len(mask) else slice(start, k)
            yield from ((along, *rest) for rest in _boxes(mask[start]))
            start = k
