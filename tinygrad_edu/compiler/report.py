"""What a compiled step costs: each instruction with its shape, its arithmetic and its memory; and who shares what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.program import Instruction, Program, Value, n_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tinygrad_edu.compiler.memory import Memory, Storage

__all__ = ["Buffer", "Row", "Table", "buffers", "explain"]


@dataclass(frozen=True, slots=True)
class Row:
    """One instruction and what it costs."""

    instruction: str
    shape: tuple[int, ...]
    flops: int
    """Floating-point operations: 2 n m k of a product, one for each entry of what works entry by entry."""
    bytes: int
    """Read and written."""
    layer: str
    phase: str


@dataclass(frozen=True, slots=True)
class Buffer:
    """A piece of the arena, and the values that lie in it one after the other."""

    offset: int
    bytes: int
    values: tuple[str, ...]
    first: int
    last: int
    """The instructions, by their number, between which it is in use."""


class Table(tuple[Any, ...]):
    """Rows that print as a table.

    Examples
    --------
    >>> print(Table([Row("np.dot(x, w)", (2, 3), 12, 64, "", "forward")]))
      instruction   shape  flops  bytes  layer  phase
    0 np.dot(x, w)  2×3       12     64         forward
    """

    __slots__ = ()

    def __str__(self) -> str:
        if not self:
            return "(nothing)"
        heads = list(type(self[0]).__dataclass_fields__)
        cells = [heads, *([_cell(getattr(row, head)) for head in heads] for row in self)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        right = [isinstance(getattr(self[0], head), int) for head in heads]
        first = len(str(len(self) - 1))
        lines = []
        for k, row in enumerate(cells):
            parts = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)]
            lines.append(f"{k - 1 if k else '':>{first}} " + "  ".join(parts).rstrip())
        return "\n".join(lines)

    __repr__ = __str__


def explain(program: Program) -> Table:
    """List what each instruction computes and costs."""
    return Table(
        Row(str(i).split("  #")[0], i.out.shape, _flops(i), _moved(i), i.origin.layer, i.origin.phase)
        for i in program.instructions
        if i.out is not None and i.op.kind not in ("view", "join")
    )


def buffers(memory: Memory) -> Table:
    """List the pieces of the arena in the order in which they lie; of a flat vector each of its pieces."""
    storages = {id(s): s for s in memory.storages.values() if s.kind == "arena"}.values()
    rows = [row for storage in storages for row in _rows(storage, memory.offsets)]
    return Table(sorted(rows, key=lambda row: (row.offset, row.first)))


def _rows(storage: Storage, offsets: dict[Value, int]) -> Iterator[Buffer]:
    for span in storage.spans():
        there = span.start - storage.offset
        names = tuple(value.name for value in storage.values if offsets.get(value, there) == there)
        yield Buffer(span.start, span.stop - span.start, names, span.first, span.last)


def _cell(x: Any) -> str:
    if isinstance(x, tuple):
        return ("×" if all(isinstance(n, int) for n in x) else ", ").join(map(str, x)) or "()"
    return f"{x:,}" if isinstance(x, int) else str(x)


def _flops(i: Instruction) -> int:
    assert i.out is not None  # noqa: S101 - asked before
    values = [x for x in i.inputs if isinstance(x, Value)]
    if i.op is p.DOT or i.op.name == "matmul":
        inner = values[0].shape[-1] if values[0].shape else 1
        return 2 * math.prod(i.out.shape) * inner
    if i.op.kind in ("reduction", "scan", "product"):
        return max((math.prod(v.shape) for v in values), default=0) * (2 if i.op.kind == "product" else 1)
    return math.prod(i.out.shape) if i.op.kind == "elementwise" else 0


def _moved(i: Instruction) -> int:
    touched: Sequence[Value] = [v for v in (*i.reads(), i.out) if v is not None]
    return sum(n_bytes(v) for v in touched)
