"""When each statement of a nest runs: before the loops, between two runs through a row, in a row, or after the loops.

The softmax of each row needs its largest entry first, then the sum of its exponentials: three runs through the row, and
numbers of the row between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.compiler.machine.nests import strides
from tinygrad_edu.compiler.program import Value

if TYPE_CHECKING:
    from tinygrad_edu.compiler.machine.nests import Loop, Nest, Statement

__all__ = ["Time", "fastest_last", "repeated", "times"]


class Time(NamedTuple):
    """When a statement runs."""

    level: str
    """``before`` and ``after`` the loops; ``row``: once for each row; ``full``: in the loops of a row."""
    run: int
    """In which run through the row, counted from 0; for ``row``, before which."""


def times(nest: Nest) -> dict[Value, Time]:
    """Say when the statement runs that makes a value: as early as it can; what only later runs read, with these."""
    result: dict[Value, Time] = {}
    for statement in nest.statements:
        result[statement.out] = _time(nest, statement, result)
    for statement in reversed(nest.statements):
        if (
            result[statement.out].level == "full"
            and statement.form.how in ("map", "place")
            and statement.out not in nest.stored
        ):
            readers = [s for s in nest.statements if any(x is statement.out for x, _ in s.form.operands)]
            here = [
                x for x, _ in statement.form.operands if isinstance(x, Value) and result.get(x, _START).level == "full"
            ]
            if readers and not here and all(result[s.out].level == "full" for s in readers):
                result[statement.out] = Time("full", min(result[s.out].run for s in readers))
    return result


def repeated(nest: Nest, when: dict[Value, Time]) -> set[Value]:
    """Find what is cheaper to compute again in a later run through the row than to keep."""
    found: set[Value] = set()
    for s in nest.statements:
        if s.out in nest.stored or when[s.out].level != "full" or s.form.how not in ("map", "place"):
            continue
        if s.form.instruction.op.name not in _CHEAP:
            continue
        operands = [x for x, _ in s.form.operands if isinstance(x, Value) and when.get(x, _START).level == "full"]
        if _crosses(nest, s, when) and all(x in found or x in nest.stored or _crosses(nest, x, when) for x in operands):
            found.add(s.out)
    return found


def _crosses(nest: Nest, made: Statement | Value, when: dict[Value, Time]) -> bool:
    value = made if isinstance(made, Value) else made.out
    return any(
        x is value and (when[s.out] != when[value] or s.form.how == "pick")
        for s in nest.statements
        for x, _ in s.form.operands
    )


_START = Time("before", 0)
_CHEAP = frozenset(
    {"add", "subtract", "multiply", "negative", "copyto", "scatter", "where", "maximum", "minimum", "square"}
)


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


def fastest_last(nest: Nest) -> tuple[list[Loop], list[Loop]]:
    """Order the loops, those of the rows and those of a row, so that memory is read in order."""
    slow = strides(nest)
    ordered = sorted(nest.loops, key=lambda loop: -slow.get(loop, 0))
    inner = nest.inner if nest.inner is not None else frozenset(nest.loops)
    return [loop for loop in ordered if loop not in inner], [loop for loop in ordered if loop in inner]
