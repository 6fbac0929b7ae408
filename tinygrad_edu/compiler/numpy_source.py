"""The step as NumPy source: one call a line, into memory that is there already."""

from __future__ import annotations

import builtins
import keyword
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import OWN, Slot, followed
from tinygrad_edu.compiler.program import Instruction, Origin, Program, Value

if TYPE_CHECKING:
    from collections.abc import Callable

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
    return _Writer(program, memory, arrays).write(title, name)


@dataclass(slots=True)
class _Pieces:
    """The arrays of a loop over pieces, by the names that they have in it."""

    run: Run
    lists: dict[str, list[NDArray[Any]]] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)


@dataclass
class _Writer:
    program: Program
    memory: Memory
    arrays: dict[Value, NDArray[Any]]
    names: dict[str, Any] = field(default_factory=lambda: {"np": np})
    named: dict[Value, str] = field(default_factory=dict)
    constants: dict[Any, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    pieces: _Pieces | None = None

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
            return self.name(x)
        values = [v for v in instruction.inputs if isinstance(v, Value)]
        if instruction.op.kind != "elementwise" or isinstance(x, bool) or not values or instruction.op is p.WHERE:
            return repr(x)
        assert instruction.out is not None  # noqa: S101 - what is elementwise has a result
        dtype = np.result_type(*(v.dtype for v in values), x)
        if instruction.op.run in (np.maximum, np.minimum):  # four times as fast as against one number
            shape = instruction.out.shape
            if self.pieces is not None:
                return self._constant_piece(x, dtype)
            key = (repr(x), dtype, shape, instruction.out.array.strides)
            wanted = "_".join(["zeros" if x == 0 else f"all_{_spelled(x)}", *map(str, shape)])
            return self._constant(key, wanted, np.full_like(instruction.out.array, x, dtype))
        return self._constant((repr(x), dtype), f"c_{_spelled(x)}", np.array(x, dtype))

    def _constant_piece(self, x: Any, dtype: np.dtype[Any]) -> str:
        assert self.pieces is not None  # noqa: S101 - asked before
        run, name = self.pieces.run, "zeros" if x == 0 else f"all_{_spelled(x)}"
        array = np.full((run.rows, *run.shape[1:]), x, dtype)
        self.pieces.lists[f"{name}_piece"] = [array[: s.stop - s.start] for s in run.bounds()]
        return f"{name}_piece"

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
        if i.op is p.CALL:
            return self._call(i)
        if i.op is p.CHECK:
            refuse = i.options["refuse"]
            return [f"{self.bound(refuse, refuse.__name__)}({self._list(i)})"]
        assert i.out is not None  # noqa: S101 - all others make a value
        if i.op is p.WHERE:
            return self._where(i)
        spell = _SPELLINGS.get(i.op.kind) if i.op is not p.SCATTER else _scatter
        lines = (
            spell(self, i)
            if spell is not None
            else f"np.{i.op.name}({self._list(i)}{self._options(i)}, out={self.name(i.out)})"
        )
        return [lines] if isinstance(lines, str) else lines

    def _list(self, i: Instruction) -> str:
        return ", ".join(self.operand(x, i) for x in i.inputs)

    def _options(self, i: Instruction) -> str:
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
        return f"np.copyto({self.name(target)}, {self.name(value)})"

    def _call(self, i: Instruction) -> list[str]:
        call, numbers = i.options["call"], i.options["numbers"]
        owner = getattr(call, "__self__", None)
        wanted = call.__name__ if owner is None else type(owner).__name__.lower()
        spelled = (
            f"{self.bound(owner, wanted)}.{call.__name__}()" if owner is not None else f"{self.bound(call, wanted)}()"
        )
        if not numbers:
            return [spelled]
        once = len({value.name for value in numbers})
        groups = [numbers[k : k + once] for k in range(0, len(numbers), once)]
        targets = " = ".join(
            ", ".join(f"{self.name(v)}[()]" for v in group) + ("," if once == 1 else "") for group in groups
        )
        return [f"{targets} = {spelled}"]

    def _where(self, i: Instruction) -> list[str]:
        condition, x, y = (self.operand(part, i) for part in i.inputs)
        assert i.out is not None  # noqa: S101 - where makes a value
        out, y_value = self.name(i.out), i.inputs[2]
        there = isinstance(y_value, Value) and self.memory.storages[y_value] is self.memory.storages[i.out]
        first = [] if there and y_value.shape == i.out.shape else [f"np.copyto({out}, {y})"]
        return [*first, f"np.copyto({out}, {x}, where={condition})"]


def _spelled(x: Any) -> str:
    return repr(x).replace("-", "minus_").replace(".", "_").replace("+", "")


# -------------------------------------------------------------------------------------- kinds of their own
def _view(w: _Writer, i: Instruction) -> str:
    spelling = i.options["spelling"]
    dot = "" if spelling.startswith("[") else "."
    return f"{w.name(i.out)} = {w.name(i.inputs[0])}{dot}{spelling}"  # type: ignore[arg-type]


def _copied(w: _Writer, i: Instruction) -> str:
    casting = ', casting="unsafe"' if i.op is p.AS_TYPE else ""
    return f"np.copyto({w.name(i.out)}, {w.operand(i.inputs[0], i)}{casting})"  # type: ignore[arg-type]


def _gather(w: _Writer, i: Instruction) -> str:
    assert i.out is not None  # noqa: S101 - it makes a value
    if i.op is p.TAKE:
        return f'{w.name(i.inputs[0])}.take({w.name(i.inputs[1])}, out={w.name(i.out)}, mode="clip")'
    if i.op is p.TAKE_ROWS:
        source, where = map(w.name, i.inputs)
        return f'{source}.take({where}, axis=0, out={w.name(i.out)}, mode="clip")'
    index = w.option("index", i.options["index"])
    return f"np.copyto({w.name(i.out)}, {w.name(i.inputs[0])}[{index}])"


def _scatter(w: _Writer, i: Instruction) -> list[str]:
    values, where = i.inputs
    assert i.out is not None  # noqa: S101 - it makes a value
    out = w.name(i.out)
    return [f"{out}.fill(0)", f"{out}.put({w.name(where)}, {w.operand(values, i)})"]


def _assemble(w: _Writer, i: Instruction) -> list[str]:
    assert i.out is not None  # noqa: S101 - it makes a value
    array, out, lines = w.arrays[i.out], w.name(i.out), []
    for k, part in enumerate(i.options["parts"].each):
        target = w.bound(followed(part.path, array), f"{out}_{k}") if part.path else out
        operands = [target if n == OWN else w.name(i.inputs[n]) for n in part.operands]
        if part.how == "fill":
            number = i.inputs[part.operands[0]].array.item()
            lines.append(f"{target}.fill({number!r})" if np.isfinite(number) else f"{target}.fill({operands[0]})")
        elif part.how == "":
            lines.append(f"np.copyto({target}, {operands[0]})")
        elif part.how == "put":
            lines.append(f"{target}[{_with_operands(part.index, w, i)}] = {operands[0]}")
        elif part.how == "add.at":
            lines.append(f"np.add.at({target}, {_with_operands(part.index, w, i)}, {operands[0]})")
        else:
            lines.append(f"np.{part.how}({', '.join(operands)}, out={target})")
    return lines


def _with_operands(index: Any, w: _Writer, i: Instruction) -> str:
    """Spell an index that has a Slot for each array."""
    if isinstance(index, Slot):
        return w.name(i.inputs[index.operand])
    if isinstance(index, tuple):
        parts = [_with_operands(part, w, i) for part in index]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    return w.option("index", index)


def _random(w: _Writer, i: Instruction) -> str:
    rng, dtype, method = (i.options[name] for name in ("rng", "dtype", "method"))
    return f"{w.bound(rng, 'rng')}.{method}(dtype=np.{np.dtype(dtype).name}, out={w.name(i.out)})"  # type: ignore[arg-type]


def _opaque(w: _Writer, i: Instruction) -> str:
    given = f"{w._list(i)}{w._options(i)}".removeprefix(", ")  # noqa: SLF001 - of this file
    call = f"{w.bound(i.op.run, f'{i.op.name}_row')}({given})"
    return f"{w.name(i.out)} = np.asarray({call})"  # type: ignore[arg-type]


def _einsum(w: _Writer, i: Instruction) -> str:
    if i.op is not p.EINSUM:
        return f"np.{i.op.name}({w._list(i)}{w._options(i)}, out={w.name(i.out)})"  # type: ignore[arg-type]  # noqa: SLF001 - of this file
    return f"np.einsum({i.options['subscripts']!r}, {w._list(i)}, out={w.name(i.out)})"  # type: ignore[arg-type]  # noqa: SLF001 - of this file


_SPELLINGS: dict[str, Callable[[_Writer, Instruction], str | list[str]]] = {
    "view": _view,
    "assemble": _assemble,
    "copy": _copied,
    "keep": _copied,
    "gather": _gather,
    "random": _random,
    "opaque": _opaque,
    "product": _einsum,
}
