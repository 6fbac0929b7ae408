"""When each statement of a nest runs: before the loops, between two runs through a row, in a row, or after the loops.

The softmax of each row needs its largest entry first, then the sum of its exponentials: three runs through the row, and
numbers of the row between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.compiler.program import Value

if TYPE_CHECKING:
    from tinygrad_edu.compiler.fusion import Nest, Statement

__all__ = ["Time", "times"]


class Time(NamedTuple):
    """When a statement runs."""

    level: str
    """``before`` and ``after`` the loops; ``row``: once for each row; ``full``: in the loops of a row."""
    run: int
    """In which run through the row, counted from 0; for ``row``, before which."""


def times(nest: Nest) -> dict[Value, Time]:
    """Say when the statement runs that makes a value."""
    result: dict[Value, Time] = {}
    for statement in nest.statements:
        result[statement.out] = _time(nest, statement, result)
    return result


def available(nest: Nest, statement: Statement, time: Time) -> Time:
    """Say from when on a value can be read."""
    if statement.out in nest.after:
        return Time("after", 0)
    if statement.form.how == "reduce" and statement.gone:
        return Time("row", time.run + 1)
    return time


def _time(nest: Nest, statement: Statement, known: dict[Value, Time]) -> Time:
    makers = {s.out: s for s in nest.statements}
    made_here = [x for x, _ in statement.form.operands if isinstance(x, Value) and x in known]
    since = [available(nest, makers[x], known[x]) for x in made_here]
    if any(t.level == "after" for t in since):
        return Time("after", 0)
    run = max((t.run for t in since), default=0)
    if not statement.loops and all(t.level == "before" for t in since):
        return Time("before", 0)
    outer = frozenset(nest.loops) - (nest.inner or frozenset(nest.loops))
    if nest.inner is not None and statement.loops <= outer:
        picked = statement.form.how == "pick" and made_here and since[0].level == "full"
        return Time("row", run + 1 if picked else run)
    return Time("full", run)
