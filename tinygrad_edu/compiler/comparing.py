"""Is the program right? Two records of the step are compared, and what each changed with what the program changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.program import Instruction, Value
from tinygrad_edu.errors import CaptureError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tinygrad_edu.compiler.capture import Capture
    from tinygrad_edu.compiler.program import Program

__all__ = ["Outcome", "refuse_differences"]


# ----------------------------------------------------------------------------------------- two records
def refuse_differences(first: Program, second: Program) -> None:
    """Raise if a step did something else the second time: a number or an array differs that is no input.

    Raises
    ------
    CaptureError
        It names the line and both numbers.
    """
    same: dict[Value, Value] = dict(zip(first.inputs, second.inputs, strict=True))
    for a, b in zip(first.instructions, second.instructions, strict=False):
        if a.op is not b.op and a.op.name != b.op.name:
            raise CaptureError(
                f"At {b.origin.line}: the step did {a.op.name} in its first call and {b.op.name} in its second, so "
                f"that no one program is both. What differs between calls has to be an input or a Tensor."
            )
        _compare(a.inputs, b.inputs, same, b)
        _compare(tuple(a.options.values()), tuple(b.options.values()), same, b)
        if a.out is not None and b.out is not None:
            same[a.out] = b.out
    if len(first.instructions) != len(second.instructions):
        raise CaptureError(
            f"The step ran {len(first.instructions)} operations in its first call and {len(second.instructions)} in "
            f"its second, so that no one program is both. Decisions that change between calls cannot be recorded."
        )


def _compare(x: Any, y: Any, same: dict[Value, Value], at: Instruction) -> None:
    if isinstance(x, tuple) and isinstance(y, tuple) and len(x) == len(y):
        for a, b in zip(x, y, strict=True):
            _compare(a, b, same, at)
        return
    if isinstance(x, Value) and isinstance(y, Value):
        if x not in same and x.kind in ("constant", "state", "number"):
            same[x] = y
            fixed = x.owner is None and x.kind != "number" and x.array is not y.array
            if fixed and not _equal(x.array, y.array):
                raise _changed(_worded(x.array), _worded(y.array), at)
        if same.get(x) is y or (x.owner is None and x.kind != "computed" and _equal(same[x].array, y.array)):
            return
    elif isinstance(x, np.ndarray) or (callable(x) and callable(y)) or x is y or (type(x) is type(y) and _equal(x, y)):
        return
    raise _changed(repr(x), repr(y), at)


def _changed(x: str, y: str, at: Instruction) -> CaptureError:
    return CaptureError(
        f"At {at.origin.line}: {at.op.name} was given {x} in the first call and {y} in the second, but this is no "
        f"input, so that it would be a fixed part of the compiled step. Hand it in as an argument, or keep it in a "
        f"Tensor that is made once and changed in place."
    )


def _equal(x: Any, y: Any) -> bool:
    if isinstance(x, np.ndarray):
        return bool(x.shape == y.shape and np.array_equal(x, y, equal_nan=x.dtype.kind == "f"))
    return bool(x == y) or (x != x and y != y)  # noqa: PLR0124 - NaN


def _worded(array: NDArray[Any]) -> str:
    return f"{array.item():g}" if array.size == 1 else f"an array that begins with {array.reshape(-1)[:3].tolist()}"


# ------------------------------------------------------------------------------------------- what changed
@dataclass(slots=True)
class Change:
    """An array that a step changes, as it was before and as it is to be."""

    name: str
    holder: Callable[[], NDArray[Any]]
    before: NDArray[Any]
    after: NDArray[Any]


class Outcome:
    """What a step did: to compare with what its program does, and to undo."""

    def __init__(self, program: Program, capture: Capture) -> None:
        self.loss = program.result.array.item()
        self.changes = [
            Change(name, holder, before, holder().copy()) for name, holder, before in capture.undo.changes()
        ]
        self._generators = [
            (generator, before, generator.bit_generator.state) for generator, before in capture.undo.generators
        ]

    def undo(self) -> None:
        """Put everything back as it was before the step."""
        for change in self.changes:
            change.holder()[...] = change.before
        for generator, before, _ in self._generators:
            generator.bit_generator.state = before

    def differences(self, loss: float, tolerance: float | None) -> list[str]:
        """Name what is not as the step made it: bit for bit, or within a tolerance relative to the largest entry.

        The largest is that of all arrays of a kind, of all momenta, say: where a gradient is 0 but for rounding, as
        that of a bias before batch normalisation, its own largest entry says nothing.
        """
        largest: dict[str, float] = {}
        for c in self.changes if tolerance is not None else ():
            kind = c.name.split("_")[0]
            largest[kind] = max(largest.get(kind, 0.0), _largest(c.after))
        wrong = [
            c.name
            for c in self.changes
            if not _agree(c.holder(), c.after, tolerance, largest.get(c.name.split("_")[0], 0))
        ]
        if any(_state(generator) != _plain(after) for generator, _, after in self._generators):
            wrong.append("the random numbers")
        # A small loss is the difference of larger numbers.
        close = tolerance is not None and abs(loss - self.loss) <= tolerance * max(abs(self.loss), 1.0)
        if not close and not _agree(np.asarray(loss), np.asarray(self.loss), tolerance):
            wrong.append("the loss")
        return wrong


def _state(generator: Any) -> Any:
    return _plain(generator.bit_generator.state)


def _plain(state: Any) -> Any:
    if isinstance(state, dict):
        return {name: _plain(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state


def _largest(a: NDArray[Any]) -> float:
    return float(np.abs(a[np.isfinite(a)]).max(initial=0)) if a.dtype.kind == "f" else 0.0


def _agree(a: NDArray[Any], b: NDArray[Any], tolerance: float | None, largest: float = 0.0) -> bool:
    if tolerance is None or a.dtype.kind != "f":
        same = a.dtype == b.dtype and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()
        return same or bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") and _same_zeros(a, b))
    if a.dtype.itemsize == 8:
        tolerance *= 1e-6
    finite = np.isfinite(b)
    if not np.array_equal(np.isfinite(a), finite):
        return False
    largest = max(largest, _largest(b), 1e-30)
    return bool(np.all(np.abs(a[finite] - b[finite]) <= tolerance * largest))


def _same_zeros(a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Tell whether equal arrays have equal signs too, but for NaN."""
    return bool(np.all((np.signbit(a) == np.signbit(b)) | np.isnan(a))) if a.dtype.kind == "f" else True
