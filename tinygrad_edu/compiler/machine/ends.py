"""Checks that end an epoch: where the loss is no finite number, nothing may change any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiler import primitives as p

if TYPE_CHECKING:
    from tinygrad_edu.compiler.program import Instruction

__all__ = ["stops", "stops_first"]


def stops(check: Instruction) -> bool:
    """Tell whether a check ends the epoch instead of raising at once: that of the loss."""
    return check.op is p.CHECK and bool(getattr(check.options["refuse"], "stops", False))


def stops_first(instructions: list[Instruction]) -> list[Instruction]:
    """Put the checks that end an epoch right behind what makes what they look at: no weight changes before."""
    out: list[Instruction] = []
    ends = [i for i in instructions if stops(i)]
    for i in instructions:
        if not stops(i):
            out.append(i)
            out += [s for s in ends if i.out is not None and i.out in s.reads()]
    return out
