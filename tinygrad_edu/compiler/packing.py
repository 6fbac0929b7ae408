"""A record in a few bytes, for as long as no one looks at it.

A record is some hundred objects of Python, which together take more memory than a small network. Here it is one
string of bytes, and references to what others hold anyway: rows, weights, generators.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.program import Instruction, Origin, Program, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Packed"]

_PLAIN = (int, float, str, bool, type(None))
_EXAMPLES = ("computed", "input")  # kinds of values whose arrays are examples: their entries are not needed


class Packed:
    """A program that takes little memory; ``unpack`` gives it back, with zeros for the examples of its values.

    Examples
    --------
    >>> x = Value("x", "input", np.ones((2, 3)))
    >>> packed = Packed(Program([Instruction(np.add, (x, 1), Value("y", "computed", x.array))], (x,), x))
    >>> packed.unpack().instructions[0].inputs[0].array
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """

    __slots__ = ("_bytes", "_things")

    def __init__(self, program: Program) -> None:
        writer = _Writer()
        instructions = [
            (
                writer.thing(i.op),
                writer(i.inputs),
                writer(i.out),
                writer((*i.options.items(),)) if i.options else (),
                writer.origin(i.origin),
            )
            for i in program.instructions
        ]
        rest = writer(program.inputs), writer(program.result), writer(program.keeps)
        self._bytes = pickle.dumps((instructions, rest, writer.values, [(*o,) for o in writer.origins]))
        self._things = tuple(writer.things)

    def unpack(self) -> Program:
        """Give the program back."""
        instructions, rest, values, origins = pickle.loads(self._bytes)  # noqa: S301 - written above
        reader = _Reader(self._things, values)
        where = [Origin(*origin) for origin in origins]
        inputs, result, keeps = map(reader, rest)
        read = [
            Instruction(self._things[op], reader(given), reader(out), dict(reader(options)), where[origin])
            for op, given, out, options, origin in instructions
        ]
        return Program(read, inputs, result, keeps)


class _Writer:
    """Writes values and things as numbers: a list of one number stands for a value, of two for a thing."""

    def __init__(self) -> None:
        self.values: list[tuple[Any, ...]] = []
        self.things: list[Any] = []
        self.origins: dict[Origin, int] = {}
        self._known: dict[int, int] = {}  # by identity; all of these live as long as the program

    def __call__(self, x: Any) -> Any:
        kind = type(x)
        if kind is Value:
            known = self._known.get(id(x))
            return [self.value(x) if known is None else known]
        if kind is tuple:
            return tuple([self(part) for part in x])
        if kind is list:
            return ["list", *map(self, x)]
        return x if kind in _PLAIN else [self.thing(x), 0]

    def value(self, value: Value) -> int:
        """Write a value down."""
        number, array = len(self.values), value.array
        self._known[id(value)] = number
        if value.kind in _EXAMPLES:
            self.values.append((value.name, value.kind, (array.shape, array.dtype.str, array.strides), None))
        else:
            self.values.append((value.name, value.kind, self.thing(array), self.thing(value.owner)))
        return number

    def thing(self, x: Any) -> int:
        """Give what someone else holds a number."""
        if id(x) not in self._known:
            self._known[id(x)] = len(self.things)
            self.things.append(x)
        return self._known[id(x)]

    def origin(self, origin: Origin) -> int:
        """Give where an instruction comes from a number."""
        return self.origins.setdefault(origin, len(self.origins))


class _Reader:
    def __init__(self, things: tuple[Any, ...], values: list[tuple[Any, ...]]) -> None:
        self.things = things
        self.values = [
            Value(name, kind, things[array], owner=things[owner])
            if owner is not None
            else Value(name, kind, zeros(array[0], np.dtype(array[1]), array[2]))
            for name, kind, array, owner in values
        ]

    def __call__(self, x: Any) -> Any:
        if type(x) is tuple:
            return tuple([self(part) for part in x])
        if type(x) is not list:
            return x
        if x[0] == "list":
            return [self(part) for part in x[1:]]
        return self.values[x[0]] if len(x) == 1 else self.things[x[0]]


def zeros(shape: tuple[int, ...], dtype: np.dtype[Any], strides: tuple[int, ...]) -> NDArray[Any]:
    """Make an array of zeros of any layout.

    Examples
    --------
    >>> zeros((2, 3), np.dtype("float32"), (4, 8)).flags.f_contiguous
    True
    """
    if 0 in shape:
        return np.zeros(shape, dtype)
    ends = [(n - 1) * step for n, step in zip(shape, strides, strict=True)]
    first, last = -sum(end for end in ends if end < 0), sum(end for end in ends if end > 0)
    return np.ndarray(shape, dtype, np.zeros(first + last + dtype.itemsize, np.uint8), first, strides)
