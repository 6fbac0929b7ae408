"""From rows to single calls of NumPy: the first pass, which leaves only the rows that cannot be taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import order_of
from tinygrad_edu.compiler.lowering.functions import broadcast
from tinygrad_edu.compiler.lowering.symbols import Symbol, emit
from tinygrad_edu.compiler.lowering.tracer import Tracer, UntraceableError
from tinygrad_edu.compiler.primitives import Primitive
from tinygrad_edu.compiler.program import Instruction, Program, Value, layout
from tinygrad_edu.functional.embedding import _refuse_no_row
from tinygrad_edu.functional.likelihoods import refuse_no_class
from tinygrad_edu.ops.constants import positions
from tinygrad_edu.ops.losses import place

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tinygrad_edu.ops import Op

__all__ = ["lower", "shadow"]

_SMALL = 2**12  # bytes of an example that may be kept until the program is trusted


@np.errstate(all="ignore")  # the examples are what is left after the step, of which nothing is asked
def lower(program: Program) -> Program:
    """Take every row apart into the calls of NumPy that its forward makes."""
    tracer, known = Tracer(), dict[Value, Value]()
    kept = {gradient for _, gradient in program.keeps}
    # Sums add up in the order in which entries lie in memory; an update goes entry by entry.
    read = {v for i in program.instructions if i.origin.phase != "update" for v in i.reads()}

    for instruction in program.instructions:
        moved = instruction.rewired(known)
        if isinstance(moved.op, Primitive):
            if moved.op is p.CHECK:
                _note_bound(tracer, moved)
            tracer.instructions.append(moved)
            continue
        out = instruction.out
        assert out is not None  # noqa: S101 - every row has a result
        if _is_one_call(moved):
            tracer.instructions.append(Instruction(p.ufunc(moved.op.forward), moved.inputs, out, origin=moved.origin))
            value = out
        else:
            value = known[out] = _lower_row(tracer, moved, out)
        if out in kept and _may_vanish(value, tracer.instructions):
            array = value.array if out in read else np.ascontiguousarray(value.array)
            known[out] = tracer.note(p.KEEP, (value,), array, {})
            known[out].name = out.name
    lowered = program.with_instructions(tracer.instructions, known)
    for value in {i.out for i in (*program.instructions, *lowered.instructions) if i.out is not None}:
        if value.array.base is not None or value.array.nbytes > _SMALL:
            value.array = shadow(value.array)
    return lowered


def _is_one_call(row: Instruction) -> bool:
    """Tell whether a row is one call of NumPy on entries of values: most are, and need no symbols."""
    function = row.op.forward
    if type(function) is not np.ufunc or function.signature is not None or row.options:
        return False
    computed = False
    for x in row.inputs:
        if type(x) is Value:
            computed |= x.kind != "constant"
        elif type(x) not in (int, float, bool):  # a number of NumPy's is a constant, to be known by its dtype
            return False
    return computed


def _note_bound(tracer: Tracer, check: Instruction) -> None:
    """Note what a check of whole numbers says of their range; where some are to be ignored, it says nothing."""
    if check.options["refuse"] in (refuse_no_class, _refuse_no_row) and not [
        x for x in check.inputs[3:] if x is not None
    ]:
        numbers, n = check.inputs[:2]
        if isinstance(numbers, Value):
            tracer.bound(numbers, n)


def _may_vanish(value: Value, instructions: list[Instruction]) -> bool:
    """Tell whether a gradient may turn out to be something else's memory: an input, a weight, what a row allocates."""
    last = instructions[-1] if instructions else None
    if last is None or last.out is not value or last.op.kind in ("view", "opaque"):
        return True
    if last.op.kind == "copy":
        return bool(last.inputs[0].array.strides == value.array.strides)
    return last.op.run in (np.multiply, np.divide, np.positive)


def shadow(array: NDArray[Any]) -> NDArray[Any]:
    """Give an array of the same shape, dtype and layout that holds no memory."""
    return layout(array.shape, array.dtype, array.strides)


def _lower_row(tracer: Tracer, row: Instruction, out: Value) -> Value:
    start = len(tracer.instructions)
    tracer.origin, tracer.base = row.origin, out.name
    inputs = [_symbols(tracer, x) for x in row.inputs]
    options = {name: _symbols(tracer, option) for name, option in row.options.items()}
    try:
        result = _forward(tracer, row.op, inputs, options)
        value: Value = tracer.operand(result)
        fits = isinstance(value, Value) and (value.shape, value.dtype) == (out.shape, out.dtype)
    except (UntraceableError, TypeError, ValueError, AttributeError, IndexError):
        fits = False
    if not fits:
        del tracer.instructions[start:]
        tracer.instructions.append(Instruction(p.opaque(row.op), row.inputs, out, row.options, row.origin))
        tracer.opaque.add(out)
        return out
    if value.array.strides != out.array.strides and _layout_of(value.array) != _layout_of(
        out.array
    ):  # of entries that are added up later, the order counts
        value = tracer.note(p.COPY, (value,), out.array, {"shape": out.shape})
    if len(tracer.instructions) > start and tracer.instructions[-1].out is value:
        value.name = out.name
    return value


def _layout_of(array: NDArray[Any]) -> tuple[int, ...]:
    return tuple(axis for axis in order_of(array) if array.shape[axis] > 1)


def _forward(tracer: Tracer, op: Op, inputs: list[Any], options: dict[str, Any]) -> Any:
    special = _SPECIAL.get(op.name)
    if special is not None:
        return special(tracer, *inputs, **options)
    if "rng" in options:
        raise UntraceableError("random")  # tracing it would draw
    return op.forward(*inputs, **options)


def _symbols(tracer: Tracer, option: Any) -> Any:
    """Give what a forward computes with: symbols, and constants as they are."""
    if isinstance(option, Value) and option.kind == "constant":
        return tracer.constant(option)
    if isinstance(option, Value):
        return Symbol(tracer, option.array, option)
    return tuple(_symbols(tracer, part) for part in option) if type(option) is tuple else option


# ------------------------------------------- rows that read a generator, or that a call or two do in less time
def _place(tracer: Tracer, g: Any, target: Any, n_classes: int) -> Any:
    shape = target.size, n_classes
    places = tracer.places(positions(target.size), target, shape) if isinstance(target, Symbol) else None
    if places is None:
        return place.forward(g, target, n_classes)
    values = g if isinstance(g, Symbol) else np.asarray(g)
    return emit(tracer, p.SCATTER, (values.reshape(-1), places), np.zeros(shape, values.dtype), {"shape": shape})


def _dropout_mask(tracer: Tracer, x: Any, rng: Any, p: float) -> Any:
    drawn = _random(tracer, x.shape, x.dtype, rng, "random")
    return np.multiply(drawn >= p, 1 / (1 - p), dtype=x.dtype)


def _normal(tracer: Tracer, rng: Any, shape: Any, dtype: Any) -> Any:
    return _random(tracer, (shape,) if isinstance(shape, int) else shape, np.dtype(dtype), rng, "standard_normal")


def _random(tracer: Tracer, shape: tuple[int, ...], dtype: Any, rng: Any, method: str) -> Any:
    if dtype not in ("float32", "float64"):
        raise UntraceableError("random")
    return emit(tracer, p.RANDOM, (), np.zeros(shape, dtype), {"rng": rng, "dtype": dtype, "method": method})


_SPECIAL: dict[str, Callable[..., Any]] = {
    "place": _place,
    "broadcast_to": broadcast,
    "dropout_mask": _dropout_mask,
    "normal": _normal,
}
