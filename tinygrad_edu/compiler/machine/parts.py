"""Arrays that are written part by part, as loops: a statement for each part, which writes into a window."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.compiler import primitives as p
from tinygrad_edu.compiler.assembling import OWN, Part, filled_in, followed
from tinygrad_edu.compiler.machine.forms import Form, form_of, indexed, rooted
from tinygrad_edu.compiler.machine.refusing import refusal
from tinygrad_edu.compiler.program import Instruction, Value
from tinygrad_edu.functional.embedding import _refuse_no_row
from tinygrad_edu.functional.likelihoods import refuse_no_class

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_edu.compiler.machine.views import Views
    from tinygrad_edu.compiler.program import Program

__all__ = ["Ranges", "Written", "written_parts"]


class Ranges:
    """Knows which indices are within their array: machine code does not look."""

    def __init__(self, program: Program) -> None:
        self._bounds: dict[Value, int] = {}
        self.each_step: dict[Value, int] = {}
        """Arrays of the user's that are looked at before they are used, with the number that they have to be below."""
        for i in program.instructions:
            checks = i.op is p.CHECK and i.options["refuse"] in (refuse_no_class, _refuse_no_row)
            if checks and not [x for x in i.inputs[3:] if x is not None] and isinstance(i.inputs[0], Value):
                value, n = i.inputs[:2]
                self._bounds[value] = min(n, self._bounds.get(value, n))

    def hold(self, array: Value, index: Any) -> bool:
        """Tell whether an index of an array is known to be within it."""
        for k, x in enumerate(index if isinstance(index, tuple) else (index,)):
            if not isinstance(x, Value):
                continue
            n = array.shape[k]
            if x.kind == "constant" and x.array.size and not -n <= x.array.min() <= x.array.max() < n:
                return False
            if x.kind == "state":
                self.each_step[x] = min(n, self.each_step.get(x, n))
            elif x.kind != "constant" and self._bounds.get(x, n + 1) > n:
                return False
        return True


class Written(NamedTuple):
    """One part of an array."""

    made: Value
    """What the statement makes; it has no memory of its own,"""
    window: Value
    """but lies here."""
    form: Form
    alone: bool
    """Whether it has to wait until what was written before is complete."""


def written_parts(
    instruction: Instruction, views: Views, makers: dict[Value, Instruction], ranges: Ranges
) -> Iterator[Written]:
    """Go through the parts of an array in the order in which they are written.

    Raises
    ------
    CaptureError
        If a part is put where an index says that machine code does not know.
    """
    whole = instruction.out
    assert whole is not None  # noqa: S101 - it makes an array
    written = np.zeros(whole.shape, bool)
    for k, part in enumerate(instruction.options["parts"].each):
        window = views.window(whole, part.path, f"{whole.name}_part_{k}")
        made = Value(window.name, "computed", window.array)
        form = _form(instruction, part, window, made, makers, ranges)
        region = followed(part.path, written)
        alone = k == 0 or bool(region.any()) or form.how == "scatter"
        if alone:
            written[...] = form.how == "scatter"
        region[...] = True
        yield Written(made, window, rooted(form, views), alone)


def _form(
    instruction: Instruction,
    part: Part,
    window: Value,
    made: Value,
    makers: dict[Value, Instruction],
    ranges: Ranges,
) -> Form:
    operands = tuple(window if k == OWN else instruction.inputs[k] for k in part.operands)
    if part.index is None:
        name = part.how if part.how not in ("", "fill") else "copyto"
        op = p.Primitive(name, "part", getattr(np, name))
        form = form_of(Instruction(op, operands, made, {}, instruction.origin), makers)
        assert form is not None  # noqa: S101 - of this kind
        return form
    index = filled_in(part.index, instruction.inputs)
    found = indexed(window, index if isinstance(index, tuple) else (index,))
    if found is None or not ranges.hold(window, index) or operands[0].shape != found[0]:
        raise refusal(instruction)
    shape, spots, read = found
    along = tuple(k if n > 1 else None for k, n in enumerate(shape))
    scattered = Instruction(
        p.Primitive(part.how, "part", np.add), (operands[0], *(v for v, _ in read)), made, {}, instruction.origin
    )
    return Form(scattered, shape, ((operands[0], along), *read), (None,) * len(window.shape), "scatter", index=spots)
