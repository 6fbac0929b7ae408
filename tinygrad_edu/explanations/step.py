"""One step of an explanation: a value is computed, or a gradient arrives."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.explanations.book import Book

__all__ = ["ExplanationStep", "StepKind", "Writer"]

StepKind: TypeAlias = Literal["given", "forward", "start", "backward", "hook"]
"""A value that is given, or computed; the gradient 1 of the result itself, one that an operation hands to an input, or
one that a hook replaced."""


class Writer(Protocol):
    """Puts a step into words."""

    def lines(self, step: ExplanationStep) -> tuple[str, ...]:
        """Write a step, in one line or more."""


@dataclass(frozen=True, eq=False, repr=False)
class ExplanationStep:
    """What happens in one step, as numbers; ``text`` says it in formulas."""

    index: int
    """The number of the step, from 0."""
    kind: StepKind
    name: str
    """Whose value it is; going back, whose gradient is handed on."""
    operation: str
    """The row of the table of operations that is at work; empty for what was given."""
    layer: str
    """The module that it belongs to; empty outside of any."""
    value: NDArray[Any]
    """What `name` holds."""
    target: str = ""
    """Going back, the input that the gradient is handed to."""
    incoming: NDArray[Any] | None = None
    """The gradient of `name`; of a hook, the gradient before it."""
    outgoing: NDArray[Any] | None = None
    """What it adds to the gradient of `target`; of a hook, the gradient after it."""
    before: NDArray[Any] | None = None
    """What had arrived at `target` earlier; None if nothing had."""
    total: NDArray[Any] | None = None
    """What has arrived at `target` now: the sum."""
    complete: bool = True
    """Whether that is all that arrives there."""
    order: int = 0
    position: int = 0
    book: Book = field(default=None)  # type: ignore[assignment]  # always given
    writer: Writer = field(default=None)  # type: ignore[assignment]  # always given

    @cached_property
    def local(self) -> NDArray[Any] | None:
        """The local derivative of `name` with respect to `target`, by the operation's own rule.

        For an operation that works entry by entry the derivative of each entry; else all derivatives, of both shapes,
        or None where these would be many.
        """
        return self.book.local(self.order, self.position) if self.kind == "backward" else None

    @cached_property
    def lines(self) -> tuple[str, ...]:
        """The step in words and formulas, line by line."""
        return self.writer.lines(self)

    @property
    def text(self) -> str:
        """The step in words and formulas."""
        return "\n".join(self.lines)

    def __repr__(self) -> str:
        return self.text
