"""Where every value lies: which share memory, when each piece is free again, and what is computed in place.

State keeps the memory that it has. Everything else that is computed lies in one arena: two values may have the same
place in it if one is no longer needed when the other is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.full import is_filled_first
from tinygrad_edu.compiler.pieces import Run, find_runs
from tinygrad_edu.compiler.program import Instruction, Program, Value, n_bytes
from tinygrad_edu.compiler.together import Flat

__all__ = ["ALIGNMENT", "Memory", "Span", "Storage", "plan"]

ALIGNMENT = 64


class Span(NamedTuple):
    """A stretch of memory, in bytes, and the instructions, by their number, between which it is needed."""

    start: int
    stop: int
    first: int
    last: int


@dataclass(eq=False, slots=True)
class Storage:
    """A piece of memory and the time for which it is needed, counted in instructions."""

    size: int
    first: int
    last: int
    values: list[Value] = field(default_factory=list)
    kind: str = "arena"
    """``arena``; ``state``, ``constant``, ``number``, ``input``: they lie elsewhere; ``fresh``: made in each step."""
    offset: int = 0
    pieces: list[Span] = field(default_factory=list)
    """Of a flat vector that is made piece by piece: where each begins in it, and when it is made."""

    def spans(self) -> list[Span]:
        """List the stretches of the arena that it takes; a piece that is not made yet leaves its own free."""
        start, last = self.offset, self.last
        if not self.pieces:
            return [Span(start, start + self.size, self.first, last)]
        return [Span(start + piece.start, start + piece.stop, piece.first, last) for piece in self.pieces]


@dataclass(slots=True)
class Memory:
    """Where every value of a program lies."""

    storages: dict[Value, Storage]
    offsets: dict[Value, int]
    """Of a value that is a piece of a flat vector: where it begins in its storage, in bytes."""
    in_place: set[int]
    """The ``write`` instructions, by their position, that nothing has to be done for."""
    runs: list[Run]
    """Instructions that are taken piece by piece."""
    size: int
    """Bytes of the arena."""


def plan(program: Program) -> Memory:
    """Find a place for every value."""
    return _Planner(program).plan()


class _Planner:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.storages: dict[Value, Storage] = {}
        self.offsets: dict[Value, int] = {}
        self.in_place: set[int] = set()
        self.all: list[Storage] = []
        self.end = len(program.instructions)
        self.runs = find_runs(program)
        self.local = {value: run for run in self.runs for value in run.local}
        self.reads: dict[Value, list[int]] = {}
        self.family: dict[Value, list[Value]] = {}  # a value -> its views
        for k, instruction in enumerate(program.instructions):
            for value in instruction.reads():
                if value in self.reads:
                    self.reads[value].append(k)
                else:
                    self.reads[value] = [k]
            if instruction.op is p.VIEW and instruction.out is not None:
                self.family.setdefault(instruction.inputs[0], []).append(instruction.out)
        for value in program.outcome():
            self.reads.setdefault(value, []).append(self.end)

    def plan(self) -> Memory:
        """Go through the instructions in order: what is read, what is made, and how long it is needed."""
        for flat, pieces in self._flat_states():
            self.family.setdefault(flat, []).extend(pieces)
        writes = self._writes_in_place()
        for k, instruction in enumerate(self.program.instructions):
            for value in instruction.reads():
                if value not in self.storages:
                    self._outer(value)
            out = instruction.out
            if out is None:
                continue
            if out in writes:
                self.storages[out] = self.storages.get(writes[out]) or self._outer(writes[out])
            elif out.place is not None:
                self._piece(out, k)
            elif out not in self.storages:
                self._computed(instruction, out, k)
            self._extend(self.storages[out], out, k)
        self._keep_during_runs()
        return Memory(self.storages, self.offsets, self.in_place, self.runs, self._arrange())

    def _keep_during_runs(self) -> None:
        """Let what a run touches keep its place to the run's end, since its pieces are taken one after the other."""
        for run in self.runs:
            for instruction in self.program.instructions[run.start : run.stop]:
                for value in (*instruction.reads(), *((instruction.out,) if instruction.out is not None else ())):
                    storage = self.storages[value]
                    storage.first, storage.last = min(storage.first, run.start), max(storage.last, run.stop - 1)

    def _size(self, value: Value) -> int:
        run = self.local.get(value)
        return n_bytes(value) if run is None else run.size(value)

    def _flat_states(self) -> list[tuple[Value, tuple[Value, ...]]]:
        flats = dict.fromkeys(v for i in self.program.instructions for v in i.reads() if isinstance(v.owner, Flat))
        return [(flat, flat.owner.pieces) for flat in flats]

    def _outer(self, value: Value) -> Storage:
        """Note a value that is there before the step."""
        storage = self.storages[value] = Storage(value.array.nbytes, 0, self.end, [value], value.kind)
        return storage

    def _new(self, value: Value, size: int, k: int, kind: str = "arena") -> Storage:
        storage = self.storages[value] = Storage(size, k, k, [value], kind)
        self.all.append(storage)
        return storage

    def _piece(self, value: Value, k: int) -> None:
        assert value.place is not None  # noqa: S101 - asked before
        flat, start = value.place
        storage = self.storages.get(flat) or self._new(flat, flat.array.nbytes, k)
        first_byte = start * value.dtype.itemsize
        self.storages[value], self.offsets[value] = storage, first_byte
        storage.values.append(value)
        run = next((run for run in self.runs if run.start <= k < run.stop), None)
        made = k if run is None else run.start
        storage.pieces.append(Span(first_byte, first_byte + n_bytes(value), made, made))

    def _computed(self, instruction: Instruction, out: Value, k: int) -> None:
        op = instruction.op
        if op is p.VIEW:
            storage = self.storages[out] = self.storages[instruction.inputs[0]]
            storage.values.append(out)
        elif op.kind == "opaque":
            self._new(out, 0, k, "fresh")
        elif (shared := self._takes_over(instruction, out, k)) is not None:
            self.storages[out] = shared
            shared.values.append(out)
        else:
            self._new(out, self._size(out), k)

    def _extend(self, storage: Storage, value: Value, k: int) -> None:
        storage.last = max(storage.last, self._last_read(value, k))

    def _last_read(self, value: Value, k: int) -> int:
        """Find when a value, or a view of it, is read last."""
        reads = self.reads.get(value)
        last = max(k, reads[-1]) if reads else k  # they are in order
        for view in self.family.get(value, ()):
            last = max(last, self._last_read(view, k))
        return last

    def _takes_over(self, instruction: Instruction, out: Value, k: int) -> Storage | None:
        """Find an input that is not needed any more and that the result can be written over."""
        if instruction.op.kind != "elementwise":
            return None
        if instruction.op.run is np.sign or is_filled_first(instruction):  # NumPy's sign in place is ten times slower
            return None
        values = [x for x in instruction.inputs if isinstance(x, Value)]
        # np.where is two copies, the first of which writes its last input's entries.
        for x in [x for x in instruction.inputs[2:] if x in values] if instruction.op is p.WHERE else values:
            storage = self.storages[x]
            whole = storage.kind == "arena" and storage.size == self._size(x) and x not in self.offsets
            whole = whole and (x in self.local) == (out in self.local)
            if not (whole and storage.last == k and x.shape == out.shape and _same_layout(x, out)):
                continue
            others = [y for y in values if y is not x and self.storages[y] is storage]
            if not others or (instruction.op is not p.WHERE and all(_same_layout(x, y) for y in others)):
                return storage
        return None

    def _writes_in_place(self) -> dict[Value, Value]:
        """Find the new values that can be computed right where they belong."""
        made = {i.out: k for k, i in enumerate(self.program.instructions) if i.out is not None}
        found: dict[Value, Value] = {}
        for position, instruction in enumerate(self.program.instructions):
            if instruction.op is not p.WRITE:
                continue
            target, new = instruction.inputs
            k = made.get(new, -1)
            if k < 0 or new in found or new.place is not None or self._last_read(target, -1) > position:
                continue
            maker = self.program.instructions[k]
            later = [r for r in self._all_reads(target) if r > k and r != position]
            fits = maker.op.kind == "elementwise" and target.array.flags.c_contiguous
            aligned = all(x is target or x not in self._kin(target) for x in maker.inputs if isinstance(x, Value))
            if fits and aligned and not later:
                found[new] = target
                self.in_place.add(position)
        return found

    def _kin(self, value: Value) -> set[Value]:
        views = self.family.get(value, ())
        return set(views).union(*(self._kin(view) for view in views))

    def _all_reads(self, value: Value) -> list[int]:
        return [r for v in (value, *self._kin(value)) for r in self.reads.get(v, ())]

    def _arrange(self) -> int:
        """Give each storage a place in the arena: the largest first, each as low as it fits."""
        placed: list[Span] = []
        for storage in sorted((s for s in self.all if s.kind == "arena"), key=lambda s: -s.size):
            storage.offset = _lowest(storage.spans(), placed)
            placed.extend(storage.spans())
        return max((span.stop for span in placed), default=0)


def _lowest(spans: list[Span], placed: list[Span]) -> int:
    """Find the lowest offset at which spans clash with none of those that are placed already."""
    taken = [  # above the first and below the second, an offset does not do
        (start - span.stop, stop - span.start)
        for span in spans
        for start, stop, first, last in placed
        if first <= span.last and span.first <= last
    ]
    offset = 0
    for low, high in sorted(taken):
        if offset <= low:
            break
        if offset < high:
            offset = _aligned(high)
    return offset


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT) * ALIGNMENT


def _same_layout(a: Value, b: Value) -> bool:
    return a.dtype.itemsize == b.dtype.itemsize and a.array.strides == b.array.strides
