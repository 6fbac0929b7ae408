"""What the compiler works on: a list of instructions, each of which makes one value of others.

Every value is made once and never changes; where the training step overwrites something, the new values are a value
of their own, and a ``write`` says where they belong. So instructions can be taken out, merged and moved by looking
at who reads what.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

__all__ = ["Instruction", "Origin", "Program", "Slice", "Value", "layout", "values_in"]


class Origin(NamedTuple):
    """Where an instruction comes from."""

    line: str = ""
    """The user's line, as in ``train.py:12: loss = criterion(model(x), y)``."""
    layer: str = ""
    """The layer, as in ``0 (Linear 64→128)``."""
    phase: str = "forward"
    """``forward``, ``backward`` or ``update``."""
    member: str = ""
    """In an update, the parameter that it is the update of."""


class Slice(NamedTuple):
    """A place in a flat vector: where one parameter, or its gradient, lies beside the others."""

    flat: Value
    start: int


@dataclass(eq=False, slots=True)
class Value:
    """One array of the program.

    ``kind`` says where it comes from: an ``input`` of the step; ``state`` that outlives it, such as a weight; a
    ``constant``; a ``number`` that Python computes anew in each step, such as the learning rate; or ``computed``.
    """

    name: str
    kind: str
    array: NDArray[Any]
    """An example with the shape, dtype and memory layout that it always has; of a constant or state, the array."""
    place: Slice | None = None
    """Where it lies in a flat vector, if it does."""
    owner: Any = None
    """Of state: what holds the array; see `capture.State`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of its axes."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Its dtype."""
        return self.array.dtype

    def __repr__(self) -> str:
        return self.name


NO_OPTIONS: dict[str, Any] = {}
"""What instructions without options share; nothing is put into it."""


@dataclass(slots=True, eq=False)  # not frozen, which would take three times as long to make; yet nothing changes it
class Instruction:
    """One operation on values: ``out = op(*inputs, **options)``.

    Inputs are values and Python numbers; options may hold values too, such as an index.
    """

    op: Any
    """A row of the table of operations, or, after lowering, one call of NumPy: see `primitives`."""
    inputs: tuple[Any, ...]
    out: Value | None
    options: dict[str, Any] = field(default_factory=lambda: NO_OPTIONS)
    origin: Origin = Origin()  # noqa: RUF009 - it cannot change
    _reads: tuple[Value, ...] | None = field(default=None, init=False, repr=False)

    def reads(self) -> tuple[Value, ...]:
        """List the values that it reads."""
        if self._reads is None:
            found = [x for x in self.inputs if type(x) is Value]
            for option in self.options.values():
                if type(option) is Value or type(option) is tuple:
                    found.extend(values_in(option))
            self._reads = tuple(found)
        return self._reads

    def rewired(self, known: Mapping[Value, Value]) -> Instruction:
        """Give the same instruction on other values, those in `known` in place of its own; itself if there are none."""
        for value in self.reads() if known else ():
            if value in known:
                break
        else:
            return self
        options = {name: _map(option, known) for name, option in self.options.items()}
        return Instruction(self.op, _map(self.inputs, known), self.out, options, self.origin)

    def __str__(self) -> str:
        spell = _SPELLINGS.get(getattr(self.op, "kind", "row"))
        if spell is not None:
            return spell(self)
        given = [*map(_worded, self.inputs), *(f"{k}={_worded(v)}" for k, v in self.options.items())]
        call = f"{self.op.name}({', '.join(given)})"
        if self.out is None:
            return call
        shape = "×".join(map(str, self.out.shape)) or "()"
        return f"{self.out.name} = {call}  # {self.out.dtype} {shape}"


@dataclass(frozen=True, slots=True)
class Program:
    """The instructions of a step, what goes in and what comes out."""

    instructions: list[Instruction]
    inputs: tuple[Value, ...]
    result: Any
    """The loss: a value."""
    keeps: tuple[tuple[Any, Value], ...] = ()
    """(parameter, gradient): what is found in ``parameter.grad`` after the step."""

    def __str__(self) -> str:
        return "\n".join(map(str, self.instructions))

    def outcome(self) -> Iterator[Value]:
        """Go through the values that are asked for when the step is over; writes are instructions of their own."""
        if isinstance(self.result, Value):
            yield self.result
        for _, gradient in self.keeps:
            yield gradient

    def with_instructions(
        self, instructions: Iterable[Instruction], known: Mapping[Value, Value] | None = None
    ) -> Program:
        """Give the same program with other instructions; of its results, those in `known` are other values now."""
        if not known:
            return replace(self, instructions=list(instructions))
        keeps = tuple((parameter, known.get(gradient, gradient)) for parameter, gradient in self.keeps)
        return Program(list(instructions), self.inputs, _map(self.result, known), keeps)


_NOTHING = np.zeros(2, np.complex128)
_ITS_ADDRESS = _NOTHING.__array_interface__["data"][0]


class _Description:
    """What NumPy asks of something that is to be seen as an array."""

    __slots__ = ("__array_interface__",)

    __array_interface__: dict[str, Any]


def layout(shape: tuple[int, ...], dtype: np.dtype[Any], strides: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Give an example of a shape, dtype and layout that takes no memory: its entries must not be looked at.

    Examples
    --------
    >>> layout((1000, 1000), np.dtype("float32")).flags.c_contiguous
    True
    """
    if 0 in shape:
        return np.empty(shape, dtype)
    described = _Description()
    described.__array_interface__ = {
        "version": 3,
        "shape": shape,
        "strides": strides,
        "typestr": dtype.str,
        "data": (_ITS_ADDRESS, True),
    }
    array = np.asarray(described)
    del described.__array_interface__
    return array


def values_in(option: Any) -> Iterator[Value]:
    """Go through the values in nested tuples."""
    if type(option) is Value:
        yield option
    elif type(option) is tuple:
        for part in option:
            yield from values_in(part)


def n_bytes(value: Value) -> int:
    """Count the bytes of a value."""
    return value.array.nbytes


def _map(option: Any, known: Mapping[Value, Value]) -> Any:
    if type(option) is Value:
        return known.get(option, option)
    if type(option) is tuple:
        return tuple([_map(part, known) for part in option])
    return option


def _worded(option: Any) -> str:
    if isinstance(option, tuple):
        return f"({', '.join(map(_worded, option))}{',' if len(option) == 1 else ''})"
    if isinstance(option, np.ndarray):
        return f"array{option.shape}"
    if isinstance(option, np.random.Generator):
        return "rng"
    if callable(option):
        owner = getattr(option, "__self__", None)
        name = getattr(option, "__name__", type(option).__name__)
        return name if owner is None else f"{type(owner).__name__.lower()}.{name}"
    return repr(option)


def _view(i: Instruction) -> str:
    spelling = i.options["spelling"]
    return f"{i.out} = {i.inputs[0]}{'' if spelling.startswith('[') else '.'}{spelling}"


def _call(i: Instruction) -> str:
    numbers = ", ".join(dict.fromkeys(value.name for value in i.options["numbers"]))
    return f"{numbers}{' = ' if numbers else ''}{_worded(i.options['call'])}()"


_SPELLINGS: dict[str, Callable[[Instruction], str]] = {
    "view": _view,
    "call": _call,
    "check": lambda i: f"check {_worded(i.options['refuse'])}({', '.join(map(_worded, i.inputs))})",
    "write": lambda i: f"{i.inputs[0]} ← {i.inputs[1]}",
}
