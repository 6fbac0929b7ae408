"""Steps in words, unit by unit: each entry of a small tensor by a name of its own, as in a textbook.

``z1₂ = w1₂₁·x₁ + w1₂₂·x₂ + b1₂``: the first digit is the layer, the small ones are unit and input, counted from 1. The
error of a unit of a linear layer, dL/dz, is called δ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.explanations.array_writer import ArrayWriter
from tinygrad_edu.explanations.formulas import formula_of
from tinygrad_edu.explanations.writing import equation, fill, options_of
from tinygrad_edu.graphs.numbers import number_text
from tinygrad_edu.tape import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinygrad_edu.explanations.step import ExplanationStep
    from tinygrad_edu.graphs.recording import Entry

__all__ = ["MOST_LINES", "EntryWriter", "factor", "index"]

_SMALL = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
MOST_LINES = 64


class EntryWriter(ArrayWriter):
    """Writes what happens to each entry; where it has no words for that, what happens to the whole tensor."""

    def lines(self, step: ExplanationStep) -> tuple[str, ...]:
        """Write a step."""
        if step.kind == "given":
            return self._given(step)
        entry = self.book.entries[step.order]
        if step.kind == "forward" and (forward := getattr(self, f"write_{step.operation}", self._each_entry))(entry):
            return tuple(forward(entry))
        if step.kind == "backward":
            write: Callable[[ExplanationStep, Entry], list[str]]
            write = getattr(self, f"write_{step.operation}_back", self._each_entry_back)
            if written := write(step, entry):
                return (*written, *self._sums_by_entry(step))
        return super().lines(step)

    # ------------------------------------------------------------------------------------ names, numbers
    def _entry(self, x: Any, k: int, *, values: bool = False) -> str:
        """Write one entry of a tensor: its name, or its value."""
        array = x.array if isinstance(x, Node) else np.asarray(x)
        if values or not isinstance(x, Node):
            return number_text(array.reshape(-1)[k], self.book.digits)
        return f"{self.book.names[x.order]}{index(array.shape, k)}"

    def _slope(self, x: Node, k: int) -> str:
        """Write the gradient of an entry: δ1₂ of a linear layer's unit, else dL/da1₂."""
        name = self.book.names[x.order]
        if x.op is not None and x.op.name == "linear" and name.startswith("z"):
            return f"δ{name[1:]}{index(x.array.shape, k)}"
        return self._full_slope(x, k)

    def _full_slope(self, x: Node, k: int) -> str:
        return self.slope(self._entry(x, k))

    def _head(self, x: Node, k: int) -> str:
        """Begin the line of a gradient: "δ1₂ = dL/dz1₂", with += where several are added."""
        several = self.book.arrivals[x.order] > 1
        if several:
            return f"{self._full_slope(x, k)} += "
        return f"{equation(self._slope(x, k), self._full_slope(x, k))} = "

    def head(self, step: ExplanationStep) -> str:
        """Begin the line of a whole gradient, and call it δ where it is a linear layer's."""
        target = self.book.entries[step.order].inputs[step.position]
        if target.op is not None and target.op.name == "linear" and step.target.startswith("z"):
            return f"δ{step.target[1:]} = {super().head(step)}"
        return super().head(step)

    def _number(self, array: Any, k: int) -> str:
        return number_text(np.asarray(array).reshape(-1)[k], self.book.digits)

    def _given(self, step: ExplanationStep) -> tuple[str, ...]:
        x = self.book.entries[step.order].node
        if x.array.size > MOST_LINES:
            return super().lines(step)
        rows = x.array.reshape(-1, x.array.shape[-1]) if x.array.ndim else x.array.reshape(1, 1)
        width = rows.shape[1]
        return tuple(
            ", ".join(f"{self._entry(x, r * width + c)} = {self._number(x.array, r * width + c)}" for c in range(width))
            for r in range(len(rows))
        )

    # ------------------------------------------------------------------------------------- entry by entry
    def _each_entry(self, entry: Entry) -> list[str]:
        """Write an operation that works entry by entry: a = tanh(z)."""
        assert entry.op is not None  # noqa: S101 - given ones are written elsewhere
        formula = formula_of(entry.op.name, len(entry.inputs), entry.options)
        size = entry.node.array.size
        if formula is None or not formula.derivatives or size > MOST_LINES or not _alike(entry):
            return []
        options = options_of(entry.op.name, entry.arrays, entry.node.array, entry.options)
        out = []
        for k in range(size):
            names, numbers = (self._texts(entry, k, options, values=values) for values in (False, True))
            out.append(equation(names["out"], fill(formula.text, names), fill(formula.text, numbers), numbers["out"]))
        return out

    def _texts(self, entry: Entry, k: int, options: dict[str, str], *, values: bool) -> dict[str, str]:
        """Give what stands in a template for the k-th entries."""
        one = [0 if np.size(a) == 1 else k for a in entry.arrays]
        inputs = {str(j): self._entry(x, one[j], values=values) for j, x in enumerate(entry.inputs)}
        return {**options, **inputs, "out": self._entry(entry.node, k, values=values)}

    def _each_entry_back(self, step: ExplanationStep, entry: Entry) -> list[str]:
        """Write the chain rule of an operation that works entry by entry: dL/dz = dL/da · (1 - a²)."""
        assert entry.op is not None  # noqa: S101 - gradients come from operations
        formula = formula_of(entry.op.name, len(entry.inputs), entry.options)
        target = entry.inputs[step.position]
        fits = target.array.size == entry.node.array.size <= MOST_LINES and _alike(entry)
        template = formula.derivatives[step.position] if formula and formula.derivatives and fits else None
        if template is None:
            return []
        options = options_of(entry.op.name, entry.arrays, entry.node.array, entry.options)
        out = []
        for k in range(target.array.size):
            g = self._number(step.incoming, k)
            names, numbers = (self._texts(entry, k, options, values=values) for values in (False, True))
            by_name, by_number = (factor(fill(template, texts)) for texts in (names, numbers))
            parts = [f"{self._slope(entry.node, k)} · {by_name}", f"{g} · {by_number}", self._number(step.outgoing, k)]
            out.append(self._head(target, k) + equation(*parts))
        return out

    def _sums_by_entry(self, step: ExplanationStep) -> list[str]:
        """Write how what arrives from several sides adds up, for each entry."""
        if step.before is None or step.total is None:
            return []
        target = self.book.entries[step.order].inputs[step.position]
        more = "" if step.complete else ", with more to come"
        return [
            f"{equation(self._slope(target, k), self._full_slope(target, k))} = {self._number(step.before, k)} + "
            f"{factor(self._number(step.outgoing, k))} = {self._number(step.total, k)}{more}"
            for k in range(step.total.size)
        ]


def index(shape: Sequence[int], k: int) -> str:
    """Write the place of an entry in small digits, from 1; leading axes of length 1 say nothing.

    Examples
    --------
    >>> index((1, 3), 1), index((3, 2), 3), index((12, 2), 23), index((1,), 0)
    ('₂', '₂₂', '₁₂,₂', '')
    """
    if int(np.prod(shape)) == 1:
        return ""
    places = [int(i) + 1 for i in np.unravel_index(k, tuple(shape))]
    if len(shape) == 2 and shape[0] == 1:
        places = places[1:]
    join = "," if max(shape) > 9 and len(places) > 1 else ""
    return join.join(str(place).translate(_SMALL) for place in places)


def _alike(entry: Entry) -> bool:
    """Tell whether every input is a single number, or has the result's shape; leading axes of length 1 do not count."""
    out = _without_ones(entry.node.array.shape)
    return all(np.size(a) == 1 or _without_ones(np.shape(a)) == out for a in entry.arrays)


def _without_ones(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[next((k for k, n in enumerate(shape) if n != 1), len(shape)) :]


def factor(text: str) -> str:
    """Put a negative number in parentheses."""
    return f"({text})" if text.startswith("-") else text
