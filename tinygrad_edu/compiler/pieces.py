"""Large arrays in pieces: what works entry by entry goes through a stretch that fits the cache before it goes on.

Each of two calls on arrays larger than the cache reads and writes main memory from end to end. Taken piece by piece,
the second call finds what the first one left, and what is needed in between has the size of a piece.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.program import Instruction, Program, Value

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Run", "find_runs"]

_LARGE = 2**18  # bytes from which on it pays: an array beyond the second level of the cache
_PIECE = 2**17


@dataclass(eq=False, slots=True)
class Run:
    """Instructions, one after the other, on arrays of one shape, that are taken piece by piece along the first axis."""

    start: int
    stop: int
    rows: int
    """The length of a piece along the first axis; the last may be shorter."""
    shape: tuple[int, ...]
    local: set[Value]
    """Values that nothing outside needs: they have the size of a piece."""

    def bounds(self) -> Iterator[slice]:
        """Go through the pieces."""
        yield from (slice(k, min(k + self.rows, self.shape[0])) for k in range(0, self.shape[0], self.rows))

    def cut(self, value: Value) -> bool:
        """Tell whether an array is taken in pieces; if not, it is the same for all of them."""
        return value.shape == self.shape

    def size(self, value: Value) -> int:
        """Count the bytes of a piece."""
        return self.rows * math.prod(self.shape[1:]) * value.dtype.itemsize


def find_runs(program: Program) -> list[Run]:
    """Find the instructions that are better taken in pieces."""
    runs: list[Run] = []
    k = 0
    instructions = program.instructions
    if not any(i.out is not None and _is_large(i.out) for i in instructions):
        return runs
    # Inputs, and what is made anew in each step, are other arrays each time; so are views of them.
    fresh = set(program.inputs)
    for i in instructions:
        if i.out is not None and (i.op.kind == "opaque" or (i.op is p.VIEW and i.inputs[0] in fresh)):
            fresh.add(i.out)
    while k < len(instructions):
        stop = k
        while stop < len(instructions) and _goes_on(instructions[stop], instructions[k], fresh):
            stop += 1
        calls = [i for i in instructions[k:stop] if i.out is not None]
        if len(calls) > 1:
            runs.append(_run(program, k, stop))
        k = max(stop, k + 1)
    return runs


def _goes_on(instruction: Instruction, first: Instruction, fresh: set[Value]) -> bool:
    out = instruction.out
    if instruction.op is p.WRITE and instruction is not first:
        return True
    if instruction.op.kind != "elementwise" or out is None or first.out is None or out.shape != first.out.shape:
        return False
    if not out.shape or not _is_large(out) or not out.array.flags.c_contiguous:
        return False
    return all(_fits(x, out, fresh) for x in instruction.inputs if isinstance(x, Value))


def _is_large(value: Value) -> bool:
    return value.array.nbytes >= _LARGE


def _fits(x: Value, out: Value, fresh: set[Value]) -> bool:
    """Tell whether an input can be cut along the first axis with the result, or is the same all along it."""
    if x.shape == out.shape:
        return x.array.flags.c_contiguous and x not in fresh
    return len(x.shape) < len(out.shape) or x.shape[0] == 1


def _run(program: Program, start: int, stop: int) -> Run:
    inside = program.instructions[start:stop]
    first = inside[0].out
    assert first is not None  # noqa: S101 - a run begins with a call
    row = math.prod(first.shape[1:]) * first.dtype.itemsize
    others = [*program.instructions[:start], *program.instructions[stop:]]
    needed = {v for i in others for v in i.reads()} | set(program.outcome())
    needed |= {i.inputs[1] for i in inside if i.op is p.WRITE}
    local = {i.out for i in inside if i.out is not None and i.out not in needed and i.out.place is None}
    return Run(start, stop, max(1, _PIECE // max(1, row)), first.shape, local)
