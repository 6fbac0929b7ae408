"""What symbols write to: the list of the calls that they take part in, and the constants that these share."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import OWN, Part, Parts, Slot, assemble, follow, order_of, settled
from tinygrad_edu.compiler.program import Instruction, Origin, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.compiler.assembling import Step
    from tinygrad_edu.compiler.primitives import Primitive

__all__ = ["Tracer", "UntraceableError"]


class UntraceableError(Exception):
    """A forward does something that is no single call of NumPy on its inputs."""


class Tracer:
    """Collects the instructions that symbols make."""

    def __init__(self) -> None:
        self.instructions: list[Instruction] = []
        self.origin = Origin()
        self.base = "x"
        self.opaque: set[Value] = set()
        """What rows made that are called as they are: where it lies is theirs to choose."""
        self._views: dict[Value, str] = {}  # by name, what each is a view of
        self._bounds: dict[Value, int] = {}
        self._constants: dict[int, Value] = {}
        self._numbers: dict[Any, Any] = {}
        self._starts: dict[tuple[int, ...], Any] = {}

    # ---------------------------------------------------------------------------------------- operands
    def operand(self, x: Any) -> Any:
        """Give the value of what a call was given; numbers as they are."""
        if hasattr(x, "tracer"):
            return x.value
        if isinstance(x, (np.ndarray, np.generic)):
            if id(x) not in self._constants:
                array = np.asarray(x)
                name = "_".join([_content(array) or f"constant_{len(self._constants)}", *map(str, array.shape)])
                self._constants[id(x)] = Value(name, "constant", array, owner=x)
            return self._constants[id(x)]
        if isinstance(x, (bool, int, float)) or x is None:
            return x
        raise UntraceableError(type(x).__name__)

    def constant(self, value: Value) -> NDArray[Any]:
        """Give a constant as the array that it is, which is known again as an operand."""
        self._constants.setdefault(id(value.array), value)
        return value.array

    def number(self, x: Any, dtype: Any) -> Any:
        """Make a Python number an array of one, the same one each time; give anything else as it is."""
        if not isinstance(x, (bool, int, float)):
            return x
        key = (repr(x), np.dtype(dtype))
        if key not in self._numbers:
            self._numbers[key] = array = np.array(x, dtype)
            self.operand(array).name = _identifier(f"c_{x!r}".replace("-", "minus_"))
        return self._numbers[key]

    # ------------------------------------------------------------------------- indices within their range
    def bound(self, value: Value, n: int) -> None:
        """Note that the step checks whole numbers to be in 0 ... n - 1."""
        self._bounds[value] = min(n, self._bounds.get(value, n))

    def within(self, value: Any, n: int) -> bool:
        """Tell whether whole numbers were checked to be in 0 ... n - 1."""
        return isinstance(value, Value) and value.dtype.kind in "iu" and self._bounds.get(value, n + 1) <= n

    def places(self, rows: Any, classes: Any, shape: tuple[int, ...]) -> Any:
        """Compute where in a flat array of `shape` the entry of each row's class lies; None if that is not safe."""
        if classes.ndim != 1 or not self.within(classes.value, shape[1]):
            return None
        if not (isinstance(rows, np.ndarray) and np.array_equal(rows, np.arange(shape[0]))):
            return None
        if shape not in self._starts:
            self._starts[shape] = starts = np.arange(shape[0]) * shape[1]
            self.operand(starts)
            self._constants[id(starts)].name = f"row_starts_{shape[0]}"
        index = classes if classes.dtype == np.int64 else classes.astype(np.int64)
        places: Any = np.add(self._starts[shape], index)
        places.value.name = "places"
        return places

    # ------------------------------------------------------------------------------------ instructions
    def note(self, op: Primitive, inputs: tuple[Any, ...], array: NDArray[Any], options: dict[str, Any]) -> Value:
        """Note a call on values, whose result on the examples is `array`."""
        out = Value(_identifier(f"{self.base}_{_WORDS.get(op.name, op.name)}"), "computed", array)
        self.instructions.append(Instruction(op, inputs, out, options, self.origin))
        return out

    def view(self, value: Value, step: Step) -> Value:
        """Note a view."""
        spelling = spelled(step)
        options = {"spelling": spelling, "make": lambda x: follow(step, x)}
        view = self.note(p.VIEW, (value,), follow(step, value.array), options)
        word = _WORDS.get(spelling) or {"[]": "part", "strided": "windows"}.get(step[0], spelling.split("(")[0])
        view.name = f"{value.name}_{word}" if value not in self._views else f"{self._views[value]}_view"
        self._views[view] = self._views.get(value, value.name)
        return view

    def assembled(self, array: NDArray[Any], written: list[tuple[Any, ...]], start: Value | None, number: Any) -> Value:
        """Note an array that was written part by part, into what it held before or a number that it was full of."""
        inputs: list[Value] = []

        def slot(x: Any) -> int:
            if x is None:
                return OWN
            value: Value = x if isinstance(x, Value) else self.operand(self.number(x, array.dtype))
            if value not in inputs:
                inputs.append(value)
            return inputs.index(value)

        parts = [
            Part(path, how, tuple(map(slot, operands)), _reslotted(index, operands, slot))
            for path, how, operands, index in written
        ]
        first = parts[0] if parts else None
        if first is not None and not first.path and first.how not in ("put", "add.at"):
            pass  # all of it is overwritten at once
        elif start is not None:
            parts.insert(0, Part((), "", (slot(start),)))
        elif number is not None:
            parts = settled(parts, slot(number), number, array.shape, array.nbytes)
        if len(parts) == 1 and not parts[0].path and parts[0].how == "":
            (value,) = inputs
            if (value.shape, value.dtype, value.array.strides) == (array.shape, array.dtype, array.strides):
                return value
        options: dict[str, Any] = {"shape": array.shape, "dtype": array.dtype, "order": order_of(array)}
        options["parts"] = Parts.of(parts)
        result = assemble(*(v.array for v in inputs), **options)
        return self.note(p.ASSEMBLE, tuple(inputs), result, options)


def _reslotted(index: Any, operands: tuple[Any, ...], slot: Any) -> Any:
    """Let an index name its arrays by their place among an instruction's inputs."""
    if isinstance(index, Slot):
        return Slot(slot(operands[index.operand]))
    return tuple(_reslotted(part, operands, slot) for part in index) if isinstance(index, tuple) else index


# How the parts of a row are named, where NumPy's name of the call would be long or say little.
_WORDS = {
    "[:, None]": "column",
    "[None]": "row",
    "add.accumulate": "cumsum",
    "add.reduce": "sum",
    "assemble": "parts",
    "copyto": "copy",
    "maximum.reduce": "max",
    "minimum.reduce": "min",
    "subtract": "difference",
    "take": "picked",
}


@functools.cache
def _identifier(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)


def _content(array: NDArray[Any]) -> str:
    if not array.ndim or not array.size:
        return ""
    first = array.item(0)
    if first in (0, 1) and bool((array == first).all()):
        return "ones" if first else "zeros"
    return "positions" if array.ndim == 1 and first == 0 and np.array_equal(array, np.arange(len(array))) else ""


def spelled(step: Step) -> str:
    """Spell one step to a view, as Python writes it after the name.

    Examples
    --------
    >>> spelled(("[]", (slice(2, None), 0, Ellipsis))), spelled(("reshape", (2, 3))), spelled(("transpose", None))
    ('[2:, 0, ...]', 'reshape((2, 3))', 'T')
    """
    name, how = step
    if name == "[]":
        return f"[{', '.join(map(_spelled_index, how))}]"
    if name == "swapaxes":
        return f"swapaxes({how[0]}, {how[1]})"
    return "T" if step == ("transpose", None) else f"{name}({how})"


def _spelled_index(part: Any) -> str:
    if isinstance(part, slice):
        start, stop = ("" if x is None else str(x) for x in (part.start, part.stop))
        return f"{start}:{stop}" + ("" if part.step is None else f":{part.step}")
    return "..." if part is Ellipsis else str(part)
