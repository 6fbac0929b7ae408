"""Whether a step runs by itself: nothing but NumPy and this package, so that nobody changes anything on its way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from tinygrad_edu.compiler.program import Instruction, Program

__all__ = ["runs_alone"]

_OURS = "tinygrad_edu."


def runs_alone(program: Program) -> bool:
    """Tell whether no function of the user's runs in a step: no schedule, optimizer's formula, check or operation.

    Such a function may change what the program takes for granted, which has to be looked at before each step then.
    """
    return all(map(_is_ours, program.instructions))


def _is_ours(i: Instruction) -> bool:
    if i.op is p.CHECK:
        refuse: str = i.options["refuse"].__module__
        return refuse.startswith(_OURS)
    if i.op is p.CALL:
        call = i.options["call"]
        plain = getattr(call, "__func__", None) is Optimizer.advance
        return plain and type(call.__self__).scalars.__module__.startswith(_OURS)
    return bool(i.op.kind != "opaque")
