"""Where the values of a fused program lie: one piece of memory for all that is computed, states where they are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.machine.loops import repeated, times
from tinygrad_edu.compiler.machine.matrices import Product, product_of
from tinygrad_edu.compiler.machine.nests import Nest
from tinygrad_edu.compiler.machine.views import Seen, dense_strides
from tinygrad_edu.compiler.program import Instruction, Program, Value
from tinygrad_edu.compiler.together import Flat

if TYPE_CHECKING:
    from tinygrad_edu.compiler.machine.fusion import Fused

__all__ = ["Layout", "lay_out"]

_ALIGNMENT = 64


@dataclass(slots=True)
class Layout:
    """Where every value of a fused program lies."""

    states: list[Value] = field(default_factory=list)
    """What is handed to the function as an array."""
    numbers: list[Value] = field(default_factory=list)
    """What Python computes for each step."""
    batches: dict[Value, int] = field(default_factory=dict)
    """Inputs, and where a batch of theirs is gathered."""
    places: dict[Value, int] = field(default_factory=dict)
    """Where computed values and constants begin in the memory, in bytes."""
    pieces: dict[Value, tuple[Value, int]] = field(default_factory=dict)
    """Pieces of a flat vector: of which, and where they begin, in bytes."""
    shaped: dict[Value, tuple[int, ...]] = field(default_factory=dict)
    """What lies in the memory, with its strides in entries."""
    windows: dict[Value, Seen] = field(default_factory=dict)
    """Views that do more than to rename axes."""
    buffers: dict[Value, tuple[int, ...]] = field(default_factory=dict)
    """What a nest keeps of a row from one run through it to the next, with the row's shape."""
    products: dict[Instruction, Product] = field(default_factory=dict)
    turned: dict[Value, Value] = field(default_factory=dict)
    """Matrices that small products read transposed -> the transposed."""
    generators: list[np.random.Generator] = field(default_factory=list)
    size: int = 0
    constants: list[Value] = field(default_factory=list)

    def place_of(self, value: Value) -> tuple[Value | None, int]:
        """Say in which state's array a value lies, None for the memory, and how many bytes from its beginning."""
        if value in self.states:
            return value, 0
        if value in self.pieces:
            flat, start = self.pieces[value]
            where, offset = self.place_of(flat)
            return where, offset + start
        return None, self.places[value]

    def in_memory(self, value: Value) -> bool:
        """Tell whether a value lies in memory."""
        return value in self.shaped or value in self.pieces or value in self.buffers


def lay_out(program: Program, fused: Fused) -> Layout:
    """Give each value that needs memory its place."""
    return _Planner(program, fused).plan()


@dataclass(slots=True)
class _Span:
    """A piece of memory and the items between which it is needed."""

    size: int
    first: int
    last: int
    offset: int = 0


class _Planner:
    def __init__(self, program: Program, fused: Fused) -> None:
        self.program, self.fused = program, fused
        self.layout = Layout()
        self.spans: dict[Value, _Span] = {}
        self.end = len(fused.items)
        self.kept = {fused.views(gradient).root for _, gradient in program.keeps}
        self.read_by_others = {
            fused.views(v).root
            for i in fused.items
            if isinstance(i, Instruction) and i.op is not p.CHECK
            for v in i.reads()
        } | {*fused.homes}

    def plan(self) -> Layout:
        """Go through the items in order."""
        for value in self.program.inputs:
            self._span(value, -1, self.end)
        for k, item in enumerate(self.fused.items):
            if isinstance(item, Nest):
                self._nest(item, k)
            else:
                self._instruction(item, k)
        for value in self.program.outcome():
            self._use(self.fused.views(value).root, self.end)
        for value in self.kept:
            self._use(value, self.end)
            self._own(value, self.end)
        self._arrange()
        return self.layout

    def _nest(self, nest: Nest, k: int) -> None:
        for x in nest.seen:
            self._use(x, k)
        when = times(nest)
        again = repeated(nest, when)
        for s in nest.statements:
            if (s.out in self.fused.stored and self._needs_array(s.out)) or nest.last:
                self._own(s.out, k)
            for x, _ in s.form.operands:
                if isinstance(x, Value) and x in when and when[x].level == "full" and x not in self.fused.stored:
                    late = when[s.out].level != "full" or when[s.out].run != when[x].run
                    if late and x not in self.layout.buffers and x not in again and not _reduced(nest, x):
                        self._buffer(nest, x, k)

    def _needs_array(self, value: Value) -> bool:
        return value.array.size != 1 or value.place is not None or value in self.kept or value in self.read_by_others

    def _instruction(self, i: Instruction, k: int) -> None:
        if i.op is p.CALL:
            self.layout.numbers += i.options["numbers"]
            return
        if i.op is p.RANDOM and not any(g is i.options["rng"] for g in self.layout.generators):
            self.layout.generators.append(i.options["rng"])
        if i.op is p.VIEW and i.out is not None:
            self.layout.windows[i.out] = self.fused.views(i.out)
        if i.op.kind in ("product", "descend"):
            self._product(i, k)
        for value in i.reads():
            self._use(value, k)
        if i.out is not None and i.op is not p.VIEW:
            self._own(i.out, k)

    def _product(self, i: Instruction, k: int) -> None:
        product = product_of(i, self.fused.views)
        if product is None:
            return
        self.layout.products[i] = product
        for matrix in (product.a, product.b):
            if matrix.value is not self.fused.views(matrix.value).root:
                self.layout.windows[matrix.value] = self.fused.views(matrix.value)
        b = product.b
        if product.small and b.by_rows == b.turned:  # its rows do not lie side by side
            if b.value not in self.layout.turned:
                like = np.empty((product.sizes[2], product.sizes[1]), b.value.dtype)
                self.layout.turned[b.value] = Value(f"{b.value.name}_rows", "computed", like)
            turned = self.layout.turned[b.value]
            self._span(turned, k, k)
            self.spans[turned].last = k

    def _use(self, value: Value, k: int) -> None:
        """Note that a value is read, or written as a part of another."""
        seen = self.fused.views(value)
        if seen.axes is None:
            self.layout.windows[value] = seen
        root = seen.root
        root = self.fused.homes.get(root, root)
        if root.place is not None and root.kind == "state":
            self._state(root.place.flat)
            self.layout.pieces[root] = root.place.flat, root.place.start * root.dtype.itemsize
        elif root.kind == "state":
            self._state(root)
        elif root.kind == "constant":
            self._span(root, -1, self.end)
            if root not in self.layout.constants:
                self.layout.constants.append(root)
        elif root.place is not None:
            self._use(root.place.flat, k)
        if root in self.spans:
            self.spans[root].last = max(self.spans[root].last, k)

    def _own(self, value: Value, k: int) -> None:
        """Give a computed value memory."""
        home = self.fused.homes.get(value)
        if home is not None:
            self._use(home, k)
        elif value.place is not None:
            flat = value.place.flat
            self._own(flat, k)
            self.layout.pieces[value] = flat, value.place.start * value.dtype.itemsize
        else:
            self._span(value, k, k)

    def _state(self, value: Value) -> None:
        if value not in self.layout.states:
            self.layout.states.append(value)

    def _span(self, value: Value, first: int, last: int) -> None:
        if value not in self.spans:
            self.spans[value] = _Span(max(1, math.prod(value.shape)) * value.dtype.itemsize, first, last)
            if value.kind != "input":
                self.layout.shaped[value] = dense_strides(value)

    def _buffer(self, nest: Nest, value: Value, k: int) -> None:
        inner = [a for a in nest.axes[value] if a is not None and (nest.inner is None or a in nest.inner)]
        self.layout.buffers[value] = shape = tuple(a.size for a in inner)
        self.spans[value] = _Span(math.prod(shape) * value.dtype.itemsize, k, k)

    def _arrange(self) -> None:
        """Give each piece its place: the largest first, each as low as it fits."""
        placed: list[_Span] = []
        for span in sorted(self.spans.values(), key=lambda s: -s.size):
            offset = 0
            for other in sorted(
                (s for s in placed if s.first <= span.last and span.first <= s.last), key=lambda s: s.offset
            ):
                if offset + span.size <= other.offset:
                    break
                offset = max(offset, -(-(other.offset + other.size) // _ALIGNMENT) * _ALIGNMENT)
            span.offset = offset
            placed.append(span)
            self.layout.size = max(self.layout.size, offset + span.size)
        for value, span in self.spans.items():
            self.layout.places[value] = span.offset
        for value in self.program.inputs:
            self.layout.batches[value] = self.layout.places[value]


def _reduced(nest: Nest, value: Value) -> bool:
    return any(s.out is value and s.form.how == "reduce" and s.gone for s in nest.statements)


_ = (Any, np, Flat)
