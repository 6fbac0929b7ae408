"""Which instructions share loops: chains of what works entry by entry, and the sums that follow, become one nest.

An instruction waits until something needs its result that no loop can do, such as a product of matrices. Then it and
all that it waits for are put into a nest: that of the values that it reads, if these are not stored yet, and else
a new one. What is made and used within one nest needs no memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import OWN, Part, followed
from tinygrad_edu.compiler.assembling import _filled_in as filled_in
from tinygrad_edu.compiler.folding import DESCEND
from tinygrad_edu.compiler.forms import Form, Views, dense_strides, form_of, indexed, rooted
from tinygrad_edu.compiler.loops import strides
from tinygrad_edu.compiler.program import Instruction, Program, Value
from tinygrad_edu.compiler.refusing import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Axes", "Fused", "Loop", "Nest", "Statement", "fuse"]


@dataclass(eq=False, slots=True)
class Loop:
    """One loop of a nest."""

    size: int

    def __repr__(self) -> str:
        return f"range({self.size})"


Axes = tuple[Loop | None, ...]
"""For each axis of a value the loop that goes along it; None for an axis of length 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """An instruction in a nest, with the loop of each axis of its iteration space."""

    form: Form
    where: Axes

    @property
    def out(self) -> Value:
        """What it makes."""
        value = self.form.instruction.out
        assert value is not None  # noqa: S101 - what has a form makes a value
        return value

    @property
    def loops(self) -> frozenset[Loop]:
        """The loops that it runs in."""
        return frozenset(loop for loop in self.where if loop is not None)

    @property
    def gone(self) -> frozenset[Loop]:
        """The loops that it sums over."""
        return frozenset(loop for k in self.form.gone if (loop := self.where[k]) is not None)

    def along(self, axes: Sequence[int | None]) -> Axes:
        """Give the loops of an operand, or of the result."""
        return tuple(None if k is None else self.where[k] for k in axes)


@dataclass(eq=False, slots=True)
class Nest:
    """Loops in one another, and what is done in them."""

    loops: list[Loop] = field(default_factory=list)
    inner: frozenset[Loop] | None = None
    """The loops of a row: what is a number for each row is made between two runs through it; None if there is none."""
    statements: list[Statement] = field(default_factory=list)
    axes: dict[Value, Axes] = field(default_factory=dict)
    """Of the values that are made in it."""
    after: set[Value] = field(default_factory=set)
    """What is complete only when all loops are."""
    seen: dict[Value, Axes] = field(default_factory=dict)
    """Of the values that it reads from memory."""
    last: bool = False
    """Whether it is only for the last step of an epoch: what makes gradients that nothing but ``grad`` is for."""
    stored: set[Value] = field(default_factory=set)
    """What needs memory, or for a single number a name, beyond its nest: of the whole program."""


@dataclass(slots=True)
class Fused:
    """A program as nests, and between them the instructions that are no loops."""

    items: list[Nest | Instruction]
    stored: set[Value]
    """What needs memory, or for a single number a name, beyond its nest."""
    homes: dict[Value, Value]
    """New value of a state -> the state, where it can be computed right where it belongs."""
    views: Views
    lasting: set[Value]
    """Gradients that only the nests for the last step write to memory."""


_COSTLY = frozenset({"divide", "sqrt", "exp", "log", "power", "tanh", "reciprocal", "expm1", "log1p", "sigmoid", "erf"})


def fuse(program: Program) -> Fused:
    """Put the instructions of a program into nests."""
    return _Fuser(program).fuse()


class _Fuser:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.views = Views(program)
        self.makers = {i.out: i for i in program.instructions if i.out is not None}
        self.order = {id(i): k for k, i in enumerate(program.instructions)}
        self.forms: dict[Value, Form] = {}
        self.items: list[Nest | Instruction] = []
        self.at: dict[Value, int] = {}  # the item that makes a value
        self.stored: set[Value] = set()
        self.homes: dict[Value, Value] = {}
        self.lasting: set[Value] = set()
        self.checks = [i for i in program.instructions if i.op is p.CHECK and len(i.inputs) > 1]
        for instruction in program.instructions:
            form = form_of(instruction, self.makers)
            if form is not None and form.how == "gather" and instruction.op is p.INDEX:
                index = instruction.options["index"]
                form = form if self._within(form.operands[0][0], index) else None
            if form is not None and instruction.out is not None:
                self.forms[instruction.out] = rooted(form, self.views)

    def fuse(self) -> Fused:
        """Go through the instructions; what is written to states comes last."""
        for instruction in _stops_first(self.program.instructions):
            if instruction.out in self.forms or instruction.op is p.WRITE:
                continue
            if instruction.op is p.VIEW and self.views(instruction.out).axes is not None:  # type: ignore[arg-type]
                continue
            for value in instruction.reads():
                self.demand(value)
            if instruction.op is DESCEND:
                self._read_before(instruction.inputs[2])
            if instruction.op is p.ASSEMBLE:
                self._assemble(instruction)
                continue
            self.items.append(instruction)
            if instruction.out is not None:
                self.at[instruction.out] = len(self.items) - 1
        self.demand(self.program.result)
        for _, gradient in self.program.keeps:
            self._keep(gradient)
        self._writes()
        for item in self.items:
            if isinstance(item, Nest) and item.inner is None:
                item.inner = _rows(item)
        return Fused(self.items, self.stored, self.homes, self.views, self.lasting)

    def _assemble(self, instruction: Instruction) -> None:
        """Write an array part by part: each is a nest, or shares one with others that it does not overlap."""
        whole = instruction.out
        assert whole is not None  # noqa: S101 - it makes an array
        self.items.append(instruction)
        written = np.zeros(whole.shape, bool)
        for k, part in enumerate(instruction.options["parts"].each):
            window = self.views.window(whole, part.path, f"{whole.name}_part_{k}")
            made = Value(window.name, "computed", window.array)
            form = self._part(instruction, part, window, made)
            region = followed(part.path, written)
            if k == 0 or region.any() or form.how == "scatter":
                self.items.append(Nest(stored=self.stored))
                written[...] = form.how == "scatter"
            region[...] = True
            self.order[id(form.instruction)] = self.order[id(instruction)]
            self.forms[made], self.homes[made] = rooted(form, self.views), window
            self._settle(made)
            self.stored.add(made)
        self.at[whole] = len(self.items) - 1

    def _part(self, instruction: Instruction, part: Part, window: Value, made: Value) -> Form:
        operands = tuple(window if k == OWN else instruction.inputs[k] for k in part.operands)
        if part.how in ("", "fill") or part.index is None:
            name = part.how if part.how not in ("", "fill") else "copyto"
            op = p.Primitive(name, "part", getattr(np, name))
            form = form_of(Instruction(op, operands, made, {}, instruction.origin), self.makers)
            assert form is not None  # noqa: S101 - of this kind
            return form
        index = filled_in(part.index, instruction.inputs)
        found = indexed(window, index if isinstance(index, tuple) else (index,))
        if found is None or not self._within(window, index) or operands[0].shape != found[0]:
            raise refusal(instruction)
        shape, spots, read = found
        along = tuple(k if n > 1 else None for k, n in enumerate(shape))
        op = p.Primitive(part.how, "part", np.add)
        inputs = (operands[0], *(v for v, _ in read))
        scattered = Instruction(op, inputs, made, {}, instruction.origin)
        return Form(scattered, shape, ((operands[0], along), *read), (None,) * len(window.shape), "scatter", index=spots)

    def _within(self, array: Value, index: Any) -> bool:
        """Tell whether an index is known to be in range: machine code does not look."""
        parts = index if isinstance(index, tuple) else (index,)
        for k, x in enumerate(parts):
            if not isinstance(x, Value):
                continue
            n = array.shape[k]
            if x.kind == "constant":
                if x.array.size and not -n <= x.array.min() <= x.array.max() < n:
                    return False
            elif not any(c.inputs[0] is x and isinstance(c.inputs[1], int) and c.inputs[1] <= n for c in self.checks):
                return False
        return True

    # --------------------------------------------------------------------------------------- what is needed
    def root(self, value: Value) -> Value:
        """Give the value whose memory it is, if a view of that only renames axes."""
        seen = self.views(value)
        return seen.root if seen.axes is not None else value

    def demand(self, value: Value) -> None:
        """See to it that a value is computed, and kept."""
        root = self.root(value)
        self._assign(root)
        self.stored.add(root)

    def _read_before(self, target: Value) -> None:
        """Compute what reads a state that is about to be overwritten."""
        for value, form in self.forms.items():
            if value not in self.at and any(x is target for x, _ in form.operands):
                self.demand(value)

    def _keep(self, gradient: Value) -> None:
        """See to it that a gradient is there after the last step, also if the update does without it."""
        root = self.root(gradient)
        form = self.forms.get(root)
        read = [x for x, _ in form.operands if isinstance(x, Value)] if form is not None else []
        if form is None or form.how == "place" or root in self.at or root.place is not None or not self._read_elsewhere(root):
            self.demand(gradient)
            return
        if form.how != "map" and not (form.how == "reduce" and not form.gone) or any(x.kind == "state" for x in read):
            self.demand(gradient)
            return
        for x in read:
            self.demand(x)
        nest = Nest(stored=self.stored, last=True)
        statement = Statement(form, tuple(Loop(n) if n > 1 else None for n in form.shape))
        nest.loops = [loop for loop in statement.where if loop is not None]
        nest.statements.append(statement)
        nest.axes[root] = statement.along(form.out)
        nest.seen = {x: statement.along(along) for x, along in form.operands if isinstance(x, Value)}
        self.items.append(nest)
        self.lasting.add(root)

    def _read_elsewhere(self, value: Value) -> bool:
        return any(value in (x for x, _ in form.operands) for form in self.forms.values())

    def _assign(self, value: Value) -> None:
        if value in self.at or value not in self.forms:
            return
        for waiting in self._waiting(value):
            if waiting not in self.at:
                self._consider(waiting)
        if value not in self.at:
            self._settle(value)

    def _waiting(self, value: Value) -> list[Value]:
        """List what has to be computed for a value, in the program's order."""
        found, stack = {value}, [value]
        while stack:
            for x, _ in self.forms[stack.pop()].operands:
                if isinstance(x, Value) and x in self.forms and x not in self.at and x not in found:
                    found.add(x)
                    stack.append(x)
        return sorted(found, key=lambda v: self.order[id(self.forms[v].instruction)])

    def _ready(self, value: Value) -> int:
        """Find the last item that a value, or what it waits for, needs."""
        needed = [-1]
        for waiting in self._waiting(value):
            needed += [self.at.get(x, -1) for x, _ in self.forms[waiting].operands if isinstance(x, Value)]
        return max(needed)

    def _consider(self, value: Value) -> None:
        """Put an instruction where its operands are made, if it belongs there; else it waits, or has a nest of its own."""
        form = self.forms[value]
        ready = self._ready(value)
        item = self.items[ready] if ready >= 0 else None
        made_here = [x for x, _ in form.operands if isinstance(x, Value) and self.at.get(x) == ready]
        if isinstance(item, Nest) and made_here:
            fresh = any(x not in self.stored for x in made_here) or ready == len(self.items) - 1
            if (form.how in ("reduce", "pick") or fresh) and self._join(ready, value):
                return
        if form.how in ("reduce", "pick"):
            self._settle(value)

    def _settle(self, value: Value) -> None:
        """Put an instruction into the last nest, or into a new one."""
        for x in self._waiting(value)[:-1]:
            if x not in self.at and self._is_done_for_columns(x, value):
                self._settle(x)
        last = len(self.items) - 1
        item = self.items[last] if self.items else None
        if isinstance(item, Nest) and not item.last and self._join(last, value):
            return
        self.items.append(Nest(stored=self.stored))
        if self._join(len(self.items) - 1, value):
            return
        for x in self._waiting(value)[:-1]:  # it reads one of them along different axes: they come first
            if x not in self.at:
                self.items.pop()
                self._settle(x)
                self.items.append(Nest(stored=self.stored))
        self._join(len(self.items) - 1, value)

    def _is_done_for_columns(self, x: Value, value: Value) -> bool:
        """Tell whether something costly would be done again for each row of what it is broadcast to."""
        small, large = self.forms[x].shape, self.forms[value].shape
        wide = bool(small) and small[-1] > 1 and bool(large) and small[-1] == large[-1]
        return wide and math.prod(small) < math.prod(large) and self.forms[x].instruction.op.name in _COSTLY

    # ------------------------------------------------------------------------------------- joining a nest
    def _join(self, position: int, value: Value) -> bool:
        """Put an instruction, and what it waits for, into a nest; tell whether that was possible."""
        nest = self.items[position]
        assert isinstance(nest, Nest)  # noqa: S101 - the caller looked
        form = self.forms[value]
        where = _match(nest, form)
        placed = None if where is None else self._placed(nest, value, where)
        if placed is None or not _accept(nest, placed):
            return False
        for statement in placed:
            self._add(nest, position, statement)
        return True

    def _placed(self, nest: Nest, value: Value, where: Axes) -> list[Statement] | None:
        """Find the loops of all that a value waits for; None if they contradict each other."""
        waiting = self._waiting(value)
        loops: dict[Value, Axes] = {value: where}
        for v in reversed(waiting):
            if v not in loops:
                return None
            statement = Statement(self.forms[v], loops[v])
            for x, along in self.forms[v].operands:
                if not isinstance(x, Value):
                    continue
                axes = statement.along(along)
                picked = self.forms[v].how in ("pick", "gather") and x is self.forms[v].operands[0][0]
                if picked and self.forms[v].how == "gather" and x in nest.axes:
                    return None
                there = nest.axes.get(x, axes)
                if (there != axes and not (picked and there[0] is axes[0])) or (x in nest.after and any(loops[value])):
                    return None
                if x in self.forms and x not in self.at:
                    if picked or self.forms[x].how == "reduce" or loops.setdefault(x, axes) != axes:
                        return None
        return [Statement(self.forms[v], loops[v]) for v in waiting]

    def _add(self, nest: Nest, position: int, statement: Statement) -> None:
        value = statement.out
        for loop in statement.where:
            if loop is not None and loop not in nest.loops:
                nest.loops.append(loop)
        for x, along in statement.form.operands:
            if isinstance(x, Value) and x not in nest.axes:
                nest.seen.setdefault(x, statement.along(along))
                self.stored.add(x)
        nest.statements.append(statement)
        nest.axes[value] = statement.along(statement.form.out)
        if _completes_late(nest, statement):
            nest.after.add(value)
        self.at[value] = position

    # -------------------------------------------------------------------------------------- what is written
    def _writes(self) -> None:
        """Compute new states, right where they belong if nobody reads the old ones later, and copy the others."""
        writes = [i for i in self.program.instructions if i.op is p.WRITE]
        for instruction in writes:
            self.demand(instruction.inputs[1])
        copies = []
        for instruction in writes:
            target, new = instruction.inputs
            if self._fits_in_place(target, new):
                self.homes[new] = target
            else:
                copies.append((target, new))
        for target, new in copies:
            copied = Value(target.name, "computed", target.array)
            copy = Instruction(p.COPY, (new,), copied, {"shape": target.shape})
            form = form_of(copy, self.makers)
            assert form is not None  # noqa: S101 - copies have one
            self.forms[copied] = rooted(form, self.views)
            self.order[id(copy)] = len(self.order)
            self.items.append(Nest(stored=self.stored))
            self._settle(copied)
            self.homes[copied] = target
            self.stored.add(copied)

    def _fits_in_place(self, target: Value, new: Value) -> bool:
        position = self.at.get(new, -1)
        item = self.items[position] if position >= 0 else None
        if not isinstance(item, Nest) or new in self.homes or new in item.after or new.place is not None:
            return False
        if dense_strides(new) != dense_strides(target):
            return False
        kin = {v for v in self._read_anywhere() if self.views(v).root is target or _piece_of(v, target)}
        if any(kin.intersection(_values(i)) for i in self.items[position + 1 :]):
            return False
        if next(s for s in item.statements if s.out is new).loops != frozenset(item.loops):
            return False  # it would be done again for each row
        here = [s for s in item.statements if any(x in kin for x, _ in s.form.operands)]
        return all(
            x not in kin or (x is target and s.along(along) == item.axes[new]) for s in here for x, along in s.form.operands
        ) and (item.inner is None or len(item.loops) == 1)

    def _read_anywhere(self) -> set[Value]:
        return {v for item in self.items for v in _values(item)}


def _stops_first(instructions: list[Instruction]) -> list[Instruction]:
    """Put the checks that end an epoch right behind what makes the value that they look at, before any weight changes."""
    out: list[Instruction] = []
    stops = [i for i in instructions if i.op is p.CHECK and getattr(i.options["refuse"], "stops", False)]
    for i in instructions:
        if i not in stops:
            out.append(i)
            out += [s for s in stops if i.out is not None and i.out in s.reads()]
    return out


def _piece_of(value: Value, flat: Value) -> bool:
    return value.place is not None and value.place.flat is flat and value.kind == "state"


def _values(item: Nest | Instruction) -> Iterable[Value]:
    return item.seen if isinstance(item, Nest) else item.reads()


# ------------------------------------------------------------------------- what fits into the loops of a nest
def _match(nest: Nest, form: Form) -> Axes | None:
    """Find a loop for each axis of an iteration space: that of the values that it reads, or a new one."""
    where: dict[int, Loop] = {}
    for known in (nest.axes, nest.seen):
        for x, along in form.operands:
            for k, loop in zip(along, known.get(x, ()) if isinstance(x, Value) else (), strict=False):
                if k is None or loop is None:
                    continue
                if known is nest.axes and where.get(k, loop) is not loop:
                    return None
                if k not in where and loop not in where.values():
                    where[k] = loop
    free = [loop for loop in nest.loops if loop not in where.values()]
    for k, n in enumerate(form.shape):
        if n > 1 and k not in where:
            fitting = next((loop for loop in free if loop.size == n), None)
            if fitting is not None:
                free.remove(fitting)
            where[k] = fitting or Loop(n)
    return tuple(where.get(k) for k in range(len(form.shape)))


def _accept(nest: Nest, placed: list[Statement]) -> bool:
    """Tell whether statements fit into a nest, and decide which loops are its rows if they need some."""
    main = placed[-1]
    loops, mine = frozenset(nest.loops), main.loops
    if nest.statements and not (mine <= loops or loops <= mine):
        return False
    if mine and mine < loops and main.form.how == "map" and (nest.inner is None or not mine <= loops - nest.inner):
        if fastest(nest, placed) in mine:  # it would be done again for each row
            return False
    if nest.statements and not (loops and mine) and loops != mine:
        return not mine and all(x in nest.axes for x, _ in main.form.operands if isinstance(x, Value))
    together = loops | mine
    inner = nest.inner
    if nest.statements and not mine <= loops:  # what there is has a value for each row of the larger space
        if inner is not None:
            return False
        inner = together - loops
    if main.form.how == "reduce" and mine != together:  # it must not run more than once
        if inner is None:
            inner = together - mine
        if not mine <= together - inner:
            return False
    if main.form.how == "reduce" and mine == together and inner is None:
        fast = fastest(nest, placed)
        if fast is not None and fast in main.gone:
            inner = main.gone
    if main.form.how == "pick" and main.form.operands[0][0] in nest.axes:
        row = frozenset(nest.axes[main.form.operands[0][0]]) - {None} - mine  # type: ignore[arg-type]
        if inner not in (None, row):
            return False
        inner = row or inner  # type: ignore[assignment]
    if inner is not None and inner is not nest.inner and nest.statements:
        fast = fastest(nest, placed)
        if fast is not None and fast not in inner:
            return False
    nest.inner = inner
    return True


def _rows(nest: Nest) -> frozenset[Loop] | None:
    """Find the loops of a row, where some statements are done once for each row; None if there are none such."""
    fewer = [s.loops for s in nest.statements if s.loops and len(s.loops) < len(nest.loops)]
    outer = max(fewer, key=len, default=None)
    if outer is None or any(not loops <= outer for loops in fewer):
        return None
    inner = frozenset(nest.loops) - outer
    return inner if fastest(nest) in inner else None


def _completes_late(nest: Nest, statement: Statement) -> bool:
    """Tell whether a value is complete only after the nest: a sum over more than a row."""
    reads = [x for x, _ in statement.form.operands if isinstance(x, Value)]
    if any(x in nest.after for x in reads):
        return True
    return statement.form.how == "reduce" and bool(statement.gone) and statement.gone != nest.inner


def fastest(nest: Nest, more: Sequence[Statement] = ()) -> Loop | None:
    """Find the loop along which memory is read in order."""
    slow = strides(nest, more)
    return min(slow, key=slow.__getitem__) if slow else None
