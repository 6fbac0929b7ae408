"""What machine code cannot do: the error that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.errors import CaptureError

if TYPE_CHECKING:
    from tinygrad_edu.compiler.program import Instruction

__all__ = ["refusal"]


def refusal(i: Instruction) -> CaptureError:
    """Say that machine code cannot do something, and what can."""
    place = f"At {i.origin.line}: " if i.origin.line else ""
    return CaptureError(
        f'{place}{i.op.name} cannot be compiled to machine code. Use backend="numpy", which calls it as it is.'
    )
