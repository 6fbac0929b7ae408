"""What machine code does otherwise than NumPy, in other bits but not in other numbers: passes for the Numba backend.

Plain gradient descent becomes part of the product that makes the gradient, which is then never written down but for
the last step of an epoch; and the exponential of a logarithm is not computed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import Part, Parts, Slot
from tinygrad_edu.compiler.machine.forms import form_of
from tinygrad_edu.compiler.machine.matrices import product_of
from tinygrad_edu.compiler.machine.views import Views
from tinygrad_edu.compiler.passes import remove_dead
from tinygrad_edu.compiler.program import Instruction, Program, Value
from tinygrad_edu.compiler.together import Flat

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DESCEND", "MACHINE_PASSES"]

# inputs: the product's two, the weight, and the learning rate; the weight is written, and the result is the gradient.
DESCEND = p.Primitive("descend", "descend", lambda a, b, *_: a @ b)


def exponentials(program: Program) -> Program:
    """Use exp(x - log s) = exp(x) / s, where exp(x) is there: cross-entropy then takes no second exponential."""
    makers = {i.out: i for i in program.instructions if i.out is not None}
    powers = {i.inputs[0]: i.out for i in program.instructions if i.op.run is np.exp}
    out = []
    for i in program.instructions:
        difference = makers.get(i.inputs[0]) if i.op.run is np.exp else None
        logarithm = makers.get(difference.inputs[1]) if difference and difference.op.run is np.subtract else None
        if difference is not None and logarithm is not None and logarithm.op.run is np.log:
            power = powers.get(difference.inputs[0])
            if power is not None and power is not i.out:
                divide = p.ufunc(np.divide)
                out.append(replace(i, op=divide, inputs=(power, logarithm.inputs[0]), options={}))
                continue
        out.append(i)
    return remove_dead(program.with_instructions(out))


def formulas(program: Program) -> Program:
    """Write rows that choose, by values, between ways that are as good here as what they come to."""
    ways = {"put": _added, "p_norm": _root_of_squares}
    out: list[Instruction] = []
    for i in program.instructions:
        way = ways.get(i.op.name) if i.op.kind == "opaque" else None
        out += [i] if way is None else way(i)
    return program.with_instructions(out)


def _root_of_squares(i: Instruction) -> list[Instruction]:
    x = i.inputs[0]
    if i.options["ord"] != 2 or i.out is None or x.dtype.kind != "f":
        return [i]
    squares, total = Value("squares", "computed", x.array), Value("sum_of_squares", "computed", i.out.array)
    along = {name: i.options[name] for name in ("axis", "keepdims")}
    return [
        replace(i, op=p.ufunc(np.square), inputs=(x,), out=squares, options={}),
        replace(i, op=p.reduction(np.add), inputs=(squares,), out=total, options=along),
        replace(i, op=p.ufunc(np.sqrt), inputs=(total,), options={}),
    ]


def _added(i: Instruction) -> list[Instruction]:
    out, index = i.out, i.options["index"]
    parts = index if isinstance(index, tuple) else (index,)
    assert out is not None  # noqa: S101 - the row makes an array
    zero = Value("zero", "constant", np.zeros((), out.dtype))
    arrays = [x for x in parts if isinstance(x, Value)]
    slots = tuple(Slot(2 + arrays.index(x)) if isinstance(x, Value) else x for x in parts)
    written = Parts.of([Part((), "fill", (1,)), Part((), "add.at", (0, *range(2, 2 + len(arrays))), slots)])
    options = {"shape": out.shape, "dtype": out.dtype, "order": tuple(range(len(out.shape))), "parts": written}
    return [replace(i, op=p.ASSEMBLE, inputs=(i.inputs[0], zero, *arrays), options=options)]


# ------------------------------------------------------------------------------------------ plain descent
def descend_directly(program: Program) -> Program:
    """Let plain gradient descent, w - lr * g, be done where g is made."""
    for instruction in program.instructions:
        if instruction.op is p.WRITE:
            program = _Descent(program).fold(instruction)
    return program


class _Descent:
    def __init__(self, program: Program) -> None:
        self.program = program
        self.makers = {i.out: i for i in program.instructions if i.out is not None}
        self.readers: dict[Value, list[Instruction]] = {}
        for i in program.instructions:
            for value in {*i.reads()}:
                self.readers.setdefault(value, []).append(i)
        self.kept = {gradient for _, gradient in program.keeps}

    def fold(self, write: Instruction) -> Program:
        """Fold one update, if it is plain descent."""
        found = self._plain(write)
        if found is None:
            return self.program
        rate, gradient, middle = found
        target = write.inputs[0]
        pieces = list(self._pieces(target, gradient))
        if not pieces:
            return self.program
        join = self.makers[gradient]
        gone = {id(write), *map(id, middle), *([id(join)] if join.op is p.JOIN else [])}
        loose = {g: Value(g.name, g.kind, g.array) for _, g in pieces}
        rest = [i.rewired(loose) for i in self.program.instructions if id(i) not in gone]
        rest = [replace(i, out=loose[i.out]) if i.out in loose else i for i in rest]
        program = self.program.with_instructions(rest, loose)
        for weight, g in pieces:
            program = self._descend(program, weight, loose[g], rate, middle)
        return program

    def _plain(self, write: Instruction) -> tuple[Any, Value, list[Instruction]] | None:
        """Find the learning rate, the gradient, and the two instructions between it and the weight."""
        target, new = write.inputs
        subtract = self.makers.get(new)
        if subtract is None or subtract.op.run is not np.subtract or subtract.inputs[0] is not target:
            return None
        change = subtract.inputs[1]
        multiply = self.makers.get(change)
        if multiply is None or multiply.op.run is not np.multiply:
            return None
        for rate, gradient in (multiply.inputs, multiply.inputs[::-1]):
            single = isinstance(rate, (int, float)) or (isinstance(rate, Value) and rate.array.size == 1)
            if single and isinstance(gradient, Value) and gradient.shape == target.shape and gradient in self.makers:
                once = len(self.readers[change]) == len(self.readers[new]) == 1 and not {change, new} & self.kept
                join = self.makers[gradient].op is p.JOIN
                if once and (not join or len(self.readers[gradient]) == 1):
                    return rate, gradient, [multiply, subtract]
        return None

    def _pieces(self, target: Value, gradient: Value) -> Iterable[tuple[Value, Value]]:
        """Pair the weights with their gradients."""
        join = self.makers[gradient]
        if not isinstance(target.owner, Flat):
            if gradient.place is None:
                yield target, gradient
            return
        if join.op is not p.JOIN or len(join.inputs) != len(target.owner.pieces):
            return
        yield from zip(target.owner.pieces, join.inputs, strict=True)

    def _descend(self, program: Program, weight: Value, gradient: Value, rate: Any, like: list[Instruction]) -> Program:
        """Update one weight."""
        makers = {i.out: i for i in program.instructions if i.out is not None}
        views = Views(program)
        maker = makers.get(gradient)
        read = [k for k, i in enumerate(program.instructions) if any(views(v).root is weight for v in i.reads())]
        used = sum(gradient in i.reads() for i in program.instructions)
        instructions = list(program.instructions)
        if maker is not None and not used and form_of(maker, makers) is None and product_of(maker, views) is not None:
            at = instructions.index(maker)
            step = replace(maker, op=DESCEND, inputs=(*maker.inputs, weight, rate), options={})
            del instructions[at]
            instructions.insert(max([at, *read]), step)
            return program.with_instructions(instructions)
        multiply, subtract = like
        change, new = (Value(i.out.name, "computed", weight.array) for i in like if i.out is not None)
        origin = multiply.origin
        instructions += [
            replace(multiply, inputs=(rate, gradient), out=change),
            replace(subtract, inputs=(weight, change), out=new),
            Instruction(p.WRITE, (weight, new), None, {}, origin),
        ]
        return program.with_instructions(instructions)


MACHINE_PASSES = (formulas, exponentials, descend_directly)
