"""Algebra that keeps every bit: each rule gives another instruction, or a value that is there already.

A rule is given an instruction, and by value the instructions before it; it gives the instruction back if it does not
apply. So x + 0 is left alone, because -0 + 0 is 0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.program import Instruction, Value

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RULES"]

Made = dict[Value, Instruction]


def _without_factor(instruction: Instruction, _made: Made) -> Instruction | Value:
    """Write x for x * 1, 1 * x, x / 1 and +x."""
    if instruction.op.run is np.positive:
        value: Value = instruction.inputs[0]
        return value
    if instruction.op.run not in (np.multiply, np.divide) or instruction.out is None or len(instruction.inputs) != 2:
        return instruction
    x, y = instruction.inputs
    for value, factor in ((x, y), (y, x)) if instruction.op.run is np.multiply else ((x, y),):
        if _is_one(factor) and isinstance(value, Value) and _alike(value, instruction.out):
            return value
    return instruction


def _is_one(x: Any) -> bool:
    if isinstance(x, Value):
        return x.kind == "constant" and x.array.size > 0 and bool((x.array == 1).all())
    return bool(x == 1)


def _without_copy(instruction: Instruction, _made: Made) -> Instruction | Value:
    """Take what a copy, or a change of dtype, leaves as it is."""
    if instruction.op.kind != "copy" or instruction.out is None or not isinstance(instruction.inputs[0], Value):
        return instruction
    value = instruction.inputs[0]
    same = _alike(value, instruction.out) and value.kind != "input"
    return value if same and _strides(value) == _strides(instruction.out) else instruction


def _without_broadcast(instruction: Instruction, made: Made) -> Instruction | Value:
    """Leave a broadcast to the next call, which does it by itself if it works entry by entry."""
    if instruction.op.kind != "elementwise" or instruction.out is None:
        return instruction
    inputs = list(instruction.inputs)
    for i, x in enumerate(inputs):
        source = made.get(x) if isinstance(x, Value) else None
        if source is not None and source.op is p.COPY and source.inputs[0].shape != x.shape:
            shapes = [v.shape for k, v in enumerate(inputs) if isinstance(v, Value) and k != i]
            if np.broadcast_shapes(source.inputs[0].shape, *shapes) == instruction.out.shape:
                inputs[i] = source.inputs[0]
    return replace(instruction, inputs=tuple(inputs)) if inputs != list(instruction.inputs) else instruction


def _sum_of_scattered(instruction: Instruction, made: Made) -> Instruction | Value:
    """Take the one entry of a row of zeros for its sum, which is written as a product with ones."""
    if instruction.op is not p.DOT or instruction.out is None:
        return instruction
    x, y = instruction.inputs
    source = made.get(x) if isinstance(x, Value) else None
    if source is None or source.op is not p.SCATTER or not _is_one(y) or y.array.ndim != 1:
        return instruction
    return replace(instruction, op=p.COPY, inputs=(source.inputs[0],), options={"shape": instruction.out.shape})


def _view_of_copy(instruction: Instruction, made: Made) -> Instruction | Value:
    """Broadcast a number to the shape that a view gives it: x[:, None] of a copy."""
    if instruction.op is not p.VIEW or instruction.out is None:
        return instruction
    source = made.get(instruction.inputs[0])
    if source is None or source.op is not p.COPY or source.inputs[0].array.size != 1:
        return instruction
    return replace(instruction, op=p.COPY, inputs=source.inputs, options={"shape": instruction.out.shape})


def _negative_divided(instruction: Instruction, made: Made) -> Instruction | Value:
    """Write x / -n for -x / n."""
    if instruction.op.run is not np.divide or not isinstance(instruction.inputs[1], (int, float)):
        return instruction
    source = made.get(instruction.inputs[0]) if isinstance(instruction.inputs[0], Value) else None
    if source is None or source.op.run is not np.negative or instruction.inputs[1] == 0:
        return instruction
    return replace(instruction, inputs=(source.inputs[0], -instruction.inputs[1]))


def _strides(value: Value) -> list[int]:
    """List the strides along axes that have more than one entry."""
    return [stride for n, stride in zip(value.shape, value.array.strides, strict=True) if n > 1]


def _alike(a: Value, b: Value) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype


# By the kind of instruction that each may apply to.
RULES: dict[str, tuple[Callable[[Instruction, Made], Instruction | Value], ...]] = {
    "elementwise": (_without_factor, _without_broadcast, _negative_divided),
    "copy": (_without_copy,),
    "product": (_sum_of_scattered, _without_copy),
    "view": (_view_of_copy, _without_copy),
}
