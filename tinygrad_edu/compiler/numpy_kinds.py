"""How NumPy's source spells what is no plain call of a function with its result last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import OWN, Slot, followed
from tinygrad_edu.compiler.program import Value

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.compiler.numpy_source import Writer
    from tinygrad_edu.compiler.program import Instruction

__all__ = ["spelling_of"]


def _view(w: Writer, i: Instruction) -> str:
    spelling = i.options["spelling"]
    dot = "" if spelling.startswith("[") else "."
    return f"{w.name(i.out)} = {w.name(i.inputs[0])}{dot}{spelling}"  # type: ignore[arg-type]


def _copied(w: Writer, i: Instruction) -> str:
    return f"{w.name(i.out)}[...] = {w.operand(i.inputs[0], i)}"  # type: ignore[arg-type]


def _gather(w: Writer, i: Instruction) -> str:
    assert i.out is not None  # noqa: S101 - it makes a value
    if i.op is p.TAKE:
        return f'{w.name(i.inputs[0])}.take({w.name(i.inputs[1])}, out={w.name(i.out)}, mode="clip")'
    if i.op is p.TAKE_ROWS:
        source, where = map(w.name, i.inputs)
        return f'{source}.take({where}, axis=0, out={w.name(i.out)}, mode="clip")'
    index = w.option("index", i.options["index"])
    return f"{w.name(i.out)}[...] = {w.name(i.inputs[0])}[{index}]"


def _scatter(w: Writer, i: Instruction) -> list[str]:
    values, where = i.inputs
    assert i.out is not None  # noqa: S101 - it makes a value
    out = w.name(i.out)
    return [f"{out}.fill(0)", f"{out}.put({w.name(where)}, {w.operand(values, i)})"]


def _assemble(w: Writer, i: Instruction) -> list[str]:
    assert i.out is not None  # noqa: S101 - it makes a value
    array, out, lines = w.arrays[i.out], w.name(i.out), []
    for k, part in enumerate(i.options["parts"].each):
        target = w.bound(followed(part.path, array), f"{out}_{k}") if part.path else out
        operands = [target if n == OWN else w.name(i.inputs[n]) for n in part.operands]
        if part.how == "fill":
            number = i.inputs[part.operands[0]].array.item()
            lines.append(f"{target}.fill({number!r})" if np.isfinite(number) else f"{target}.fill({operands[0]})")
        elif part.how == "":
            lines.append(f"{target}[...] = {operands[0]}")
        elif part.how == "put":
            lines.append(f"{target}[{_with_operands(part.index, w, i)}] = {operands[0]}")
        elif part.how == "add.at":
            lines.append(f"np.add.at({target}, {_with_operands(part.index, w, i)}, {operands[0]})")
        else:
            lines.append(f"np.{part.how}({', '.join(operands)}, out={target})")
    return lines


def _with_operands(index: Any, w: Writer, i: Instruction) -> str:
    """Spell an index that has a Slot for each array."""
    if isinstance(index, Slot):
        return w.name(i.inputs[index.operand])
    if isinstance(index, tuple):
        parts = [_with_operands(part, w, i) for part in index]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    return w.option("index", index)


def _random(w: Writer, i: Instruction) -> str:
    rng, dtype, method = (i.options[name] for name in ("rng", "dtype", "method"))
    return f"{w.bound(rng, 'rng')}.{method}(dtype=np.{np.dtype(dtype).name}, out={w.name(i.out)})"  # type: ignore[arg-type]


def _opaque(w: Writer, i: Instruction) -> str:
    given = f"{w.operands(i)}{w.options(i)}".removeprefix(", ")
    call = f"{w.bound(i.op.run, f'{i.op.name}_row')}({given})"
    return f"{w.name(i.out)} = np.asarray({call})"  # type: ignore[arg-type]


def _product(w: Writer, i: Instruction) -> str:
    if i.op is p.DOT:  # the method takes two thirds of the function's time for small arrays
        x, y = map(w.name, i.inputs)
        return f"{x}.dot({y}, out={w.name(i.out)})"  # type: ignore[arg-type]
    if i.op is not p.EINSUM:
        return f"np.{i.op.name}({w.operands(i)}{w.options(i)}, out={w.name(i.out)})"  # type: ignore[arg-type]
    return f"np.einsum({i.options['subscripts']!r}, {w.operands(i)}, out={w.name(i.out)})"  # type: ignore[arg-type]


def _checked(w: Writer, i: Instruction) -> str:
    refuse = i.options["refuse"]
    return f"{w.bound(refuse, refuse.__name__)}({w.operands(i)})"


def _called(w: Writer, i: Instruction) -> str:
    call, numbers = i.options["call"], i.options["numbers"]
    owner = getattr(call, "__self__", None)
    wanted = call.__name__ if owner is None else type(owner).__name__.lower()
    spelled = f"{w.bound(owner, wanted)}.{call.__name__}()" if owner is not None else f"{w.bound(call, wanted)}()"
    if not numbers:
        return spelled
    once = len({value.name for value in numbers})
    groups = [numbers[k : k + once] for k in range(0, len(numbers), once)]
    targets = " = ".join(", ".join(f"{w.name(v)}[()]" for v in group) + ("," if once == 1 else "") for group in groups)
    return f"{targets} = {spelled}"


def _where(w: Writer, i: Instruction) -> list[str]:
    condition, x, y = (w.operand(part, i) for part in i.inputs)
    assert i.out is not None  # noqa: S101 - where makes a value
    out, y_value = w.name(i.out), i.inputs[2]
    there = isinstance(y_value, Value) and w.memory.storages[y_value] is w.memory.storages[i.out]
    first = [] if there and y_value.shape == i.out.shape else [f"{out}[...] = {y}"]
    return [*first, f"np.copyto({out}, {x}, where={condition})"]


_SPELLINGS: dict[Any, Callable[[Writer, Instruction], str | list[str]]] = {
    p.SCATTER: _scatter,
    p.WHERE: _where,
    "call": _called,
    "check": _checked,
    "view": _view,
    "assemble": _assemble,
    "copy": _copied,
    "keep": _copied,
    "gather": _gather,
    "random": _random,
    "opaque": _opaque,
    "product": _product,
}


def spelling_of(instruction: Instruction) -> Callable[[Writer, Instruction], str | list[str]] | None:
    """Find what spells an instruction; None if it is a call of a function like most."""
    return _SPELLINGS.get(instruction.op) or _SPELLINGS.get(instruction.op.kind)
