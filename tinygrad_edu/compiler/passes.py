"""What makes a program smaller: each pass takes a program and gives one that computes the same numbers, bit for bit."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.algebra import RULES
from tinygrad_edu.compiler.program import Instruction, Program, Value, layout

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PASSES", "fold_constants", "merge_common", "remove_dead", "simplify"]

_EFFECTS = frozenset({"write", "check", "call", "random"})
_NOT_FOLDED = _EFFECTS | {"opaque"}
_DONE_EACH_TIME = _EFFECTS - {"check"}


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
        moved = instruction.rewired(known)
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
    return program.with_instructions(kept, known)


def _key(instruction: Instruction) -> Any:
    """Say what an instruction computes; None if it does so only once."""
    if instruction.op.kind in _DONE_EACH_TIME or "rng" in instruction.options:
        return None
    if not instruction.options and len(instruction.reads()) == len(instruction.inputs):
        return instruction.op.run, instruction.op.name, instruction.inputs
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
        moved = instruction.rewired(known)
        out = moved.out
        foldable = out is not None and moved.op.kind not in _NOT_FOLDED and "rng" not in moved.options
        if out is None or not foldable or not _all_constant(moved):
            kept.append(moved)
            continue
        inputs = [x.array if isinstance(x, Value) else x for x in moved.inputs]
        options = {name: _plain(option) for name, option in moved.options.items()}
        with np.errstate(all="ignore"):
            array = np.asarray(moved.op.run(*inputs, **options))
        known[out] = Value(out.name, "constant", array)
    return program.with_instructions(kept, known)


def _all_constant(instruction: Instruction) -> bool:
    for value in instruction.reads():  # noqa: SIM110 - the first says it, nearly always
        if value.kind != "constant":
            return False
    return True


def _plain(option: Any) -> Any:
    if isinstance(option, Value):
        return option.array
    return tuple(map(_plain, option)) if type(option) is tuple else option


def simplify(program: Program) -> Program:
    """Use algebra that keeps every bit: no factor of 1, no copy of a copy, no broadcast before what broadcasts."""
    made: dict[Value, Instruction] = {}
    known: dict[Value, Value] = {}
    kept = []
    for instruction in program.instructions:
        moved = instruction.rewired(known)
        for rule in RULES.get(moved.op.kind, ()):
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
    return program.with_instructions(kept, known)


def keep_old_values(program: Program) -> Program:
    """Copy state before the step overwrites it, where the old numbers are still read afterwards."""
    written: dict[Value, int] = {}
    for k, instruction in enumerate(program.instructions):
        if instruction.op is p.WRITE:
            written.setdefault(instruction.inputs[0], k)
    first = min(written.values(), default=len(program.instructions))
    views = {i.out: i.inputs[0] for i in program.instructions if i.op is p.VIEW and i.out is not None}
    old: dict[Value, Value] = {}
    for k, instruction in enumerate(program.instructions[first:], start=first):
        for value in instruction.inputs[1:] if instruction.op is p.WRITE else instruction.reads():
            root = value
            while root in views:
                root = views[root]
            if written.get(root, k) < k:
                old[root] = Value(f"{root.name}_before", "computed", layout(root.shape, root.dtype))
    if not old:
        return program
    copies = [Instruction(p.COPY, (state,), copy, {"shape": state.shape}) for state, copy in old.items()]
    kept = [
        replace(i, inputs=(i.inputs[0], old.get(i.inputs[1], i.inputs[1]))) if i.op is p.WRITE else i.rewired(old)
        for i in program.instructions
    ]
    return program.with_instructions([*copies, *kept])


# In this order: algebra makes more things constant, and more things equal; then some are not needed any more.
PASSES: tuple[Callable[[Program], Program], ...] = (
    fold_constants,
    simplify,
    fold_constants,
    merge_common,
    remove_dead,
    keep_old_values,
)
