"""One update for all parameters: what an optimizer does to each of them, done once to all of them side by side.

Weights, what the optimizer remembers and gradients are laid into flat vectors, of which each is a piece. This is the
same arithmetic on the same numbers, and a call instead of one for each parameter.
"""

from __future__ import annotations

import math
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.program import Instruction, Program, Slice, Value, layout

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["Flat", "side_by_side", "update_together"]


@dataclass(eq=False, slots=True)
class Flat:
    """State that lies side by side: the vector is made when the program is bound to memory."""

    pieces: tuple[Value, ...]


def update_together(program: Program) -> Program:
    """Make the updates of parameters, where they are alike, one update of a flat vector."""
    for members in _groups(program):
        if _fit_together(members):
            program = _merge(program, members)
    return program


def _groups(program: Program) -> list[list[list[Instruction]]]:
    """Find the updates that are alike: for each group its members, for each member its instructions."""
    updates: dict[tuple[str, str], dict[str, list[Instruction]]] = defaultdict(lambda: defaultdict(list))
    for instruction in program.instructions:
        if instruction.origin.member:
            key = instruction.origin.line, instruction.origin.layer
            updates[key][instruction.origin.member].append(instruction)
    groups: dict[Any, list[list[Instruction]]] = defaultdict(list)
    for key, members in updates.items():
        for instructions in members.values():
            signature = _signature(instructions)
            if signature is not None:
                groups[(key, signature)].append(instructions)
    return [members for members in groups.values() if len(members) > 1]


def _signature(instructions: list[Instruction]) -> Any:
    """Say what an update does, but for which arrays it does it with; None if not entry by entry."""
    inner: dict[Value, int] = {}
    outer: dict[Value, int] = {}
    target = next((i.inputs[0] for i in instructions if i.op is p.WRITE), None)
    if target is None:
        return None
    signature: list[Any] = [target.dtype]
    for k, instruction in enumerate(instructions):
        out = instruction.out
        if instruction.op.kind not in ("elementwise", "write") or (out is not None and out.shape != target.shape):
            return None
        read = [_told(x, target, inner, outer) for x in instruction.inputs]
        if None in read:
            return None
        if out is not None:
            inner[out] = k
        signature.append((instruction.op, tuple(read), tuple(instruction.options.items())))
    return tuple(signature)


def _told(x: Any, target: Value, inner: dict[Value, int], outer: dict[Value, int]) -> Any:
    """Say what an update reads, but for which array it is; None if it is no array of the parameter's shape."""
    if not isinstance(x, Value):
        return type(x), repr(x)
    if x in inner:
        return "inner", inner[x]
    if x.kind in ("number", "constant") and x.array.size == 1:
        return "shared", x
    return ("outer", outer.setdefault(x, len(outer)), x.kind, x.dtype) if x.shape == target.shape else None


def _fit_together(members: list[list[Instruction]]) -> bool:
    """Tell whether what the members write to lies side by side, or may be laid so."""
    columns = zip(*([i.inputs[0] for i in instructions if i.op is p.WRITE] for instructions in members), strict=True)
    return all(
        side_by_side([value.array for value in column]) is not None or all(map(_can_move, column)) for column in columns
    )


def side_by_side(arrays: list[NDArray[Any]]) -> NDArray[Any] | None:
    """Give the flat vector of which arrays are the pieces, one right after the other; None if they are not.

    Examples
    --------
    >>> import numpy as np
    >>> flat = np.arange(6.0)
    >>> side_by_side([flat[:2], flat[2:].reshape(2, 2)])
    array([0., 1., 2., 3., 4., 5.])
    >>> side_by_side([flat[:2], flat[3:]]) is None
    True
    """
    base = arrays[0].base
    if base is None or base.ndim != 1 or any(a.base is not base or not a.flags.c_contiguous for a in arrays):
        return None
    places = [a.__array_interface__["data"][0] for a in arrays]
    if any(here + a.nbytes != there for here, there, a in zip(places, places[1:], arrays, strict=False)):
        return None
    start = (places[0] - base.__array_interface__["data"][0]) // base.itemsize
    flat: NDArray[Any] = base[start : start + sum(a.size for a in arrays)]
    return flat


# Besides the Tensor, or the optimizer's two lists: the program's value, a name here, and an argument.
_OURS = 3


def _can_move(value: Value) -> bool:
    """Tell whether state may be laid elsewhere: not if somebody else holds on to its array, or to a view of it."""
    if value.owner is None:
        return False
    array = value.owner.array
    holders = 1 if value.owner.tensor is not None else 2
    return array.base is None and array.flags.c_contiguous and sys.getrefcount(array) <= holders + _OURS


def _merge(program: Program, members: list[list[Instruction]]) -> Program:
    """Replace the instructions of all members by those of a flat vector."""
    inside = {id(i) for instructions in members for i in instructions}
    outs = {i.out for instructions in members for i in instructions if i.out is not None}
    last = max(k for k, i in enumerate(program.instructions) if id(i) in inside)
    rest = [i for k, i in enumerate(program.instructions) if id(i) not in inside]
    early = [i for i in program.instructions[:last] if id(i) not in inside and any(v in outs for v in i.reads())]
    if early:
        return program
    flats = _Flats(members)
    merged: list[Instruction] = []
    first = members[0]
    for k, instruction in enumerate(first):
        rows = [instructions[k] for instructions in members]
        inputs = tuple(flats.operand([row.inputs[n] for row in rows]) for n in range(len(instruction.inputs)))
        out = None if instruction.out is None else flats.inner([row.out for row in rows])  # type: ignore[misc]
        origin = instruction.origin._replace(member="")
        merged.append(replace(instruction, inputs=inputs, out=out, origin=origin))
    after = program.instructions[last + 1 :]
    read = [*(v for i in after for v in i.reads()), *program.outcome()]
    wanted = dict.fromkeys(v for v in read if v in outs)  # in this order: the same step gives the same source each time
    views, known = flats.pieces_of(wanted)
    split = sum(1 for i in program.instructions[: last + 1] if id(i) not in inside)
    before = flats.gathered(rest[:split])
    instructions = [*before, *merged, *views, *(i.rewired(known) for i in rest[split:])]
    return program.with_instructions(instructions, known)


class _Flats:
    """The flat vectors of a group of updates."""

    def __init__(self, members: list[list[Instruction]]) -> None:
        self._shapes = [next(i.inputs[0].shape for i in m if i.op is p.WRITE) for m in members]
        self._starts = [*accumulate(map(math.prod, self._shapes), initial=0)]
        self._known: dict[tuple[Value, ...], Value] = {}
        self._joined: list[tuple[Value, tuple[Value, ...]]] = []
        self._inner: dict[Value, tuple[Value, int]] = {}

    def operand(self, column: list[Any]) -> Any:
        """Give what the flat instruction reads where each member reads its own."""
        if not isinstance(column[0], Value) or all(x is column[0] for x in column):
            return column[0]
        key = tuple(column)
        if key not in self._known:
            flat = self._flat(column)
            self._known[key] = flat
            if column[0].kind != "state":
                self._joined.append((flat, key))
        return self._known[key]

    def _flat(self, column: list[Value]) -> Value:
        state = column[0].kind == "state"
        name = _common_name(column)
        array = layout((self._starts[-1],), column[0].dtype)
        flat = Value(name, "state" if state else "computed", array)
        if state:
            flat.owner = Flat(tuple(column))
            for value, start in zip(column, self._starts, strict=False):
                value.place = Slice(flat, start)
        return flat

    def inner(self, column: list[Value]) -> Value:
        """Give the flat vector that the flat instruction makes."""
        key = tuple(column)
        flat = self._known[key] = Value(column[0].name, "computed", layout((self._starts[-1],), column[0].dtype))
        for k, value in enumerate(column):
            self._inner[value] = flat, k
        return flat

    def gathered(self, instructions: list[Instruction]) -> list[Instruction]:
        """Let what makes the gradients write them side by side, and join them after the last of them."""
        made = {i.out: i for i in instructions if i.out is not None}
        out = list(instructions)
        for flat, pieces in self._joined:
            placed = []
            for piece, start in zip(pieces, self._starts, strict=False):
                maker = made.get(piece)
                own = maker is not None and maker.op.kind not in ("view", "opaque", "join")
                if not own or piece.place is not None or not piece.array.flags.c_contiguous or piece in placed:
                    copied = Value(f"{piece.name}_beside", "computed", layout(piece.shape, piece.dtype))
                    origin = instructions[-1].origin
                    out.append(Instruction(p.COPY, (piece,), copied, {"shape": piece.shape}, origin))
                    piece = copied  # noqa: PLW2901 - from here on the copy stands for it
                piece.place = Slice(flat, start)
                placed.append(piece)
            out.append(Instruction(p.JOIN, tuple(placed), flat, {}, out[-1].origin))
        return out

    def pieces_of(self, wanted: Iterable[Value]) -> tuple[list[Instruction], dict[Value, Value]]:
        """Give the members' own new values as views of the flat ones, for whoever reads them later."""
        views, known = [], {}
        for value in wanted:
            flat, k = self._inner[value]
            start, stop, shape = self._starts[k], self._starts[k + 1], self._shapes[k]
            view = Value(value.name, "computed", layout(shape, value.dtype))
            options = {
                "spelling": f"[{start}:{stop}].reshape({shape})",
                "make": lambda x, start=start, stop=stop, shape=shape: x[start:stop].reshape(shape),
            }
            views.append(Instruction(p.VIEW, (flat,), view, options))
            known[value] = view
        return views, known


def _common_name(column: list[Value]) -> str:
    first = column[0].name
    if first.startswith("d_"):
        return "gradients"
    slot = first.split("_weight")[0].split("_bias")[0]
    return "weights" if slot in ("weight", "bias") or slot == first else slot
