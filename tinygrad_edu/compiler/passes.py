"""What makes a program smaller: each pass takes a program and gives one that computes the same numbers, bit for bit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.program import Instruction, Program, Value

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PASSES", "fold_constants", "merge_common", "remove_dead", "simplify"]

_EFFECTS = frozenset({"write", "check", "call", "random"})


def remove_dead(program: Program) -> Program:
    """Leave out what nothing asks for."""
    needed = set(program.outcome())
    kept = []
    for instruction in reversed(program.instructions):
        draws = instruction.op.kind in _EFFECTS or "rng" in instruction.options
        if draws or instruction.out in needed:
            kept.append(instruction)
            needed.update(instruction.reads())
    return program.with_instructions(reversed(kept))


def merge_common(program: Program) -> Program:
    """Compute once what is computed twice."""
    first: dict[Any, Value | None] = {}
    known: dict[Value, Value] = {}
    kept = []
    for instruction in program.instructions:
        moved = instruction.rewired(lambda value: known.get(value, value))
        key = _key(moved)
        if key is None:
            kept.append(moved)
        elif key not in first:
            first[key] = moved.out
            kept.append(moved)
        elif moved.out is not None:
            same = first[key]
            assert same is not None  # noqa: S101 - made by the same operation
            known[moved.out] = same
    return program.with_instructions(kept).rewired(lambda value: known.get(value, value))


def _key(instruction: Instruction) -> Any:
    """Say what an instruction computes; None if it does so only once."""
    if instruction.op.kind in _EFFECTS - {"check"} or "rng" in instruction.options:
        return None
    options = {name: option for name, option in instruction.options.items() if name != "make"}
    key = (instruction.op.run, instruction.op.name, _hashable(instruction.inputs), _hashable(tuple(options.items())))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _hashable(x: Any) -> Any:
    if isinstance(x, tuple):
        return tuple(map(_hashable, x))
    if isinstance(x, slice):
        return ("slice", x.start, x.stop, x.step)
    if isinstance(x, float):  # 0.0 and -0.0 are equal, and so are 1 and 1.0 and True
        return ("float", x.hex())
    return (type(x), x) if isinstance(x, (bool, int)) else x


def fold_constants(program: Program) -> Program:
    """Compute now what depends on constants alone."""
    known: dict[Value, Value] = {}
    kept = []
    for instruction in program.instructions:
        moved = instruction.rewired(lambda value: known.get(value, value))
        out = moved.out
        foldable = moved.op.kind not in _EFFECTS | {"opaque"} and "rng" not in moved.options
        if out is None or not foldable or any(value.kind != "constant" for value in moved.reads()):
            kept.append(moved)
            continue
        inputs = [x.array if isinstance(x, Value) else x for x in moved.inputs]
        options = {name: _plain(option) for name, option in moved.options.items()}
        with np.errstate(all="ignore"):
            array = np.asarray(moved.op.run(*inputs, **options))
        known[out] = Value(out.name, "constant", array)
    return program.with_instructions(kept).rewired(lambda value: known.get(value, value))


def _plain(option: Any) -> Any:
    if isinstance(option, Value):
        return option.array
    return tuple(map(_plain, option)) if type(option) is tuple else option


def simplify(program: Program) -> Program:
    """Use algebra that keeps every bit: no factor of 1, no copy of a copy, no broadcast that the next call does itself."""
    made: dict[Value, Instruction] = {}
    known: dict[Value, Value] = {}
    kept = []
    for instruction in program.instructions:
        moved = instruction.rewired(lambda value: known.get(value, value))
        for rule in _RULES:
            found = rule(moved, made)
            if isinstance(found, Value):
                break
            moved = found
        else:
            found = moved
        if isinstance(found, Value):
            assert moved.out is not None  # noqa: S101 - only what makes a value has another in its place
            known[moved.out] = found
            continue
        kept.append(moved)
        if moved.out is not None:
            made[moved.out] = moved
    return program.with_instructions(kept).rewired(lambda value: known.get(value, value))


# ---------------------------------------------------------------- the rules: another instruction, or a value at hand
def _without_factor(instruction: Instruction, made: dict[Value, Instruction]) -> Instruction | Value:
    """x * 1, 1 * x and x / 1 are x."""
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


def _without_copy(instruction: Instruction, made: dict[Value, Instruction]) -> Instruction | Value:
    """A copy, or a change of dtype, that changes nothing is what it copies."""
    if instruction.op.kind != "copy" or instruction.out is None or not isinstance(instruction.inputs[0], Value):
        return instruction
    value = instruction.inputs[0]
    same = _alike(value, instruction.out) and value.kind != "input"
    return value if same and value.array.strides == instruction.out.array.strides else instruction


def _without_broadcast(instruction: Instruction, made: dict[Value, Instruction]) -> Instruction | Value:
    """What works entry by entry broadcasts by itself."""
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


def _sum_of_scattered(instruction: Instruction, made: dict[Value, Instruction]) -> Instruction | Value:
    """The sum of a row that is 0 but for one entry is that entry; written as a product with ones."""
    if instruction.op is not p.DOT or instruction.out is None:
        return instruction
    x, y = instruction.inputs
    source = made.get(x) if isinstance(x, Value) else None
    if source is None or source.op is not p.SCATTER or not _is_one(y) or y.array.ndim != 1:
        return instruction
    return replace(instruction, op=p.COPY, inputs=(source.inputs[0],), options={"shape": instruction.out.shape})


def _view_of_copy(instruction: Instruction, made: dict[Value, Instruction]) -> Instruction | Value:
    """A broadcast number keeps being one when axes of length 1 are added: x[:, None] of a copy."""
    if instruction.op is not p.VIEW or instruction.out is None:
        return instruction
    source = made.get(instruction.inputs[0])
    if source is None or source.op is not p.COPY or source.inputs[0].array.size != 1:
        return instruction
    return replace(instruction, op=p.COPY, inputs=source.inputs, options={"shape": instruction.out.shape})


def _alike(a: Value, b: Value) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype


_RULES: tuple[Callable[[Instruction, dict[Value, Instruction]], Instruction | Value], ...] = (
    _without_factor,
    _without_copy,
    _sum_of_scattered,
    _view_of_copy,
    _without_broadcast,
)

# In this order; `merge_common` comes again after the others have made more things equal.
PASSES: tuple[Callable[[Program], Program], ...] = (
    remove_dead,
    merge_common,
    fold_constants,
    simplify,
    fold_constants,
    merge_common,
    remove_dead,
)
