"""Loops in one another, and what is done in them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinygrad_edu.compiler.machine.views import dense_strides
from tinygrad_edu.compiler.program import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.compiler.machine.forms import Form

__all__ = ["Axes", "Loop", "Nest", "Statement", "fastest", "strides"]


@dataclass(eq=False, slots=True)
class Loop:
    """One loop of a nest."""

    size: int

    def __repr__(self) -> str:
        return f"range({self.size})"


Axes = tuple[Loop | None, ...]
"""For each axis of a value the loop that goes along it; None for an axis of length 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """An instruction in a nest, with the loop of each axis of its iteration space."""

    form: Form
    where: Axes

    @property
    def out(self) -> Value:
        """What it makes."""
        value = self.form.instruction.out
        assert value is not None  # noqa: S101 - what has a form makes a value
        return value

    @property
    def loops(self) -> frozenset[Loop]:
        """The loops that it runs in."""
        return frozenset(loop for loop in self.where if loop is not None)

    @property
    def gone(self) -> frozenset[Loop]:
        """The loops that it sums over."""
        return frozenset(loop for k in self.form.gone if (loop := self.where[k]) is not None)

    @property
    def sums(self) -> bool:
        """Whether it makes many entries into one."""
        return self.form.how == "reduce" and bool(self.gone)

    def along(self, axes: Sequence[int | None]) -> Axes:
        """Give the loops of an operand, or of the result."""
        return tuple(None if k is None else self.where[k] for k in axes)

    def reads(self, value: Value) -> bool:
        """Tell whether a value is among its operands."""
        return any(x is value for x, _ in self.form.operands)


@dataclass(eq=False, slots=True)
class Nest:
    """Loops in one another."""

    loops: list[Loop] = field(default_factory=list)
    inner: frozenset[Loop] | None = None
    """The loops of a row: what is a number for each row is made between two runs through it; None if there is none."""
    statements: list[Statement] = field(default_factory=list)
    axes: dict[Value, Axes] = field(default_factory=dict)
    """Of the values that are made in it."""
    after: set[Value] = field(default_factory=set)
    """What is complete only when all loops are."""
    seen: dict[Value, Axes] = field(default_factory=dict)
    """Of the values that it reads from memory."""
    last: bool = False
    """Whether it is only for the last step of an epoch: what makes gradients that nothing but ``grad`` is for."""
    stored: set[Value] = field(default_factory=set)
    """What needs memory, or for a single number a name, beyond its nest: of the whole program."""

    def add(self, statement: Statement) -> None:
        """Let it make one more value."""
        value = statement.out
        for loop in statement.where:
            if loop is not None and loop not in self.loops:
                self.loops.append(loop)
        for x, along in statement.form.operands:
            if isinstance(x, Value) and x not in self.axes:
                self.seen.setdefault(x, statement.along(along))
                self.stored.add(x)
        self.statements.append(statement)
        self.axes[value] = statement.along(statement.form.out)
        if self._completes_late(statement):
            self.after.add(value)

    def _completes_late(self, statement: Statement) -> bool:
        """Tell whether a value is complete only after the nest: a sum over more than a row."""
        if any(statement.reads(x) for x in self.after):
            return True
        return statement.sums and statement.gone != self.inner


def strides(nest: Nest, more: Sequence[Statement] = ()) -> dict[Loop, float]:
    """Tell how far each loop goes through memory in a step: the logarithms of the strides, over all arrays."""
    slow: dict[Loop, float] = {}
    known: set[tuple[Value, Axes]] = set()

    def note(value: Value, axes: Axes) -> None:
        if (value, axes) not in known:
            known.add((value, axes))
            for loop, stride in zip(axes, dense_strides(value), strict=False):
                if loop is not None:
                    slow[loop] = slow.get(loop, 0.0) + math.log2(abs(stride))

    made = {s.out for s in more} | {*nest.axes}
    for statement in (*nest.statements, *more):
        for x, along in statement.form.operands:
            if isinstance(x, Value) and x not in made:
                note(x, statement.along(along))
    for value, axes in nest.axes.items():
        if value in nest.stored:
            note(value, axes)
    return slow


def fastest(nest: Nest, more: Sequence[Statement] = ()) -> Loop | None:
    """Find the loop along which memory is read in order."""
    slow = strides(nest, more)
    return min(slow, key=slow.__getitem__) if slow else None
