"""The step as NumPy source: one call a line, into memory that is there already."""

from __future__ import annotations

import builtins
import functools
import keyword
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.full import Full, compared_with, is_filled_first
from tinygrad_edu.compiler.numpy_kinds import spelling_of
from tinygrad_edu.compiler.program import Instruction, Origin, Program, Value

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.compiler.memory import Memory
    from tinygrad_edu.compiler.pieces import Run

__all__ = ["Source", "write_source"]

_TAKEN = frozenset({"np", "predict", "step", *keyword.kwlist, *dir(builtins)})


@dataclass(slots=True)
class Source:
    """Source, and the names that it uses."""

    text: str
    names: dict[str, Any]


def write_source(
    program: Program, memory: Memory, arrays: dict[Value, NDArray[Any]], *, title: str, name: str = "step"
) -> Source:
    """Write a program as a function of its inputs: ``step`` gives the loss, ``predict`` a copy of the result."""
    return Writer(program, memory, arrays).write(title, name)


@dataclass(slots=True)
class _Pieces:
    """The arrays of a loop over pieces, by the names that they have in it."""

    run: Run
    lists: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)


@dataclass
class Writer:
    program: Program
    memory: Memory
    arrays: dict[Value, NDArray[Any]]
    names: dict[str, Any] = field(default_factory=lambda: {"np": np})
    named: dict[Value, str] = field(default_factory=dict)
    constants: dict[Any, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    pieces: _Pieces | None = None

    @functools.cached_property
    def full(self) -> Full:
        """The arrays full of one number."""
        return Full(self.program)

    def write(self, title: str, name: str) -> Source:
        arguments = ", ".join(self.name(value) for value in self.program.inputs)
        last = Origin(phase="")
        starts = {run.start: run for run in self.memory.runs}
        inside = {k for run in self.memory.runs for k in range(run.start + 1, run.stop)}
        for k, instruction in enumerate(self.program.instructions):
            if k in inside:
                continue
            written = self.run(starts[k]) if k in starts else self.instruction(instruction, k)
            origin = instruction.origin
            if not written:
                continue
            if origin.phase != last.phase or origin.line not in ("", last.line):
                self.lines.append(f"# {origin.phase}" + (f" | {origin.line}" if origin.line != last.line else ""))
            if origin.layer and (origin.layer, origin.phase) != (last.layer, last.phase):
                written[0] = f"{written[0]}  # {origin.layer}"
            self.lines.extend(written)
            last = origin
        result = self.name(self.program.result)
        answer = f"return {result}.{'item' if name == 'step' else 'copy'}()"
        body = "\n".join(f"    {line}" for line in [*self.lines, answer])
        return Source(f'def {name}({arguments}):\n    """{title}"""\n{body}\n', self.names)

    # ------------------------------------------------------------------------------------------- names
    def name(self, value: Value) -> str:
        """Name a value: the name that it has, or one like it that is not taken."""
        if self.pieces is None and value in self.named:
            return self.named[value]
        array = self.arrays.get(value)
        if self.pieces is not None and array is not None and (piece := self._piece_of(value, array)) is not None:
            return piece
        if value not in self.named:
            storage = self.memory.storages.get(value)
            if storage is not None and value.kind == "computed" and storage.kind == "state":
                there = storage.values[0]  # computed right where it belongs
                if self.arrays[there] is array:
                    return self.name(there)
            wanted = value.name if value.name not in _TAKEN else f"{value.name}_"
            self.named[value] = self._free(wanted)
            self.names[self.named[value]] = array  # None for what is local
        return self.named[value]

    def _free(self, wanted: str) -> str:
        name, n = wanted, 2
        while name in self.names:
            name, n = f"{wanted}_{n}", n + 1
        return name

    def bound(self, thing: Any, wanted: str) -> str:
        """Name something that the source calls or hands on."""
        if id(thing) not in self.constants:
            name = self._free(wanted)
            self.constants[id(thing)] = name
            self.names[name] = thing
        return self.constants[id(thing)]

    def operand(self, x: Any, instruction: Instruction) -> str:
        """Spell an input; a number as an array of one, which NumPy takes in half the time."""
        if isinstance(x, Value):
            return self._in_shape(x, instruction)
        values = [v for v in instruction.inputs if isinstance(v, Value)]
        if instruction.op.kind != "elementwise" or isinstance(x, bool) or not values or instruction.op is p.WHERE:
            return repr(x)
        assert instruction.out is not None  # noqa: S101 - what is elementwise has a result
        if compared_with(instruction) is not None:
            return self._full(x, instruction)
        return self._number(x, np.result_type(*(v.dtype for v in values), x))

    def _in_shape(self, x: Value, instruction: Instruction) -> str:
        """Name a value, or a view of it in the result's shape: then NumPy needs no plan for how to go through both."""
        out, array = instruction.out, self.arrays.get(x)
        if x.kind == "constant" and x.array.size == 1 and instruction.op.kind in ("elementwise", "scatter"):
            return self._number(x.array.item(), x.dtype)
        if out is None or x.shape == out.shape or instruction.op.kind != "elementwise" or array is None or self.pieces:
            return self.name(x)
        if x.shape == () or array.size not in (1, out.array.size) or not array.flags.c_contiguous:
            return self.name(x)
        view = array.reshape(() if array.size == 1 else out.shape)
        wanted = f"{self.name(x)}_as_{'x'.join(map(str, view.shape)) or '0d'}"
        return self._constant((id(array), view.shape), wanted, view)

    def _number(self, number: Any, dtype: np.dtype[Any]) -> str:
        """Name an array of one number."""
        return self._constant((repr(number), dtype), f"c_{_spelled(number)}", np.array(number, dtype))

    def _full(self, x: Any, instruction: Instruction) -> str:
        """Name an array full of a number; or the result, which is filled with it first."""
        assert instruction.out is not None  # noqa: S101 - what is elementwise has a result
        if is_filled_first(instruction):
            return self.name(instruction.out)
        array, name = self.full.for_(instruction), "zeros" if x == 0 else f"all_{_spelled(x)}"
        if self.pieces is not None:
            self.pieces.lists[f"{name}_piece"] = [array[s] for s in self.pieces.run.bounds()]
            return f"{name}_piece"
        key = (repr(x), array.dtype, array.shape, array.strides)
        return self._constant(key, "_".join([name, *map(str, array.shape)]), array)

    def _constant(self, key: Any, wanted: str, array: NDArray[Any]) -> str:
        if key not in self.constants:
            self.constants[key] = self._free(wanted)
            self.names[self.constants[key]] = array
        return self.constants[key]

    # ------------------------------------------------------------------------------------------ pieces
    def run(self, run: Run) -> list[str]:
        """Spell instructions that are taken piece by piece: a loop over the pieces of all their arrays."""
        self.pieces = _Pieces(run)
        lines = [
            f"    {line}"
            for k in range(run.start, run.stop)
            for line in self.instruction(self.program.instructions[k], k)
        ]
        columns, self.pieces = self.pieces, None
        pieces = self._free("pieces")
        self.names[pieces] = [*zip(*columns.lists.values(), strict=True)]
        names = ", ".join(columns.lists)
        if len(names) > 80:
            wrapped = textwrap.wrap(names, 100)
            return ["for (", *(f"    {line}" for line in wrapped), f") in {pieces}:", *lines]
        return [f"for {names} in {pieces}:", *lines]

    def _piece_of(self, value: Value, array: NDArray[Any]) -> str | None:
        """Name the piece of an array that the loop is at; None if the array is the same for all pieces."""
        run = self.pieces.run if self.pieces is not None else None
        if run is None or self.pieces is None or not run.cut(value):
            return None
        storage = self.memory.storages[value]
        there = storage.values[0]
        in_state = value.kind == "computed" and storage.kind == "state" and self.arrays[there] is array
        if id(array) not in self.pieces.names:
            wanted = f"{(there if in_state else value).name}_piece"
            taken = sum(name.startswith(wanted) for name in self.pieces.lists)
            self.pieces.names[id(array)] = f"{wanted}_{taken + 1}" if taken else wanted
        name = self.pieces.names[id(array)]
        local = len(array) < run.shape[0]
        self.pieces.lists[name] = [array[: s.stop - s.start] if local else array[s] for s in run.bounds()]
        return name

    # ------------------------------------------------------------------------------------ instructions
    def instruction(self, i: Instruction, position: int) -> list[str]:
        """Spell one instruction, as no, one or two lines."""
        if i.op is p.JOIN or (i.op is p.VIEW and i.out in self.arrays):
            return []
        if i.op is p.WRITE:
            return [] if position in self.memory.in_place else [self._copy(i.inputs[0], i.inputs[1])]
        spell = spelling_of(i)
        if spell is not None:
            lines = spell(self, i)
            return [lines] if isinstance(lines, str) else lines
        assert i.out is not None  # noqa: S101 - all others make a value
        out = self.name(i.out)
        first = [f"{out}.fill({compared_with(i)!r})"] if is_filled_first(i) else []
        return [*first, f"np.{i.op.name}({self.operands(i)}{self.options(i)}, out={out})"]

    def operands(self, i: Instruction) -> str:
        """Spell the inputs of a call."""
        return ", ".join([self.operand(x, i) for x in i.inputs])

    def options(self, i: Instruction) -> str:
        """Spell the keywords of a call, each after a comma."""
        if not i.options:
            return ""
        return "".join(f", {k}={self.option(k, option)}" for k, option in i.options.items() if option is not False)

    def option(self, name: str, option: Any) -> str:
        """Spell an option."""
        if isinstance(option, Value):
            return self.name(option)
        if isinstance(option, tuple):
            parts = [self.option(name, part) for part in option]
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        if isinstance(option, np.dtype) or (isinstance(option, type) and issubclass(option, np.generic)):
            return f"np.{np.dtype(option).name}"
        if option is None or option is Ellipsis or isinstance(option, (bool, int, float, str, slice)):
            return repr(option)
        return self.bound(option, name)

    def _copy(self, target: Value, value: Value) -> str:
        return f"{self.name(target)}[...] = {self.name(value)}"


def _spelled(x: Any) -> str:
    text = f"{x:.4g}" if isinstance(x, float) else repr(x)
    return text.replace("-", "minus_").replace(".", "_").replace("+", "")
