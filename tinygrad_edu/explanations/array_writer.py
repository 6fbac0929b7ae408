"""Steps in words: each tensor by its name, single numbers put into the formulas, arrays in short."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.explanations.formulas import formula_of
from tinygrad_edu.explanations.writing import derivative, equation, fill, options_of

if TYPE_CHECKING:
    from tinygrad_edu.explanations.book import Book
    from tinygrad_edu.explanations.formulas import Formula
    from tinygrad_edu.explanations.step import ExplanationStep
    from tinygrad_edu.graphs.recording import Entry

__all__ = ["ArrayWriter"]

_SHORT = 26
_WORD = re.compile(r"\b[a-z]{3,} ")


class ArrayWriter:
    """Writes what happens to whole tensors."""

    def __init__(self, book: Book) -> None:
        self.book = book

    def lines(self, step: ExplanationStep) -> tuple[str, ...]:
        """Write a step."""
        if step.kind == "given":
            return (f"{step.name} = {self.book.text(step.value)}",)
        if step.kind == "start":
            return (f"{derivative(step.name, step.name)} = {self.book.text(step.total)}",)
        if step.kind == "hook":
            return (f"{self.slope(step.name)}: a hook made {self._text(step.total)} of {self._text(step.before)}",)
        entry = self.book.entries[step.order]
        if step.kind == "forward":
            return (self.forward(entry),)
        return (self.backward(step, entry), *self.sums(step))

    def slope(self, name: str) -> str:
        """Write the gradient of a node: dL/dw."""
        return derivative(self.book.names[self.book.root], name)

    def _text(self, array: Any) -> str:
        return self.book.text(array)

    # ------------------------------------------------------------------------------------------ forward
    def forward(self, entry: Entry) -> str:
        """Write how a value was computed."""
        assert entry.op is not None  # noqa: S101 - given ones are written elsewhere
        name, value = self.book.name(entry.node), self._text(entry.node)
        formula = formula_of(entry.op.name, len(entry.inputs), entry.options)
        names = [self.book.name(x) for x in entry.inputs]
        if formula is None or len(names) > 3:
            return equation(name, f"{entry.op.name}({_some(names)})", value)
        texts = [self._text(x) for x in entry.arrays]
        options = options_of(entry.op.name, entry.arrays, entry.node.array, entry.options)
        numbers = self._filled(formula.text, texts, "", options) if _short(*texts) else ""
        return equation(name, self._filled(formula.text, names, name, options), numbers, value)

    @staticmethod
    def _filled(template: str, inputs: list[str], out: str, more: dict[str, str]) -> str:
        return fill(template, {**more, **{str(k): text for k, text in enumerate(inputs)}, "out": out})

    # ----------------------------------------------------------------------------------------- backward
    def backward(self, step: ExplanationStep, entry: Entry) -> str:
        """Write what an operation hands to one of its inputs."""
        assert entry.op is not None  # noqa: S101 - gradients come from operations
        axes = tuple(np.ndim(array) for array in entry.arrays)
        formula = formula_of(entry.op.name, len(entry.inputs), entry.options, axes)
        chain = f"{self.slope(step.name)} · {_partial(step.name, step.target)}"
        parts = self._parts(step, entry, formula, chain)
        return f"{self.head(step)}{equation(*parts, self._text(step.outgoing))}{self._remark(step, entry)}"

    def head(self, step: ExplanationStep) -> str:
        """Begin the line of a gradient: with += where several contributions are added."""
        target = self.book.entries[step.order].inputs[step.position]
        return f"{self.slope(step.target)} {'+=' if self.book.arrivals[target.order] > 1 else '='} "

    def _parts(self, step: ExplanationStep, entry: Entry, formula: Formula | None, chain: str) -> list[str]:
        assert entry.op is not None  # noqa: S101 - gradients come from operations
        names, texts = [self.book.name(x) for x in entry.inputs], [self._text(x) for x in entry.arrays]
        g, out = self._text(step.incoming), self._text(step.value)
        options = options_of(entry.op.name, entry.arrays, entry.node.array, entry.options)
        if formula and formula.derivatives and (template := formula.derivatives[step.position]):
            by_name = _factor(self._filled(template, names, step.name, options))
            by_number = _factor(self._filled(template, texts, out, options)) if _short(g, out, *texts) else ""
            start = g if _short(g) else self.slope(step.name)
            return [chain, f"{start} · {by_name}", f"{g} · {by_number}" if by_number else ""]
        if formula and formula.pulled and (template := formula.pulled[step.position]):
            by_name = self._filled(template, names, step.name, {**options, "g": self.slope(step.name)})
            short = _short(g, out, *texts) and not _WORD.search(template)
            by_number = self._filled(template, texts, out, {**options, "g": g}) if short else ""
            return [by_name, by_number]
        local = step.local
        if local is not None and local.size == 1:
            return [chain, f"{g} · {_factor(self._text(local))}"]
        return [chain]

    def _remark(self, step: ExplanationStep, entry: Entry) -> str:
        """Say what the formula does not: that it is the rule's number, or that entries were summed."""
        assert entry.op is not None  # noqa: S101 - gradients come from operations
        formula = formula_of(entry.op.name, len(entry.inputs), entry.options)
        if not formula or not (formula.derivatives or formula.pulled):
            return f" (no formula is written for {entry.op.name}: computed by its rule)"
        if formula.derivatives and step.outgoing is not None and step.outgoing.shape != step.value.shape:
            return f" (summed over the entries that {step.target} was repeated for)"
        return ""

    def sums(self, step: ExplanationStep) -> tuple[str, ...]:
        """Write how what arrives from several sides adds up."""
        if step.before is None:
            return ()
        before, added, total = self._text(step.before), self._text(step.outgoing), self._text(step.total)
        more = "" if step.complete else ", with more to come"
        sum_text = f"{before} + {_factor(added)}" if _short(before, added) else "what was there + this"
        return (f"{self.slope(step.target)} = {sum_text} = {total}{more}",)


def _partial(of: str, by: str) -> str:
    return derivative(of, by).replace("d", "∂", 1).replace("/d", "/∂", 1)


def _factor(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _short(*texts: str) -> bool:
    return all(len(text) <= _SHORT and "…" not in text for text in texts)


def _some(names: list[str]) -> str:
    return ", ".join(names if len(names) <= 6 else [*names[:3], "…", names[-1]])
