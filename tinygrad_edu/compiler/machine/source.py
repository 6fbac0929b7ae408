"""The step as Numba source: loops over rows and columns, products of matrices, and the whole epoch around it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.machine.ends import stops
from tinygrad_edu.compiler.machine.nest_source import write_nest
from tinygrad_edu.compiler.machine.nests import Nest
from tinygrad_edu.compiler.machine.product_source import write_product
from tinygrad_edu.compiler.machine.refusing import refusal
from tinygrad_edu.compiler.machine.views import dense_strides
from tinygrad_edu.compiler.machine.writer import Writer

if TYPE_CHECKING:
    from tinygrad_edu.compiler.machine.fusion import Fused
    from tinygrad_edu.compiler.machine.memory import Layout
    from tinygrad_edu.compiler.program import Instruction, Program, Value

__all__ = ["write_numba_source"]

_LONG = 130  # lines from which on a step is taken apart: one long function takes longer to compile
_PART = 30
# `isfinite` would be taken for true where sums may be added up in any order; this comparison is not.
_LARGEST = {4: float(np.finfo(np.float32).max), 8: float(np.finfo(np.float64).max)}
_KINDS = [
    "bool_",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "float32",
    "float64",
    "isfinite",
]


def write_numba_source(program: Program, fused: Fused, layout: Layout, *, title: str) -> str:
    """Write a module with a function ``epoch``, which makes the step for each batch and gives how many it made.

    Raises
    ------
    CaptureError
        If there is something that machine code cannot do.
    """
    return _Source(program, fused, layout).write(title)


@dataclass(slots=True)
class _Piece:
    """Lines that stay together."""

    lines: list[str]
    phase: str
    ends: bool = False
    """Whether the epoch may end in it."""


@dataclass
class _Source:
    program: Program
    fused: Fused
    layout: Layout
    w: Writer = field(init=False)

    def __post_init__(self) -> None:
        self.w = Writer(self.fused, self.layout)

    def write(self, title: str) -> str:
        """Write the module."""
        w = self.w
        for value in self.layout.states:
            w.given[value] = w.free(f"{value.name}_")
        w.generators = [w.free("rng") for _ in self.layout.generators]
        pieces = [self._piece(item) for item in self.fused.items]
        pieces.append(_Piece([f"losses[k] = {w.scalar(self.program.result)}"], "", ends=True))
        pieces = [piece for piece in pieces if piece.lines]
        functions, body = self._apart(pieces)
        declared, start = self._declared(body), self._start(body)
        declared = self._declared([*body, *start], declared)
        inputs = [f"X_{value.name}" for value in self.program.inputs]
        arguments = [*inputs, "order", "numbers", "losses", "memory", *w.given.values(), *w.generators]
        epoch = [
            "@njit(cache=True, **OPTIONS)",
            f"def epoch({', '.join(arguments)}):",
            *_indented(declared, 1),
            "    for k in range(losses.size):",
            *_indented([*start, *body], 2),
            "    return losses.size",
        ]
        text = "\n\n\n".join("\n".join(lines) for lines in (*functions, epoch))
        return f'"""{title}"""\n\n{self._imports(text)}\n\n\n{text}\n'

    def _piece(self, item: Nest | Instruction) -> _Piece:
        w = self.w
        w.lines = []
        if isinstance(item, Nest):
            write_nest(w, item)
            return _Piece(w.lines, item.statements[0].form.instruction.origin.phase)
        self._instruction(item)
        return _Piece(w.lines, item.origin.phase, ends=stops(item))

    def _instruction(self, i: Instruction) -> None:
        """Write what is no loop."""
        w = self.w
        if i.op in (p.JOIN, p.VIEW, p.CALL, p.ASSEMBLE) or (i.op is p.CHECK and not stops(i)):
            return
        w.comment(i.origin)
        if i.op is p.CHECK:
            loss = w.scalar(i.inputs[0])
            w.lines += [
                f"if not abs({loss}) <= {_LARGEST[i.inputs[0].dtype.itemsize]!r}:",
                f"    losses[k] = {loss}",
                "    return k",
            ]
        elif i.op.kind in ("product", "descend"):
            write_product(w, i)
        elif i.op is p.RANDOM and i.out is not None:
            rng = next(k for k, g in enumerate(self.layout.generators) if g is i.options["rng"])
            method = "uniform" if i.options["method"] == "random" else "normal"
            w.lines.append(w.call(method, w.generators[rng], w.name(i.out), i.out.dtype.name))
        else:
            raise refusal(i)

    def _imports(self, text: str) -> str:
        kinds = [kind for kind in _KINDS if re.search(rf"\b{kind}\(|, {kind}\)", text)]
        lines = ["import math", ""] if "math." in text else []
        lines += ["import numpy as np"] if "np." in text else []
        lines += [f"from numpy import {', '.join(kinds)}", ""] if kinds else []
        functions = sorted({"OPTIONS", "njit", *self.w.used, *(["INNER"] if "INNER" in text else [])})
        line = f"from tinygrad_edu.compiler.machine.functions import {', '.join(functions)}"
        if len(line) > 120:
            line = "from tinygrad_edu.compiler.machine.functions import (\n"
            line += "".join(f"    {function},\n" for function in functions) + ")"
        return "\n".join([*lines, line])

    # -------------------------------------------------------------------------------------- declarations
    def _start(self, body: list[str]) -> list[str]:
        """Write what a step begins with: the batch, and Python's numbers."""
        w, lines = self.w, []
        needed = _words(body)
        for value, seen in self.layout.windows.items():
            if w.named.get(value) in needed and seen.root in self.layout.batches:
                needed.add(w.name(seen.root))
                line = self._place(w.name(seen.root), seen.offset, value, seen.strides)
                lines.append(f"{w.name(value)} = {line}")
        batches = []
        for value in self.program.inputs:
            if w.named.get(value) in needed:
                n = value.shape[0] if value.shape else 1
                rows = w.call("rows", f"X_{value.name}", "order", f"k * {n}", f"{value.name}_rows")
                batches.append(f"{w.name(value)} = {self._place(rows, 0, value, None)}")
        keeps = ["keep = k == losses.size - 1  # the gradients, for parameter.grad"] if "keep" in needed else []
        numbers = [
            f"{w.number(value)} = {value.dtype.name}(numbers[k, {column}])"
            for column, value in enumerate(self.layout.numbers)
            if w.scalars.get(value) in needed
        ]
        return [*batches, *keeps, *numbers, *lines]

    def _declared(self, body: list[str], known: list[str] | None = None) -> list[str]:
        """Say where the arrays lie that some lines use."""
        w, lines = self.w, [] if known is None else known
        needed = _words(body) - {line.split(" = ")[0] for line in lines}
        for value in self.program.inputs:
            if f"{value.name}_rows" in needed:
                width = value.array.size // value.shape[0] if value.shape else 1
                room = w.call("part", "memory", self.layout.batches[value], _tuple(_rows(value, width)), _dtype(value))
                lines.append(f"{value.name}_rows = {room}")
        for value, name in w.named.items():
            if name in needed and (line := self._declaration(value)) is not None:
                lines.append(f"{name} = {line}")
        return lines

    def _declaration(self, value: Value) -> str | None:
        """Spell where an array lies; None for batches, and what is a part of one."""
        layout = self.layout
        seen = layout.windows.get(value)
        if seen is not None and seen.root in layout.batches:
            return None
        if value in layout.buffers:
            like = self.w.call("part", "memory", layout.places[value], _tuple(layout.buffers[value]), _dtype(value))
            return str(like)
        root, offset, strides = (value, 0, None) if seen is None else (seen.root, seen.offset, seen.strides)
        root = self.fused.homes.get(root, root)
        if root in layout.batches:
            return None
        where, start = layout.place_of(root)
        memory = "memory" if where is None else self.w.given[where]
        size = value.dtype.itemsize
        return self._place(memory, start // size + offset, value, dense_strides(root) if strides is None else strides)

    def _place(self, memory: str, offset: int, value: Value, strides: tuple[int, ...] | None) -> str:
        """Spell a piece of memory as an array; the offset is in entries."""
        n_bytes = offset * value.dtype.itemsize
        if strides is None or strides == _row_major(value.shape):
            return self.w.call("part", memory, n_bytes, _tuple(value.shape), _dtype(value))
        return self.w.call("strided", memory, n_bytes, _tuple(value.shape), _tuple(strides), _dtype(value))

    # ----------------------------------------------------------------------------------------- functions
    def _apart(self, pieces: list[_Piece]) -> tuple[list[list[str]], list[str]]:
        """Take a long step apart into functions, which the body calls."""
        if sum(len(piece.lines) for piece in pieces) <= _LONG:
            return [], [line for piece in pieces for line in piece.lines]
        functions: list[list[str]] = []
        body: list[str] = []
        rest = [*pieces]
        while rest:
            group = _first(rest)
            later = _words([line for piece in rest[len(group) :] for line in piece.lines])
            del rest[: len(group)]
            lines = [line for piece in group for line in piece.lines]
            if group[0].ends:
                body += lines
                continue
            name = self.w.free(f"{group[0].phase or 'step'}_{len(functions) + 1}")
            function, call = self._function(name, lines, later)
            functions.append(function)
            body.append(call)
        return functions, body

    def _function(self, name: str, lines: list[str], later: set[str]) -> tuple[list[str], str]:
        """Write one function, and its call: it is given what its lines use, and gives the numbers used later."""
        w = self.w
        declared = self._declared(lines)
        used = _words([*declared, *lines])
        made = {line.strip().split(" = ")[0] for line in lines if " = " in line}
        numbers = {w.number(value) for value in self.layout.numbers}
        singles = {*w.scalars.values()} | numbers
        outer = [v for v in (*self.program.inputs, *self.layout.windows) if w.named.get(v) in used]
        inputs = [w.name(v) for v in outer if self._declaration(v) is None]
        arguments = [*(["memory"] if "memory" in used else []), *(g for g in w.given.values() if g in used), *inputs]
        arguments += [g for g in w.generators if g in used]
        arguments += sorted((singles & used) - made) + (["keep"] if "keep" in used else [])
        results = ", ".join(sorted(singles & made & later))
        function = ["@njit(**INNER)", f"def {name}({', '.join(arguments)}):", *_indented([*declared, *lines], 1)]
        call = f"{name}({', '.join(arguments)})"
        return (function, call) if not results else ([*function, f"    return {results}"], f"{results} = {call}")


def _first(pieces: list[_Piece]) -> list[_Piece]:
    """Take as many pieces as make one function; one in which the epoch may end stays in the body."""
    group, n = [pieces[0]], len(pieces[0].lines)
    if pieces[0].ends:
        return group
    for piece in pieces[1:]:
        n += len(piece.lines)
        if piece.ends or n > _PART or piece.phase != pieces[0].phase:
            break
        group.append(piece)
    return group


def _words(lines: list[str]) -> set[str]:
    return {word for line in lines if not line.lstrip().startswith("#") for word in re.findall(r"[A-Za-z_]\w*", line)}


def _indented(lines: list[str], depth: int) -> list[str]:
    return ["    " * depth + line for line in lines]


def _rows(value: Value, width: int) -> tuple[int, int]:
    return value.shape[0] if value.shape else 1, width


def _dtype(value: Value) -> str:
    return "bool_" if value.dtype == np.bool else value.dtype.name


def _tuple(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides = [1] * len(shape)
    for k in range(len(shape) - 2, -1, -1):
        strides[k] = strides[k + 1] * shape[k + 1]
    return tuple(strides)
