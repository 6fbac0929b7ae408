"""Where every value lies: which share memory, when each piece is free again, and what is computed in place.

State keeps the memory that it has. Everything else that is computed lies in one arena: two values may have the same
place in it if one is no longer needed when the other is made.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.pieces import Run, find_runs
from tinygrad_edu.compiler.program import Instruction, Program, Value
from tinygrad_edu.compiler.together import Flat, side_by_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Memory", "Storage", "plan"]

_ALIGNMENT = 64


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

    def overlaps(self, other: Storage) -> bool:
        """Tell whether both are needed at some time."""
        return self.first <= other.last and other.first <= self.last


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
                self.reads.setdefault(value, []).append(k)
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
        flats = {v for i in self.program.instructions for v in i.reads() if isinstance(v.owner, Flat)}
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
        self.storages[value], self.offsets[value] = storage, start * value.dtype.itemsize
        storage.values.append(value)

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
        last: int = max([k, *self.reads.get(value, ())])
        return max([last, *(self._last_read(view, k) for view in self.family.get(value, ()))])

    def _takes_over(self, instruction: Instruction, out: Value, k: int) -> Storage | None:
        """Find an input that is not needed any more and that the result can be written over."""
        if instruction.op.kind != "elementwise":
            return None
        if instruction.op.run is np.sign:  # in place NumPy computes it one by one: ten times slower
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
        placed: list[Storage] = []
        top = 0
        for storage in sorted((s for s in self.all if s.kind == "arena"), key=lambda s: -s.size):
            offset = 0
            for other in sorted((s for s in placed if s.overlaps(storage)), key=lambda s: s.offset):
                if offset + storage.size <= other.offset:
                    break
                offset = max(offset, _aligned(other.offset + other.size))
            storage.offset = offset
            placed.append(storage)
            top = max(top, offset + storage.size)
        return int(top)


def n_bytes(value: Value) -> int:
    """Count the bytes of a value."""
    return math.prod(value.shape) * value.dtype.itemsize


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGNMENT) * _ALIGNMENT


def _same_layout(a: Value, b: Value) -> bool:
    return a.dtype.itemsize == b.dtype.itemsize and a.array.strides == b.array.strides


# ------------------------------------------------------------------------------------------ real memory
def bind(program: Program, memory: Memory) -> dict[Value, NDArray[Any]]:
    """Make the arena, lay state side by side, and give each value that stays in its place its array.

    Inputs, what is made anew in each step, and views of these have none.
    """
    arena = _arena(memory.size)
    local = {value: run for run in memory.runs for value in run.local}
    arrays: dict[Value, NDArray[Any]] = {}
    for value in memory.storages:
        if isinstance(value.owner, Flat):
            arrays[value] = _lay_side_by_side(value)
    for value, storage in memory.storages.items():
        if value.kind in ("state", "constant", "number") and value not in arrays:
            arrays[value] = value.array if value.owner is None or value.kind != "state" else value.owner.array
        if storage.kind == "arena" and storage.values[0].place is not None:
            flat = storage.values[0].place.flat
            arrays.setdefault(flat, _place(flat, arena, storage.offset))
    for instruction in program.instructions:
        out = instruction.out
        if out is None or out in arrays or memory.storages[out].kind in ("input", "fresh"):
            continue
        storage = memory.storages[out]
        if instruction.op is p.VIEW:
            arrays[out] = instruction.options["make"](arrays[instruction.inputs[0]])
        elif storage.kind == "state":  # computed right where it belongs
            arrays[out] = arrays[storage.values[0]]
        else:
            shape = (local[out].rows, *out.shape[1:]) if out in local else out.shape
            arrays[out] = _place(out, arena, storage.offset + memory.offsets.get(out, 0), shape)
    return arrays


def _arena(size: int) -> NDArray[Any]:
    memory = np.zeros(size + _ALIGNMENT, np.uint8)
    start = -memory.__array_interface__["data"][0] % _ALIGNMENT
    return memory[start : start + size]


def _place(value: Value, arena: NDArray[Any], offset: int, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Make the array of a value in the arena, its axes laid out in the order of the example's."""
    shape = value.shape if shape is None else shape
    strides = [0] * len(shape)
    step = value.dtype.itemsize
    for axis in sorted(range(len(shape)), key=lambda a: (value.array.strides[a], -a)):
        strides[axis] = step
        step *= shape[axis]
    return np.ndarray(shape, value.dtype, arena, offset, tuple(strides))


def _lay_side_by_side(flat: Value) -> NDArray[Any]:
    """Make one vector of all the pieces, unless they are one already."""
    pieces = flat.owner.pieces
    there = side_by_side([piece.owner.array for piece in pieces])
    if there is not None:
        return there
    vector = np.concatenate([piece.owner.array.reshape(-1) for piece in pieces])
    for piece in pieces:
        start = piece.place.start if piece.place is not None else 0
        array = vector[start : start + piece.array.size].reshape(piece.shape)
        piece.owner.move(array)
        piece.array = array
    return vector
