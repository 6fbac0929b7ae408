"""What can be read of a compiled step: its source, its instructions, its memory, and how they came about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiler.report import Table, buffers, explain
from tinygrad_edu.errors import CaptureError

if TYPE_CHECKING:
    from tinygrad_edu.compiler.program import Instruction, Program
    from tinygrad_edu.compiler.variant import Variant

__all__ = ["Inspected"]


class Inspected:
    """Shows the program that ran last."""

    _last: Variant | None = None

    @property
    def variant(self) -> Variant:
        """The program that ran last."""
        if self._last is None:
            raise CaptureError("The step was not compiled yet: that happens in its first call. Call it with a batch.")
        return self._last

    @property
    def source(self) -> str:
        """The source of the program that ran last."""
        return self.variant.source

    @property
    def instructions(self) -> list[Instruction]:
        """Its instructions, in order."""
        return self.variant.program.instructions

    @property
    def buffers(self) -> Table:
        """The memory that it computes in: how many bytes, and which values share them."""
        return buffers(self.variant.memory)

    def explain(self) -> Table:
        """List its instructions with their shapes, floating-point operations and bytes; prints as a table."""
        return explain(self.variant.program)

    @property
    def passes(self) -> list[tuple[str, Program]]:
        """The program after each pass, by the pass's name; the first is what was recorded."""
        return self.variant.stages.passes
