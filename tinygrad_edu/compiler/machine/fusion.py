"""Which instructions share loops: chains of what works entry by entry, and the sums that follow, become one nest.

An instruction waits until something needs its result that no loop can do, such as a product of matrices. Then it and
all that it waits for are put into a nest: that of the values that it reads, if these are not stored yet, and else
a new one. What is made and used within one nest needs no memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.machine.ends import stops, stops_first
from tinygrad_edu.compiler.machine.folding import DESCEND
from tinygrad_edu.compiler.machine.forms import Form, form_of, rooted
from tinygrad_edu.compiler.machine.joining import accept, match, rows_of
from tinygrad_edu.compiler.machine.loops import times
from tinygrad_edu.compiler.machine.nests import Axes, Loop, Nest, Statement
from tinygrad_edu.compiler.machine.parts import Ranges, written_parts
from tinygrad_edu.compiler.machine.views import Views, dense_strides
from tinygrad_edu.compiler.program import Instruction, Program, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Fused", "fuse"]

_COSTLY = frozenset({"divide", "sqrt", "exp", "log", "power", "tanh", "reciprocal", "expm1", "log1p", "sigmoid", "erf"})


@dataclass(slots=True)
class Fused:
    """A program as nests, and between them the instructions that are no loops."""

    views: Views
    ranges: Ranges
    items: list[Nest | Instruction] = field(default_factory=list)
    stored: set[Value] = field(default_factory=set)
    """What needs memory, or for a single number a name, beyond its nest."""
    homes: dict[Value, Value] = field(default_factory=dict)
    """New value of a state, or of a part of an array -> where it is written right away."""
    lasting: set[Value] = field(default_factory=set)
    """Gradients that only the nests for the last step write to memory."""


def fuse(program: Program) -> Fused:
    """Put the instructions of a program into nests.

    Raises
    ------
    CaptureError
        If an array is written at places that cannot be known to be within it.
    """
    return _Fuser(program).fuse()


class _Fuser:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.views = Views(program)
        self.made = Fused(self.views, Ranges(program))
        self.items, self.stored = self.made.items, self.made.stored
        self.makers = {i.out: i for i in program.instructions if i.out is not None}
        self.order = {id(i): k for k, i in enumerate(program.instructions)}
        self.forms: dict[Value, Form] = {}
        self.at: dict[Value, int] = {}  # the item that makes a value
        self.written: set[int] = set()
        for instruction in program.instructions:
            form = form_of(instruction, self.makers)
            if form is None or instruction.out is None:
                continue
            index = instruction.options.get("index")
            if index is None or self.made.ranges.hold(form.operands[0][0], index):
                self.forms[instruction.out] = rooted(form, self.views)

    def fuse(self) -> Fused:
        """Go through the instructions; what is written to states comes last, or before the epoch may end."""
        for instruction in stops_first(self.program.instructions):
            if instruction.out in self.forms or instruction.op is p.WRITE:
                continue
            if (
                instruction.out is not None
                and instruction.op is p.VIEW
                and self.views(instruction.out).axes is not None
            ):
                continue
            self._standing(instruction)
        self.demand(self.program.result)
        for _, gradient in self.program.keeps:
            self._keep(gradient)
        self._write([i for i in self.program.instructions if i.op is p.WRITE])
        for item in self.items:
            if isinstance(item, Nest) and item.inner is None:
                item.inner = rows_of(item)
        return self.made

    def _standing(self, instruction: Instruction) -> None:
        """Take an instruction that is no loop, after what it reads."""
        for value in instruction.reads():
            self.demand(value)
        if stops(instruction):
            self._write(self._before(instruction))
        if instruction.op is DESCEND:
            self._read_before(instruction.inputs[2])
        self.items.append(instruction)
        if instruction.op is p.ASSEMBLE:
            for part in written_parts(instruction, self.views, self.makers, self.made.ranges):
                if part.alone:
                    self.items.append(Nest(stored=self.stored))
                self.order[id(part.form.instruction)] = self.order[id(instruction)]
                self.forms[part.made], self.made.homes[part.made] = part.form, part.window
                self._settle(part.made)
                self.stored.add(part.made)
            self.items.append(instruction)  # who reads it has to wait until all parts are written
        if instruction.out is not None:
            self.at[instruction.out] = len(self.items) - 1

    # --------------------------------------------------------------------------------------- what is needed
    def root(self, value: Value) -> Value:
        """Give the value whose memory it is, if a view of that only renames axes."""
        seen = self.views(value)
        return seen.root if seen.axes is not None else value

    def demand(self, value: Value) -> None:
        """See to it that a value is computed, and kept."""
        root = self.root(value)
        if root not in self.at and root in self.forms:
            for waiting in self._waiting(root):
                if waiting not in self.at:
                    self._consider(waiting)
            if root not in self.at:
                self._settle(root)
        self.stored.add(root)

    def _waiting(self, value: Value) -> list[Value]:
        """List what has to be computed for a value, in the program's order; the value itself is the last."""
        found, stack = {value}, [value]
        while stack:
            for x, _ in self.forms[stack.pop()].operands:
                if isinstance(x, Value) and x in self.forms and x not in self.at and x not in found:
                    found.add(x)
                    stack.append(x)
        return sorted(found, key=lambda v: (self.order[id(self.forms[v].instruction)], v is value))

    def _ready(self, value: Value) -> int:
        """Find the last item that a value, or what it waits for, needs."""
        needed = [-1]
        for waiting in self._waiting(value):
            needed += [self.at.get(x, -1) for x, _ in self.forms[waiting].operands if isinstance(x, Value)]
        return max(needed)

    def _consider(self, value: Value) -> None:
        """Put an instruction where its operands are made, if it belongs there; else it waits, or has its own nest."""
        form = self.forms[value]
        ready = self._ready(value)
        item = self.items[ready] if ready >= 0 else None
        made_here = [x for x, _ in form.operands if isinstance(x, Value) and self.at.get(x) == ready]
        if isinstance(item, Nest) and made_here:
            fresh = any(x not in self.stored for x in made_here) or ready == len(self.items) - 1
            if (form.how in ("reduce", "pick") or fresh) and self._join(item, ready, value):
                return
        if form.how in ("reduce", "pick"):
            self._settle(value)

    def _settle(self, value: Value) -> None:
        """Put an instruction into the last nest, or into a new one."""
        for x in self._waiting(value)[:-1]:
            if x not in self.at and self._is_done_for_columns(x, value):
                self._settle(x)
        item = self.items[-1] if self.items else None
        if isinstance(item, Nest) and self._join(item, len(self.items) - 1, value):
            return
        nest = self._new()
        if self._join(nest, len(self.items) - 1, value):
            return
        for x in self._waiting(value)[:-1]:  # it reads one of them along different axes: they come first
            if x not in self.at:
                self._settle(x)
        nest = self._new()
        joined = self._join(nest, len(self.items) - 1, value)
        assert joined  # noqa: S101 - there is nothing left that could not be read

    def _new(self) -> Nest:
        """Begin a nest, or take an empty one that was begun."""
        item = self.items[-1] if self.items else None
        if isinstance(item, Nest) and not item.statements:
            return item
        nest = Nest(stored=self.stored)
        self.items.append(nest)
        return nest

    def _is_done_for_columns(self, x: Value, value: Value) -> bool:
        """Tell whether something costly would be done again for each row of what it is broadcast to."""
        small, large = self.forms[x].shape, self.forms[value].shape
        wide = bool(small) and small[-1] > 1 and bool(large) and small[-1] == large[-1]
        return wide and math.prod(small) < math.prod(large) and self.forms[x].instruction.op.name in _COSTLY

    # ------------------------------------------------------------------------------------- joining a nest
    def _join(self, nest: Nest, position: int, value: Value) -> bool:
        """Put an instruction, and what it waits for, into a nest; tell whether that was possible."""
        where = None if nest.last else match(nest, self.forms[value])
        placed = None if where is None else self._placed(nest, value, where)
        if placed is None or not accept(nest, placed):
            return False
        for statement in placed:
            nest.add(statement)
            self.at[statement.out] = position
        return True

    def _placed(self, nest: Nest, value: Value, where: Axes) -> list[Statement] | None:
        """Find the loops of all that a value waits for; None if they contradict each other."""
        waiting = self._waiting(value)
        loops: dict[Value, Axes] = {value: where}
        for v in reversed(waiting):
            if v not in loops:
                return None
            form = self.forms[v]
            statement = Statement(form, loops[v])
            for k, (x, along) in enumerate(form.operands):
                if not isinstance(x, Value):
                    continue
                axes = statement.along(along)
                indirect = k == 0 and form.how in ("pick", "gather")
                if not self._readable(nest, x, axes, picked=indirect) or (x in nest.after and any(where)):
                    return None
                waits = x in self.forms and x not in self.at
                if waits and (indirect or self.forms[x].how == "reduce" or loops.setdefault(x, axes) != axes):
                    return None
        return [Statement(self.forms[v], loops[v]) for v in waiting]

    def _readable(self, nest: Nest, x: Value, axes: Axes, *, picked: bool) -> bool:
        """Tell whether a nest makes a value along the loops along which it would be read, if it makes it."""
        there = nest.axes.get(x)
        if there is None or there == axes:
            return there is None or not picked or len(axes) == 2
        return picked and len(axes) == 2 and axes[1] is None and there[0] is axes[0]

    # -------------------------------------------------------------------------------------- what is written
    def _before(self, check: Instruction) -> list[Instruction]:
        """List the writes before a check, where nothing after it reads the states as they were."""
        end = self.order[id(check)]
        read = {self.views(v).root for i in self.program.instructions[end:] for v in i.reads() if i.op is not p.WRITE}
        return [i for i in self.program.instructions[:end] if i.op is p.WRITE and i.inputs[0] not in read]

    def _write(self, writes: list[Instruction]) -> None:
        """Compute new states, right where they belong if nobody reads the old ones later, and copy the others."""
        writes = [i for i in writes if id(i) not in self.written]
        self.written.update(map(id, writes))
        writes = [*{i.inputs[0]: i for i in writes}.values()]  # of several to one state the last is what remains
        news = [self.root(i.inputs[1]) for i in writes]
        own = {v for new in news if new in self.forms and new not in self.at for v in self._waiting(new)}
        for instruction in writes:
            self._read_before(instruction.inputs[0], own)
        for new in news:
            self.demand(new)
        copies = []
        for instruction in writes:
            target, new = instruction.inputs
            if self._fits_in_place(target, new):
                self.made.homes[new] = target
            else:
                copies.append((target, new))
        for target, new in copies:
            self._copy(target, new)

    def _copy(self, target: Value, new: Value) -> None:
        """Write a new state after all that reads the old one."""
        copied = Value(target.name, "computed", target.array)
        copy = Instruction(p.COPY, (new,), copied, {"shape": target.shape})
        form = form_of(copy, self.makers)
        assert form is not None  # noqa: S101 - copies have one
        self.forms[copied] = rooted(form, self.views)
        self.order[id(copy)] = len(self.order)
        self.items.append(Nest(stored=self.stored))
        self._settle(copied)
        self.made.homes[copied] = target
        self.stored.add(copied)

    def _read_before(self, target: Value, but: Iterable[Value] = ()) -> None:
        """Compute what reads a state that is about to be overwritten, but for what the new state is made of."""
        for value, form in self.forms.items():
            if value not in self.at and value not in but and any(x is target for x, _ in form.operands):
                self.demand(value)

    def _fits_in_place(self, target: Value, new: Value) -> bool:
        position = self.at.get(new, -1)
        nest = self.items[position] if position >= 0 else None
        if not isinstance(nest, Nest) or new in self.made.homes or new in nest.after or new.place is not None:
            return False
        if dense_strides(new) != dense_strides(target) or new.kind != "computed":
            return False
        kin = {v for item in self.items for v in _read(item) if self._lies_in(v, target)}
        if any(kin.intersection(_read(i)) for i in self.items[position + 1 :]):
            return False
        statement = next(s for s in nest.statements if s.out is new)
        if statement.loops != frozenset(nest.loops):
            return False  # it would be done again for each row
        when = times(nest)
        return all(
            x not in kin
            or x in nest.axes
            or (x is target and s.along(along) == nest.axes[new] and when[s.out].run <= when[new].run)
            for s in nest.statements
            for x, along in s.form.operands
        )

    def _lies_in(self, value: Value, target: Value) -> bool:
        """Tell whether a value is found in the memory of a state."""
        root = self.views(value).root
        root = self.made.homes.get(root, root)
        return root is target or (root.place is not None and root.place.flat is target and root.kind == "state")

    # ------------------------------------------------------------------------------------------ gradients
    def _keep(self, gradient: Value) -> None:
        """See to it that a gradient is there after the last step, also if the update does without it."""
        root = self.root(gradient)
        form = self.forms.get(root)
        update = any(x is root for other in self.forms.values() for x, _ in other.operands)
        if form is None or not update or root in self.at or root.place is not None or not _simple(form):
            self.demand(gradient)
            return
        read = [x for x, _ in form.operands if isinstance(x, Value)]
        for x in read:
            self.demand(x)
        nest = Nest(stored=self.stored, last=True)
        nest.add(Statement(form, tuple(Loop(n) if n > 1 else None for n in form.shape)))
        self.items.append(nest)
        self.made.lasting.add(root)


def _simple(form: Form) -> bool:
    """Tell whether a gradient is worth computing twice: of values that no step changes."""
    works = form.how == "map" or (form.how == "reduce" and not form.gone)
    return works and not any(isinstance(x, Value) and x.kind == "state" for x, _ in form.operands)


def _read(item: Nest | Instruction) -> Iterable[Value]:
    return item.seen if isinstance(item, Nest) else item.reads()
