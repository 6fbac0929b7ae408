"""From rows to single calls of NumPy: the first step, after which no row is left but those that cannot be taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.primitives import Primitive
from tinygrad_edu.compiler.program import Instruction, Program, Value
from tinygrad_edu.compiler.symbols import Symbol, Tracer, UntraceableError
from tinygrad_edu.ops.constants import positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tinygrad_edu.ops import Op

__all__ = ["lower"]


def lower(program: Program) -> Program:
    """Take every row apart into the calls of NumPy that its forward makes."""
    tracer, known = Tracer(), dict[Value, Value]()
    kept = {gradient for _, gradient in program.keeps}

    for instruction in program.instructions:
        moved = instruction.rewired(known)
        if isinstance(moved.op, Primitive):
            if moved.op is p.CHECK:
                tracer.checked.update(v for v in moved.reads() if v.dtype.kind in "iu")
            tracer.instructions.append(moved)
            continue
        out = instruction.out
        assert out is not None  # noqa: S101 - every row has a result
        value = known[out] = _lower_row(tracer, moved, out)
        if out in kept and _may_vanish(value, tracer.instructions):
            known[out] = tracer.emit(p.KEEP, (tracer.symbol(value),), value.array).value
            known[out].name = out.name
    lowered = program.with_instructions(tracer.instructions, known)
    for instruction in (*program.instructions, *lowered.instructions):
        if instruction.out is not None:
            instruction.out.array = _shadow(instruction.out.array)
    return lowered


def _may_vanish(value: Value, instructions: list[Instruction]) -> bool:
    """Tell whether a gradient may turn out to be something else's memory: an input, a weight, what a row allocates."""
    last = instructions[-1] if instructions else None
    if last is None or last.out is not value or last.op.kind in ("view", "opaque"):
        return True
    if last.op.kind == "copy":
        return bool(last.inputs[0].array.strides == value.array.strides)
    return last.op.run in (np.multiply, np.divide, np.positive)


def _shadow(array: NDArray[Any]) -> NDArray[Any]:
    """Give an array of the same shape, dtype and layout that holds no memory."""
    if array.ndim == 0 or not array.size:
        return np.empty(array.shape, array.dtype)
    return np.lib.stride_tricks.as_strided(np.empty(1, array.dtype), array.shape, array.strides)


def _lower_row(tracer: Tracer, row: Instruction, out: Value) -> Value:
    start = len(tracer.instructions)
    tracer.origin, tracer.base = row.origin, out.name
    inputs = [tracer.symbol(x) if isinstance(x, Value) else x for x in row.inputs]
    options = {name: _symbols(tracer, option) for name, option in row.options.items()}
    try:
        result = _forward(tracer, row.op, inputs, options)
        value = tracer.operand(result)
        fits = isinstance(value, Value) and (value.shape, value.dtype) == (out.shape, out.dtype)
    except (UntraceableError, TypeError, ValueError, AttributeError, IndexError):
        fits = False
    if not fits:
        del tracer.instructions[start:]
        tracer.instructions.append(Instruction(p.opaque(row.op), row.inputs, out, row.options, row.origin))
        return out
    if len(tracer.instructions) > start and tracer.instructions[-1].out is value:
        value.name = out.name
    return value


def _forward(tracer: Tracer, op: Op, inputs: list[Any], options: dict[str, Any]) -> Any:
    special = _SPECIAL.get(op.name)
    if special is not None:
        return special(tracer, *inputs, **options)
    if "rng" in options:
        raise UntraceableError("random")  # tracing it would draw
    with np.errstate(all="ignore"):
        return op.forward(*inputs, **options)


def _symbols(tracer: Tracer, option: Any) -> Any:
    if isinstance(option, Value):
        return tracer.symbol(option)
    return tuple(_symbols(tracer, part) for part in option) if type(option) is tuple else option


# ----------------------------------------------- rows whose forward fills an array of its own: the same in calls
def _place(tracer: Tracer, g: Any, target: Any, n_classes: int) -> Any:
    if target.ndim != 1:
        raise UntraceableError("place")
    shape = target.size, n_classes
    places = tracer.places(positions(target.size), target, shape)
    if places is None:
        raise UntraceableError("place")
    values = g if isinstance(g, Symbol) else np.asarray(g)
    flat = values.reshape(-1)
    array = np.zeros(shape, values.dtype)
    return tracer.emit(p.SCATTER, (flat, places), array, {"shape": shape})


def _broadcast_to(tracer: Tracer, x: Any, shape: Any) -> Any:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    array = x.value.array if isinstance(x, Symbol) else x
    return tracer.emit(p.COPY, (x,), np.broadcast_to(array, shape).copy(), {"shape": shape})


def _dropout_mask(tracer: Tracer, x: Any, rng: Any, p: float) -> Any:
    drawn = _random(tracer, x.shape, x.dtype, rng, "random")
    return np.multiply(drawn >= p, 1 / (1 - p), dtype=x.dtype)


def _normal(tracer: Tracer, rng: Any, shape: Any, dtype: Any) -> Any:
    return _random(tracer, (shape,) if isinstance(shape, int) else shape, np.dtype(dtype), rng, "standard_normal")


def _random(tracer: Tracer, shape: tuple[int, ...], dtype: Any, rng: Any, method: str) -> Any:
    if dtype not in ("float32", "float64"):
        raise UntraceableError("random")
    return tracer.emit(p.RANDOM, (), np.zeros(shape, dtype), {"rng": rng, "dtype": dtype, "method": method})


_SPECIAL: dict[str, Callable[..., Any]] = {
    "place": _place,
    "broadcast_to": _broadcast_to,
    "dropout_mask": _dropout_mask,
    "normal": _normal,
}
