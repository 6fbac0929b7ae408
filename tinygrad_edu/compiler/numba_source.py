"""The step as Numba source: loops over rows and columns, products by one BLAS, and the whole epoch around it."""

from __future__ import annotations

import keyword
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.expressions import HELPERS, expression, literal
from tinygrad_edu.compiler.folding import DESCEND
from tinygrad_edu.compiler.fusion import Fused
from tinygrad_edu.compiler.nests import Nest, Statement
from tinygrad_edu.compiler.forms import Via, dense_strides
from tinygrad_edu.compiler.loops import Time, fastest_last, repeated, times
from tinygrad_edu.compiler.program import Instruction, Origin, Program, Value
from tinygrad_edu.compiler.refusing import refusal

if TYPE_CHECKING:
    from tinygrad_edu.compiler.matrices import Matrix, Product
    from tinygrad_edu.compiler.numba_memory import Layout

__all__ = ["write_numba_source"]

_TAKEN = frozenset({"epoch", "X", "order", "numbers", "losses", "memory", "k", "keep", "np", "numba", *keyword.kwlist, *HELPERS})
_LETTERS = ("i", "j", "l", "m", "n", "o", "p", "q", "r", "s")
_REDUCE = {"add": "{} += {}", "multiply": "{} *= {}", "maximum": "{0} = larger({0}, {1})", "minimum": "{0} = smaller({0}, {1})"}
_START = {"add": 0, "multiply": 1, "maximum": -np.inf, "minimum": np.inf}


def write_numba_source(program: Program, fused: Fused, layout: Layout, *, title: str) -> str:
    """Write a module with a function ``epoch``, which makes the step for each batch and gives how many it made."""
    return _Writer(program, fused, layout).write(title)


@dataclass
class _Writer:
    program: Program
    fused: Fused
    layout: Layout
    names: set[str] = field(default_factory=lambda: set(_TAKEN))
    named: dict[Value, str] = field(default_factory=dict)
    scalars: dict[Value, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    turned: set[Value] = field(default_factory=set)
    keeps: bool = False
    arguments: dict[Value, str] = field(default_factory=dict)
    generators: list[str] = field(default_factory=list)
    last: tuple[str, str, str] | None = None

    def write(self, title: str) -> str:
        """Write the module."""
        arguments = [f"X_{v.name}" for v in self.program.inputs]
        states = [self.given(v) for v in self.layout.states]
        self.generators = [self.free("rng") for _ in self.layout.generators]
        for item in self.fused.items:
            if isinstance(item, Nest):
                _NestWriter(self, item).write()
            else:
                self._instruction(item)
        self.lines.append(f"losses[k] = {self._scalar(self.program.result)}")
        top, start = self._declarations()
        body = "\n".join([*(f"    {line}" for line in top), "    for k in range(losses.size):"])
        inside = "\n".join(f"        {line}".rstrip() for line in [*start, *self.lines])
        listed = ", ".join([*arguments, "order", "numbers", "losses", "memory", *states, *self.generators])
        imports = ", ".join(sorted({"OPTIONS", "njit", "part", "rows", *self.used}))
        return (
            f'"""{title}"""\n\nimport math\n\nimport numpy as np\nfrom numpy import bool_, float32, float64, int32, int64, isfinite, uint8\n\n'
            f"from tinygrad_edu.compiler.numba_functions import {imports}\n\n\n@njit(cache=True, **OPTIONS)\n"
            f"def epoch({listed}):\n{body}\n{inside}\n    return losses.size\n"
        )

    def _declarations(self) -> tuple[list[str], list[str]]:
        """Name every piece of memory, and what changes with each step: the batch and Python's numbers."""
        top, start = [], []
        windows, windows_of_batches = [], []
        for value, seen in self.layout.windows.items():
            if value in self.named:
                offset = seen.offset * value.dtype.itemsize
                piece = self._piece(self.name(seen.root), offset, value.shape, seen.strides, value.dtype)
                where = windows_of_batches if seen.root in self.layout.batches else windows
                where.append(f"{self.name(value)} = {piece}")
        memory = {**self.layout.shaped, **self.layout.buffers}
        used = {v for v in self.named if v in memory}
        used |= {flat for v, (flat, _) in self.layout.pieces.items() if v in self.named and flat in memory}
        roots = [seen.root for value, seen in self.layout.windows.items() if value in self.named]
        used |= {root for root in roots if root in memory}
        for value, shape in memory.items():
            if value in used:
                strides = shape if value in self.layout.shaped else _row_major(shape)
                shape = value.shape if value in self.layout.shaped else shape
                piece = self._piece("memory", self.layout.places[value], shape, strides, value.dtype)
                top.append(f"{self.name(value)} = {piece}")
        for value in self.layout.states:
            if value in self.named:
                strides = dense_strides(value)
                top.append(f"{self.name(value)} = {self._piece(self.given(value), 0, value.shape, strides, value.dtype)}")
        for value, (flat, offset) in self.layout.pieces.items():
            if value in self.named:
                where = self.given(flat) if flat in self.arguments else self.name(flat)
                top.append(f"{self.name(value)} = {self._piece(where, offset, value.shape, None, value.dtype)}")
        for value, offset in self.layout.batches.items():
            if value not in self.named:
                continue
            width = value.array.size // value.shape[0] if value.shape else 1
            n = value.shape[0] if value.shape else 1
            room = self.free(f"{value.name}_rows")
            top.append(f"{room} = {self._piece('memory', offset, (n, width), None, value.dtype)}")
            start.append(
                f"{self.name(value)} = part(rows(X_{value.name}, order, k * {n}, {room}), 0, {_tuple(value.shape)}, "
                f"{value.dtype.name})"
            )
        if self.keeps:
            start.append("keep = k == losses.size - 1  # the gradients, for parameter.grad")
        for column, value in enumerate(self.layout.numbers):
            start.append(f"{self.number(value)} = {value.dtype.name}(numbers[k, {column}])")
        start += windows_of_batches
        top += windows
        return top, start

    def _piece(
        self, memory: str, offset: int, shape: tuple[int, ...], strides: tuple[int, ...] | None, dtype: np.dtype[Any]
    ) -> str:
        name = "bool_" if dtype == np.bool else dtype.name
        if strides is None or strides == _row_major(shape):
            return f"part({memory}, {offset}, {_tuple(shape)}, {name})"
        self.used.add("strided")
        return f"strided({memory}, {offset}, {_tuple(shape)}, {_tuple(strides)}, {name})"

    # ------------------------------------------------------------------------------------------- names
    def name(self, value: Value) -> str:
        """Name an array."""
        if value not in self.named:
            self.named[value] = self.free(value.name)
        return self.named[value]

    def given(self, value: Value) -> str:
        """Name a state as the function is given it."""
        if value not in self.arguments:
            self.arguments[value] = self.free(f"{value.name}_")
        return self.arguments[value]

    def free(self, wanted: str) -> str:
        """Give a name that is not taken."""
        name, n = wanted, 2
        while name in self.names:
            name, n = f"{wanted}_{n}", n + 1
        self.names.add(name)
        return name

    def number(self, value: Value) -> str:
        """Name a number that Python computes."""
        if value not in self.scalars:
            self.scalars[value] = self.free(value.name)
        return self.scalars[value]

    def _scalar(self, value: Value) -> str:
        root = self.fused.views(value).root
        if root in self.scalars:
            return self.scalars[root]
        return f"{self.name(root)}[{', '.join('0' for _ in root.shape) or '()'}]"

    def comment(self, origin: Origin) -> None:
        """Say where what follows comes from."""
        here = (origin.phase, origin.layer, origin.line)
        if here == self.last or not any(here):
            return
        last = self.last or ("", "", "")
        parts = [origin.phase if last[0] != origin.phase else "", origin.layer]
        line = origin.line if last[2] != origin.line else ""
        text = " | ".join(part for part in (": ".join(q for q in parts if q), line) if part)
        if text:
            self.lines.append(f"# {text}")
        self.last = here

    # -------------------------------------------------------------------------------- what is no loop
    def _instruction(self, i: Instruction) -> None:
        if i.op in (p.JOIN, p.VIEW, p.CALL, p.ASSEMBLE):
            return
        if i.op is p.CHECK:
            if getattr(i.options["refuse"], "stops", False):
                self.comment(i.origin)
                loss = self._scalar(i.inputs[0])
                self.lines += [f"if not isfinite({loss}):", f"    losses[k] = {loss}", "    return k"]
            return
        if i.op.kind in ("product", "descend"):
            self.comment(i.origin)
            self._product(i)
            return
        if i.op is p.RANDOM and i.out is not None:
            self.comment(i.origin)
            helper = "uniform" if i.options["method"] == "random" else "normal"
            self.used.add(helper)
            self.lines.append(f"{helper}({self.generator(i)}, {self.name(i.out)}, {i.out.dtype.name})")
            return
        raise refusal(i)

    def generator(self, i: Instruction) -> str:
        """Name the generator that an instruction draws from."""
        return self.generators[[id(g) for g in self.layout.generators].index(id(i.options["rng"]))]

    def _product(self, i: Instruction) -> None:
        """Write a product; of stacks of matrices, one for each."""
        product = self.layout.products.get(i)
        if product is None:
            raise refusal(i)
        stack = [(letter, n) for letter, n in zip(_LETTERS, product.stack, strict=False) if n > 1]
        depth = len(stack)
        for level, (letter, n) in enumerate(stack):
            self.lines.append("    " * level + f"for {letter} in range({n}):")
        before, self.lines = self.lines, []
        if product.small:
            self._small(i, product)
        else:
            self._large(i, product)
        self.lines = [*before, *("    " * depth + line for line in self.lines)]

    def matrix(self, matrix: Matrix, stack: tuple[int, ...]) -> str:
        """Spell a matrix, which may be one of a stack."""
        if not stack:
            return self.name(matrix.value)
        letters = _LETTERS[len(stack) - len(matrix.stack) : len(stack)]
        index = ["0" if n == 1 else letter for letter, n in zip(letters, matrix.stack, strict=True)]
        return f"{self.name(matrix.value)}[{', '.join(index)}]" if index else self.name(matrix.value)

    def _target(self, i: Instruction, stack: tuple[int, ...]) -> str:
        assert i.out is not None  # noqa: S101 - products make a value
        index = ["0" if n == 1 else letter for letter, n in zip(_LETTERS, stack, strict=False)]
        return f"{self.name(i.out)}[{', '.join(index)}]" if stack else self.name(i.out)

    def _small(self, i: Instruction, product: Product) -> None:
        b, (m, n, k) = product.b, product.sizes
        right = self.matrix(b, product.stack)
        turned = self.layout.turned.get(b.value)
        if turned is not None and b.by_rows == b.turned:
            if turned not in self.turned or product.stack:
                self.turned.add(turned)
                self._turn(right, b, self.name(turned), k, n)
            right = self.name(turned)
        how = "tn" if product.a.turned else "nn"
        call = f'("{how}", {self.matrix(product.a, product.stack)}, {right}'
        if i.op is DESCEND:
            self.keeps = True
            self.used.add("descend")
            weight = self.name(self.fused.views(i.inputs[2]).root)
            self.lines.append(f"descend{call}, {weight}, {self._rate(i)}, {self._target(i, ())}, keep, {m}, {n}, {k})")
        else:
            self.used.add("product")
            self.lines.append(f"product{call}, {self._target(i, product.stack)}, {m}, {n}, {k})")

    def _turn(self, source: str, b: Matrix, target: str, k: int, n: int) -> None:
        """Copy a matrix into rows that lie side by side."""
        if b.by_rows or b.by_columns:
            self.used.add("turn")
            self.lines.append(f"turn({source}{'' if b.turned else '.T'}, {target}, {n}, {k})")
            return
        self.lines += [
            f"for row in range({k}):",
            f"    for column in range({n}):",
            f"        {target}[row, column] = {source}[{'column, row' if b.turned else 'row, column'}]",
        ]

    def _large(self, i: Instruction, product: Product) -> None:
        self.used.add("gemm")
        how = "".join("t" if matrix.turned else "n" for matrix in (product.a, product.b))
        left, right = (self.matrix(matrix, product.stack) for matrix in (product.a, product.b))
        call, out = f'gemm("{how}", {left}, {right}', self._target(i, product.stack)
        if i.op is not DESCEND:
            self.lines.append(f"{call}, {out}, 1, 0)")
            return
        self.keeps = True
        weight, rate = self.name(self.fused.views(i.inputs[2]).root), self._rate(i)
        m, n, _ = product.sizes
        self.lines += [
            "if keep:",
            f"    {call}, {out}, 1, 0)",
            f"    for i in range({m}):",
            f"        for j in range({n}):",
            f"            {weight}[i, j] -= {rate} * {out}[i, j]",
            "else:",
            f"    {call}, {weight}, -{rate}, 1)",
        ]

    def _rate(self, i: Instruction) -> str:
        rate = i.inputs[3]
        if not isinstance(rate, Value):
            return literal(rate, i.inputs[2].dtype)
        return self.number(rate) if rate.kind == "number" else self._scalar(rate)


class _NestWriter:
    """Writes one nest."""

    def __init__(self, writer: _Writer, nest: Nest) -> None:
        self.w, self.nest = writer, nest
        self.times = times(nest)
        self.again = repeated(nest, self.times)
        self.makers = {s.out: s for s in nest.statements}
        self.outer, self.inner = fastest_last(nest)
        self.letters = dict(zip([*self.outer, *self.inner], _LETTERS, strict=False))
        self.local: dict[Value, str] = {}
        self.buffers = writer.layout.buffers
        self.uses = Counter(x for s in nest.statements for x, _ in s.form.operands if isinstance(x, Value))
        self.inlined: dict[Value, str] = {}
        self.now = Time("before", 0)

    def write(self) -> None:
        """Write the loops, from the outermost on."""
        for origin in dict.fromkeys(s.form.instruction.origin for s in self.nest.statements):
            self.w.comment(origin)
        if self.nest.last:
            self.w.keeps = True
            before, self.w.lines = self.w.lines, []
            self._write()
            self.w.lines = [*before, "if keep:", *(f"    {line}" for line in self.w.lines)]
        else:
            self._write()

    def _write(self) -> None:
        runs = 1 + max((t.run for t in self.times.values()), default=0)
        out = self.w.lines
        for s in self.at("before", 0):
            self._statement(s, 0)
        for s in self.nest.statements:
            if s.out in self.nest.after and s.form.how == "reduce" and self.times[s.out].level != "after":
                self._start_late(s)
        for depth, loop in enumerate(self.outer):
            out.append("    " * depth + f"for {self.letters[loop]} in range({loop.size}):")
        depth = len(self.outer)
        for run in range(runs):
            for s in self.at("row", run):
                self._statement(s, depth)
            self._row(run, depth)
        for s in self.at("row", runs):
            self._statement(s, depth)
        for s in self.nest.statements:
            if self.times[s.out].level == "after":
                self._statement(s, 0)

    def at(self, level: str, run: int) -> list[Statement]:
        """List the statements of a time."""
        return [s for s in self.nest.statements if self.times[s.out] == Time(level, run)]

    def _row(self, run: int, depth: int) -> None:
        """Write one run through the row."""
        statements = self.at("full", run)
        if not statements:
            return
        for s in statements:
            if s.form.how == "reduce" and s.gone and s.out not in self.nest.after:
                self._line(depth, f"{self._local(s.out)} = {self._initial(s)}")
        for more, loop in enumerate(self.inner):
            self._line(depth + more, f"for {self.letters[loop]} in range({loop.size}):")
        late: list[str] = []
        for s in statements:
            self._statement(s, depth + len(self.inner), late)
        for line in late:
            self._line(depth + len(self.inner), line)
        for s in statements:
            if s.form.how == "reduce" and s.gone and s.out not in self.nest.after and self._in_memory(s.out):
                self._line(depth, f"{self._element(s.out, s)} = {self._local(s.out)}")

    def _line(self, depth: int, line: str) -> None:
        self.w.lines.append("    " * depth + line)

    # ---------------------------------------------------------------------------------------- statements
    def _statement(self, s: Statement, depth: int, late: list[str] | None = None) -> None:
        value = s.out
        if value in self.again:
            return
        self.now = self.times[value]
        text = self._text(s)
        if s.form.how == "scatter":
            target = f"{self.w.name(self.w.fused.homes[value])}[{self._spots(s)}]"
            self._line(depth, f"{target} {'+=' if s.form.instruction.op.name == 'add.at' else '='} {text}")
            return
        if s.form.how == "reduce" and s.gone:
            name = s.form.reduction.__name__ if s.form.reduction is not None else "add"
            late_sum = value in self.nest.after and self._in_memory(value)
            target = self._element(value, s) if late_sum else self._local(value)
            line = _REDUCE[name].format(target, text)
            self.w.used |= {helper for helper in ("larger", "smaller") if f"= {helper}(" in line}
            self._line(depth, line)
            return
        stored = self._in_memory(value)
        again = self.uses[value] > 0
        if not stored and self._once(s):
            self.inlined[value] = text
            return
        if not stored:
            self._line(depth, f"{self._local(value)} = {text}")
            return
        if again:
            self._line(depth, f"{self._local(value)} = {text}")
            text = self._local(value)
        line = f"{self._element(value, s)} = {text}"
        if late is not None and value in self.w.fused.homes:
            late.append(line)
        else:
            self._line(depth, line)

    def _once(self, s: Statement) -> bool:
        """Tell whether a value is used once, at the same time, so that it needs no name."""
        if self.uses[s.out] != 1 or s.out in self.w.fused.stored:
            return False
        reader = next(r for r in self.nest.statements if any(x is s.out for x, _ in r.form.operands))
        return self.times[reader.out] == self.times[s.out] and reader.form.how != "pick"

    def _in_memory(self, value: Value) -> bool:
        if value in self.w.fused.lasting:
            return self.nest.last
        return self.w.layout.in_memory(value) or value in self.w.fused.homes

    def _local(self, value: Value) -> str:
        if value not in self.local:
            single = value.array.size == 1
            taken = self._in_memory(value)
            self.local[value] = self.w.free(f"{value.name}_" if taken else value.name)
            if single and not taken:
                self.w.scalars[value] = self.local[value]
        return self.local[value]

    def _initial(self, s: Statement) -> str:
        assert s.form.reduction is not None  # noqa: S101 - only of reductions
        return literal(_START[s.form.reduction.__name__], s.out.dtype)

    def _start_late(self, s: Statement) -> None:
        """Set what is summed up over all loops to its start."""
        if not self._in_memory(s.out):
            self.w.lines.append(f"{self._local(s.out)} = {self._initial(s)}")
            return
        if s.out.array.size == 1:
            self.w.lines.append(f"{self._element(s.out, s)} = {self._initial(s)}")
        else:
            self.w.lines.append(f"{self.w.name(s.out)}[:] = {self._initial(s)}")

    def _text(self, s: Statement) -> str:
        """Spell what a statement computes at one place."""
        form = s.form
        if form.how == "gather":
            x = form.operands[0][0]
            return f"{self.w.name(x)}[{self._spots(s)}]"
        if form.how == "pick":
            x, index = form.operands
            place = self._read(index, s)
            return self._pick(x[0], s, place)
        operands = [self._read(operand, s) for operand in form.operands]
        dtypes = [x.dtype if isinstance(x, Value) else type(x) for x, _ in form.operands]
        if form.how == "scatter":
            return operands[0]
        if form.how == "place":
            column = s.where[1]
            at = "0" if column is None else self.letters[column]
            return f"({operands[0]} if {at} == {operands[1]} else {literal(0, s.out.dtype)})"
        if form.how == "reduce":
            return _refused(
                expression("multiply" if len(operands) > 1 else "copyto", operands, dtypes, s.out.dtype, {}, self.w.used),
                form.instruction,
            )
        options = form.instruction.options
        text = expression(form.instruction.op.name, operands, dtypes, s.out.dtype, options, self.w.used)
        return _refused(text, form.instruction)

    def _read(self, operand: tuple[Any, Any], s: Statement) -> str:
        """Spell an operand: a number, what is at hand, or an entry of an array."""
        x, along = operand
        if not isinstance(x, Value):
            return repr(x)
        if x in self.inlined:
            return self.inlined[x]
        if x in self.again:
            return self._text(self.makers[x])
        if x.kind == "number":
            return self.w.number(x)
        here = self.times.get(x)
        if here is not None and not self._from_memory(x):
            return self._local(x)
        if x.array.size == 1 and x in self.w.scalars:
            return self.w.scalars[x]
        if x.kind == "constant" and x.array.size > 0 and bool((x.array == x.array.flat[0]).all()):
            return literal(x.array.flat[0].item(), x.dtype)
        return self._entry(x, s.along(along))

    def _from_memory(self, x: Value) -> bool:
        """Tell whether a value made in this nest is read back: it was made in an earlier run."""
        reduced = self.makers[x].form.how == "reduce" and self.makers[x].gone
        return self._in_memory(x) and (bool(reduced) or self.times[x] != self.now)

    def _spots(self, s: Statement) -> str:
        """Spell an index that arrays are part of."""
        def one(spot: Any) -> str:
            if isinstance(spot, Via):
                return self._read(s.form.operands[spot.operand], s)
            loop = None if spot is None else s.where[spot]
            return "0" if loop is None else self.letters[loop]

        return ", ".join(map(one, s.form.index))

    def _pick(self, x: Value, s: Statement, place: str) -> str:
        axes = self.nest.axes.get(x) or s.along(s.form.operands[0][1])
        first = axes[0]
        if x in self.again and axes[1] is not None:
            before, self.letters[axes[1]] = self.letters[axes[1]], place
            text = self._text(self.makers[x])
            self.letters[axes[1]] = before
            return text
        row = "0" if first is None else self.letters[first]
        if x in self.buffers:
            return f"{self.w.name(x)}[{place}]"
        return f"{self.w.name(x)}[{row}, {place}]"

    def _element(self, value: Value, s: Statement) -> str:
        target = self.w.fused.homes.get(value, value)
        if value in self.buffers:
            axes = tuple(a for a in self.nest.axes[value] if a in self.inner)
            return f"{self.w.name(value)}[{', '.join(self.letters[a] for a in axes)}]"
        return self._entry(target, self.nest.axes[value])

    def _entry(self, x: Value, axes: Any) -> str:
        if x in self.buffers:
            axes = tuple(a for a in axes if a in self.inner)
        home = self.w.fused.homes.get(x, x)
        index = ", ".join("0" if a is None else self.letters[a] for a in axes)
        return f"{self.w.name(home)}[{index or '()'}]"


def _refused(text: str | None, i: Instruction) -> str:
    if text is None:
        raise refusal(i)
    return text


def _tuple(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    strides = [1] * len(shape)
    for k in range(len(shape) - 2, -1, -1):
        strides[k] = strides[k + 1] * shape[k + 1]
    return tuple(strides)
