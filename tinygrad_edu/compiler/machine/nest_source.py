"""Loops in the Numba source: what a nest computes, spelled statement by statement."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.machine.expressions import expression, literal
from tinygrad_edu.compiler.machine.forms import Via
from tinygrad_edu.compiler.machine.loops import Time, fastest_last, repeated, times
from tinygrad_edu.compiler.machine.refusing import refusal
from tinygrad_edu.compiler.machine.writer import LETTERS
from tinygrad_edu.compiler.program import Value

if TYPE_CHECKING:
    from tinygrad_edu.compiler.machine.nests import Axes, Nest, Statement
    from tinygrad_edu.compiler.machine.writer import Writer

__all__ = ["write_nest"]

_REDUCE = {
    "add": "{0} += {1}",
    "multiply": "{0} *= {1}",
    "maximum": "{0} = larger({0}, {1})",
    "minimum": "{0} = smaller({0}, {1})",
    "logical_and": "{0} = {0} and {1}",
    "logical_or": "{0} = {0} or {1}",
}
_START = {"add": 0, "multiply": 1, "maximum": -np.inf, "minimum": np.inf, "logical_and": 1, "logical_or": 0}
_FEW = range(8, 33)  # so many numbers of a row are done several at a time only if the compiler is made to
_DEEP = 3  # in a nest so deep, the outer loops would be written out in part: slow to compile, and no faster
_MANY = 2**12  # so many numbers and more are added up in double precision


def write_nest(writer: Writer, nest: Nest) -> None:
    """Write the loops of a nest, and what is done in them, before and after.

    Raises
    ------
    CaptureError
        If there is no spelling for an operation.
    """
    for origin in dict.fromkeys(s.form.instruction.origin for s in nest.statements):
        writer.comment(origin)
    lines = _NestWriter(writer, nest).write()
    writer.lines += ["if keep:", *(f"    {line}" for line in lines)] if nest.last else lines


class _NestWriter:
    """Writes one nest."""

    def __init__(self, writer: Writer, nest: Nest) -> None:
        self.w, self.nest = writer, nest
        self.times = times(nest)
        self.again = repeated(nest, self.times)
        self.makers = {s.out: s for s in nest.statements}
        self.outer, self.inner = fastest_last(nest)
        self.letters = dict(zip([*self.outer, *self.inner], LETTERS, strict=False))
        self.uses = Counter(x for s in nest.statements for x, _ in s.form.operands if isinstance(x, Value))
        self.local: dict[Value, str] = {}
        self.inlined: dict[Value, str] = {}
        self.now = Time("before", 0)
        self.lines: list[str] = []
        self.late: list[str] = []  # what overwrites states waits until the others have read them

    def write(self) -> list[str]:
        """Write the loops, from the outermost on."""
        runs = 1 + max((t.run for t in self.times.values()), default=0)
        self._all("before", 0, 0)
        late_sums = [s for s in self.nest.statements if s.sums and s.out in self.nest.after]
        for s in late_sums:
            self._begin(s)
        depth = self._loops(0, self.outer)
        for run in range(runs):
            self._all("row", run, depth)
            self._row(run, depth)
        self._all("row", runs, depth)
        for s in late_sums:
            self._end(s, 0)
        self._all("after", 0, 0)
        return self.lines

    def _all(self, level: str, run: int, depth: int) -> None:
        """Write the statements of a time."""
        for s in self.nest.statements:
            if self.times[s.out] == Time(level, run):
                self._statement(s, depth)
        for line in self.late:
            self._line(depth, line)
        self.late = []

    def _row(self, run: int, depth: int) -> None:
        """Write one run through the row."""
        statements = [s for s in self.nest.statements if self.times[s.out] == Time("full", run)]
        if not statements:
            return
        sums = [s for s in statements if s.sums and s.out not in self.nest.after]
        for s in sums:
            self._line(depth, f"{self._total(s)} = {self._initial(s)}")
        self._all("full", run, self._loops(depth, self.inner))
        for s in sums:
            self._end(s, depth)

    def _loops(self, depth: int, loops: list[Any]) -> int:
        for loop in loops:
            few = loop.size in _FEW if loop is self.inner[-1] else len(self.letters) >= _DEEP
            size = self.w.call("several", loop.size) if few else loop.size
            self._line(depth, f"for {self.letters[loop]} in {self.w.call('upto', size)}:")
            depth += 1
        return depth

    def _line(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    # ------------------------------------------------------------------------------------------- sums
    def _begin(self, s: Statement) -> None:
        """Set what is summed up over all loops to its start."""
        if not self._adds_in_memory(s):
            self._line(0, f"{self._total(s)} = {self._initial(s)}")
            return
        self._line(0, f"{self.w.name(s.out)}[:] = {self._initial(s)}")

    def _end(self, s: Statement, depth: int) -> None:
        """Say where a sum belongs, once it is complete."""
        if self._adds_in_memory(s):
            return
        total, name = self._total(s), self._local(s.out)
        if total != name:
            self._line(depth, f"{name} = {s.out.dtype.name}({total})")
        if self._in_memory(s.out):
            self._line(depth, f"{self._element(s.out)} = {name}")

    def _adds_in_memory(self, s: Statement) -> bool:
        return s.out in self.nest.after and s.out.array.size != 1

    def _exactly(self, s: Statement) -> bool:
        """Tell whether so many numbers are added up that single precision would show."""
        many = math.prod(loop.size for loop in s.gone) >= _MANY
        adds = s.form.reduction is np.add and s.out.dtype == np.float32
        return many and adds and not self._adds_in_memory(s)

    def _total(self, s: Statement) -> str:
        name = self._local(s.out)
        return f"{name}_total" if self._exactly(s) else name

    def _initial(self, s: Statement) -> str:
        assert s.form.reduction is not None  # noqa: S101 - only of reductions
        number: Any = _START[s.form.reduction.__name__]
        dtype = np.dtype(np.float64) if self._exactly(s) else s.out.dtype
        if dtype.kind in "iu" and not np.isfinite(number):
            number = np.iinfo(dtype).min if number < 0 else np.iinfo(dtype).max
        return literal(number, dtype)

    # ---------------------------------------------------------------------------------------- statements
    def _statement(self, s: Statement, depth: int) -> None:
        value = s.out
        if value in self.again:
            return
        self.now = self.times[value]
        text = self._text(s)
        if s.form.how == "scatter":
            how = "+=" if s.form.instruction.op.name == "add.at" else "="
            self._line(depth, f"{self.w.name(self.w.fused.homes[value])}[{self._spots(s)}] {how} {_bare(text)}")
        elif s.sums:
            target = self._element(value) if self._adds_in_memory(s) else self._total(s)
            assert s.form.reduction is not None  # noqa: S101 - it is a reduction
            line = _REDUCE[s.form.reduction.__name__].format(target, _bare(text))
            self.w.used |= {helper for helper in ("larger", "smaller") if f"= {helper}(" in line}
            self._line(depth, line)
        elif self._in_memory(value):
            self._store(value, text, depth)
        elif self._once(s):
            self.inlined[value] = text
        else:
            self._line(depth, f"{self._local(value)} = {_bare(text)}")

    def _store(self, value: Value, text: str, depth: int) -> None:
        if self.uses[value]:
            self._line(depth, f"{self._local(value)} = {_bare(text)}")
            text = self._local(value)
        line = f"{self._element(value)} = {_bare(text)}"
        if value in self.w.fused.homes:
            self.late.append(line)
        else:
            self._line(depth, line)

    def _once(self, s: Statement) -> bool:
        """Tell whether a value is used once, at the same time, so that it needs no name."""
        if self.uses[s.out] != 1 or s.out in self.nest.stored:
            return False
        reader = next(r for r in self.nest.statements if r.reads(s.out))
        return self.times[reader.out] == self.times[s.out] and reader.form.how != "pick"

    def _in_memory(self, value: Value) -> bool:
        if value in self.w.fused.lasting:
            return self.nest.last
        return self.w.layout.in_memory(value) or value in self.w.fused.homes

    def _local(self, value: Value) -> str:
        if value not in self.local:
            taken = self._in_memory(value)
            self.local[value] = self.w.free(f"{value.name}_" if taken else value.name)
            if value.array.size == 1 and not taken:
                self.w.scalars[value] = self.local[value]
        return self.local[value]

    # --------------------------------------------------------------------------------------- expressions
    def _text(self, s: Statement) -> str:
        """Spell what a statement computes at one place."""
        form, how = s.form, s.form.how
        if how == "gather":
            return f"{self.w.name(form.operands[0][0])}[{self._spots(s)}]"
        if how == "pick":
            return self._pick(form.operands[0][0], s, self._read(form.operands[1], s))
        operands = [self._read(operand, s) for operand in form.operands]
        if how == "place":
            column = s.where[1]
            at = "0" if column is None else f"int64({self.letters[column]})"
            return f"({operands[0]} if {at} == {operands[1]} else {literal(0, s.out.dtype)})"
        name, options = form.instruction.op.name, form.instruction.options
        if how == "scatter":
            operands, name, options = operands[:1], "copyto", {}
        elif how == "reduce":
            name, options = "multiply" if len(operands) > 1 else "copyto", {}
        given = zip(form.operands, operands, strict=False)
        dtypes = [x.dtype if isinstance(x, Value) else type(x) for (x, _), _ in given]
        text = expression(name, operands, dtypes, s.out.dtype, options, self.w.used)
        if text is None:
            raise refusal(form.instruction)
        return text

    def _read(self, operand: tuple[Any, Any], s: Statement) -> str:
        """Spell an operand: a number, what is at hand, or an entry of an array."""
        x, along = operand
        if not isinstance(x, Value):
            return repr(x)
        if x in self.inlined or x in self.again:
            return self.inlined.get(x) or self._text(self.makers[x])
        if x in self.times and not self._from_memory(x):
            return self._local(x)
        if x.kind == "number" or (x.array.size == 1 and x in self.w.scalars):
            return self.w.number(x)
        if x.kind == "constant" and x.array.size > 0 and bool((x.array == x.array.flat[0]).all()):
            return literal(x.array.flat[0].item(), x.dtype)
        return self._entry(x, s.along(along))

    def _from_memory(self, x: Value) -> bool:
        """Tell whether a value made in this nest is read back: it was made in an earlier run."""
        return self._in_memory(x) and self.times[x] != self.now and not self.makers[x].sums

    def _spots(self, s: Statement) -> str:
        """Spell an index that arrays are part of."""

        def one(spot: Any) -> str:
            if isinstance(spot, Via):
                return self._read(s.form.operands[spot.operand], s)
            loop = None if spot is None else s.where[spot]
            return "0" if loop is None else self.letters[loop]

        return ", ".join(map(one, s.form.index))

    def _pick(self, x: Value, s: Statement, place: str) -> str:
        """Spell the entry of a row at a place."""
        row, column = self.nest.axes.get(x) or s.along(s.form.operands[0][1])
        if x in self.again and column is not None:
            before, self.letters[column] = self.letters[column], place
            text = self._text(self.makers[x])
            self.letters[column] = before
            return text
        first = "0" if row is None else self.letters[row]
        return f"{self.w.name(x)}[{place}]" if x in self.w.layout.buffers else f"{self.w.name(x)}[{first}, {place}]"

    def _element(self, value: Value) -> str:
        """Spell where a value of this nest lies."""
        return self._entry(value, self.nest.axes[value])

    def _entry(self, x: Value, axes: Axes) -> str:
        if x in self.w.layout.buffers:
            axes = tuple(a for a in axes if a in self.inner)
        index = ", ".join("0" if a is None else self.letters[a] for a in axes)
        return f"{self.w.name(self.w.fused.homes.get(x, x))}[{index or '()'}]"


def _bare(text: str) -> str:
    """Take away parentheses around all of an expression.

    Examples
    --------
    >>> _bare("(a + b)"), _bare("(a + b) * (c + d)")
    ('a + b', '(a + b) * (c + d)')
    """
    depth = 0
    for k, c in enumerate(text):
        depth += (c == "(") - (c == ")")
        if depth == 0 and k < len(text) - 1:
            return text
    return text[1:-1] if text.startswith("(") else text
