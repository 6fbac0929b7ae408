"""Real memory for a program: the arena is allocated, and each value that stays in its place gets its array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.memory import ALIGNMENT
from tinygrad_edu.compiler.together import Flat, side_by_side

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.compiler.memory import Memory
    from tinygrad_edu.compiler.program import Program, Value

__all__ = ["bind", "new_arena"]


def bind(program: Program, memory: Memory) -> dict[Value, NDArray[Any]]:
    """Make the arena, lay state side by side, and give each value that stays in its place its array.

    Inputs, what is made anew in each step, and views of these have none.
    """
    arena = new_arena(memory.size)
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


def new_arena(size: int) -> NDArray[Any]:
    """Allocate an arena: bytes of 0, the first at the beginning of a line of the cache."""
    memory = np.zeros(size + ALIGNMENT, np.uint8)
    start = -memory.__array_interface__["data"][0] % ALIGNMENT
    return memory[start : start + size]


def _place(value: Value, arena: NDArray[Any], offset: int, shape: tuple[int, ...] | None = None) -> NDArray[Any]:
    """Make the array of a value in the arena, its axes laid out in the order of the example's."""
    example = value.array
    if shape is None and (example.flags.c_contiguous or example.flags.f_contiguous):
        return np.ndarray(example.shape, example.dtype, arena, offset, example.strides)
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
