"""Which statements fit into the loops of a nest, and which of its loops are a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.compiler.machine.nests import Axes, Loop, Nest, Statement, fastest
from tinygrad_edu.compiler.program import Value

if TYPE_CHECKING:
    from tinygrad_edu.compiler.machine.forms import Form

__all__ = ["accept", "match", "rows_of"]


def match(nest: Nest, form: Form) -> Axes | None:
    """Find a loop for each axis of an iteration space: that of the values that it reads, or a new one.

    Returns
    -------
    None if it would read a value of the nest along other loops than this is made.
    """
    where: dict[int, Loop] = {}
    for known in (nest.axes, nest.seen):
        for x, along in form.operands:
            for k, loop in zip(along, known.get(x, ()) if isinstance(x, Value) else (), strict=False):
                if k is None or loop is None:
                    continue
                if known is nest.axes and where.get(k, loop) is not loop:
                    return None
                if k not in where and loop not in where.values():
                    where[k] = loop
    free = [loop for loop in nest.loops if loop not in where.values()]
    for k, n in enumerate(form.shape):
        if n > 1 and k not in where:
            fitting = next((loop for loop in free if loop.size == n), None)
            if fitting is not None:
                free.remove(fitting)
            where[k] = fitting or Loop(n)
    return tuple(where.get(k) for k in range(len(form.shape)))


def accept(nest: Nest, placed: list[Statement]) -> bool:
    """Tell whether statements fit into a nest, and decide which of its loops are its row, if they need one."""
    main = placed[-1]
    loops, mine = frozenset(nest.loops), main.loops
    if nest.statements and (mine != loops) and not _fits(nest, placed):
        return False
    if nest.statements and mine != loops and not (loops and mine):
        return True
    inner = _inner(nest, placed)
    if inner is _NONE:
        return False
    if inner is not None and inner is not nest.inner and nest.statements:
        fast = fastest(nest, placed)
        if fast is not None and fast not in inner:
            return False
    nest.inner = inner
    return True


_NONE: frozenset[Loop] = frozenset([Loop(0)])  # there is no such row


def _fits(nest: Nest, placed: list[Statement]) -> bool:
    """Tell whether a statement may run in other loops than a nest has."""
    main = placed[-1]
    loops, mine = frozenset(nest.loops), main.loops
    if not (mine <= loops or loops <= mine):
        return False
    if not mine or not loops:  # a number, of what the nest makes
        return not mine and all(x in nest.axes for x, _ in main.form.operands if isinstance(x, Value))
    of_rows = nest.inner is not None and mine <= loops - nest.inner
    again = mine < loops and main.form.how == "map" and not of_rows and fastest(nest, placed) in mine
    return not again  # it would be done again for each row


def _inner(nest: Nest, placed: list[Statement]) -> frozenset[Loop] | None:
    """Find the row with which a nest can take a statement."""
    main = placed[-1]
    loops, mine, inner = frozenset(nest.loops), main.loops, nest.inner
    together = loops | mine
    if nest.statements and not mine <= loops:  # what there is has a value for each row of the larger space
        if inner is not None:
            return _NONE
        inner = together - loops
    if main.form.how == "reduce" and mine != together:  # it must not run more than once
        inner = together - mine if inner is None else inner
        if not mine <= together - inner:
            return _NONE
    if main.form.how == "reduce" and mine == together and inner is None and fastest(nest, placed) in main.gone:
        inner = main.gone
    x = main.form.operands[0][0] if main.form.how == "pick" else None
    if x in nest.axes:
        row = frozenset(loop for loop in nest.axes[x] if loop is not None) - mine
        if inner not in (None, row):
            return _NONE
        inner = row or inner
    return inner


def rows_of(nest: Nest) -> frozenset[Loop] | None:
    """Find the loops of a row, where some statements are done once for each row; None if there are none such."""
    fewer = [s.loops for s in nest.statements if s.loops and len(s.loops) < len(nest.loops)]
    outer = max(fewer, key=len, default=None)
    if outer is None or any(not loops <= outer for loops in fewer):
        return None
    inner = frozenset(nest.loops) - outer
    return inner if fastest(nest) in inner else None
