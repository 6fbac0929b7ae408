"""A program on its way from the record to memory: what each pass makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinygrad_edu.compiler.lowering import lower
from tinygrad_edu.compiler.memory import Memory, plan
from tinygrad_edu.compiler.passes import PASSES
from tinygrad_edu.compiler.together import update_together

if TYPE_CHECKING:
    from tinygrad_edu.compiler.program import Program

__all__ = ["Stages"]


@dataclass(frozen=True, slots=True)
class Stages:
    """The program after each pass, by the pass's name, the record first; and where the values of the last lie."""

    passes: list[tuple[str, Program]]
    memory: Memory

    @classmethod
    def of(cls, recorded: Program) -> Stages:
        """Take a record, with its examples of all values, through all passes."""
        passes, program = [("recorded", recorded)], recorded
        for one in (lower, *PASSES, update_together):
            program = one(program)
            passes.append((one.__name__, program))
        return cls(passes, plan(program))
