"""What is known in the middle of an explanation, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tinygrad_edu.explanations.step import ExplanationStep

__all__ = ["View"]


class View(NamedTuple):
    """What is known at a position: the step that was made last, and a row for each node."""

    position: int
    step: ExplanationStep | None
    rows: tuple[tuple[str, str, str, str], ...]
    """Name, operation, value and gradient; "—" for what is not computed yet."""

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        title = "Before the first step" if self.step is None else f"After step {self.position}: {self.step.text}"
        table = [("", "operation", "value", "gradient"), *self.rows]
        widths = [max(len(row[k]) for row in table) for k in range(4)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        return "\n".join([title, *(line.rstrip() for line in lines)])
