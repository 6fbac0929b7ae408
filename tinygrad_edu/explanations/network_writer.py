"""Steps in words for the layers of a network and its loss: what linear layers, sums and classes do, unit by unit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.explanations.entry_writer import MOST_LINES, EntryWriter, factor
from tinygrad_edu.explanations.writing import equation
from tinygrad_edu.graphs.numbers import number_text

if TYPE_CHECKING:
    from tinygrad_edu.explanations.step import ExplanationStep
    from tinygrad_edu.graphs.recording import Entry

__all__ = ["NetworkWriter"]

_MOST_TERMS = 8


class NetworkWriter(EntryWriter):
    """Has words of its own for the rows that a small network is made of; a method is named after its row."""

    # ------------------------------------------------------------------------------------- linear layers
    def write_linear(self, entry: Entry) -> list[str]:
        """Write each unit: z₁ = w₁₁·x₁ + w₁₂·x₂ + b₁."""
        x, weight, bias = entry.inputs
        n_out, n_in = entry.arrays[1].shape
        if n_out != entry.node.array.size or n_out > MOST_LINES:
            return []
        out = []
        for j in range(n_out):
            sides = []
            for values in (False, True):
                terms = [
                    _product(self._entry(weight, j * n_in + i, values=values), self._entry(x, i, values=values))
                    for i in range(n_in)
                ]
                if bias is not None:
                    terms.append(self._entry(bias, j, values=values))
                sides.append(_sum(terms))
            out.append(equation(self._entry(entry.node, j), *sides, self._entry(entry.node, j, values=True)))
        return out

    def write_linear_back(self, step: ExplanationStep, entry: Entry) -> list[str]:
        """Write dL/dw = δ · x, dL/db = δ, and dL/dx = Σ δ · w."""
        x, weight, _ = entry.inputs
        n_out, n_in = entry.arrays[1].shape
        target = entry.inputs[step.position]
        if n_out != entry.node.array.size or target.array.size > MOST_LINES * 4:
            return []
        deltas = (
            [self._slope(entry.node, j) for j in range(n_out)],
            [self._number(step.incoming, j) for j in range(n_out)],
        )
        out = []
        for k in range(target.array.size):
            if step.position == 2:
                sides = [deltas[0][k]]
            elif step.position == 1:
                j, i = divmod(k, n_in)
                sides = [_product(side[j], self._entry(x, i, values=bool(v))) for v, side in enumerate(deltas)]
            else:
                sides = [
                    _sum([_product(side[j], self._entry(weight, j * n_in + k, values=bool(v))) for j in range(n_out)])
                    for v, side in enumerate(deltas)
                ]
            out.append(self._head(target, k) + equation(*sides, self._number(step.outgoing, k)))
        return out

    # -------------------------------------------------------------------------------------- sums, classes
    def write_sum(self, entry: Entry) -> list[str]:
        """Write a sum."""
        return self._added(entry, "")

    def write_mean(self, entry: Entry) -> list[str]:
        """Write a mean."""
        return self._added(entry, f" / {entry.arrays[0].size}")

    def _added(self, entry: Entry, divided: str) -> list[str]:
        x = entry.inputs[0]
        if entry.node.array.size != 1 or x.array.size > MOST_LINES:
            return []
        sides = []
        for values in (False, True):
            entries = [self._entry(x, k, values=values) for k in range(x.array.size)]
            text = _sum(entries)
            sides.append(f"({text}){divided}" if divided and len(entries) > 1 else f"{text}{divided}")
        if x.array.size == 1:
            sides = [self._entry(x, 0), self._entry(x, 0, values=True)]
        return [equation(self._entry(entry.node, 0), *sides, self._entry(entry.node, 0, values=True))]

    def write_sum_back(self, step: ExplanationStep, entry: Entry) -> list[str]:
        """Write that each entry of a sum gets all of the gradient."""
        return self._spread(step, entry, "")

    def write_mean_back(self, step: ExplanationStep, entry: Entry) -> list[str]:
        """Write that each entry of a mean gets its share."""
        n = entry.arrays[0].size
        return self._spread(step, entry, f" / {n}" if n > 1 else "")

    def _spread(self, step: ExplanationStep, entry: Entry, divided: str) -> list[str]:
        x = entry.inputs[0]
        if entry.node.array.size != 1 or x.array.size > MOST_LINES:
            return []
        sides = [f"{self._slope(entry.node, 0)}{divided}", f"{self._number(step.incoming, 0)}{divided}"]
        return [self._head(x, k) + equation(*sides, self._number(step.outgoing, k)) for k in range(x.array.size)]

    def write_log_softmax(self, entry: Entry) -> list[str]:
        """Write each class's score minus the logarithm of the sum of all exponentials."""
        x, n = entry.inputs[0], entry.node.array.size
        if n > MOST_LINES or entry.node.array.shape[-1] != n:
            return []
        out = []
        for k in range(n):
            sides = [
                f"{self._entry(x, k, values=v)} - log("
                + _sum([f"exp({self._entry(x, i, values=v)})" for i in range(n)])
                + ")"
                for v in (False, True)
            ]
            out.append(equation(self._entry(entry.node, k), *sides, self._entry(entry.node, k, values=True)))
        return out

    def write_log_softmax_back(self, step: ExplanationStep, entry: Entry) -> list[str]:
        """Write dL/dz = dL/dl - p · Σ dL/dl, with p = exp(l), the probability of the class."""
        x, n = entry.inputs[0], entry.node.array.size
        if n > MOST_LINES or entry.node.array.shape[-1] != n:
            return []
        slopes = _sum([self._slope(entry.node, i) for i in range(n)])
        total = factor(number_text(np.sum(np.asarray(step.incoming)), self.book.digits))
        out = []
        for k in range(n):
            p = number_text(np.exp(entry.node.array.reshape(-1)[k]), self.book.digits)
            sides = [
                f"{self._slope(entry.node, k)} - exp({self._entry(entry.node, k)}) · ({slopes})",
                f"{self._number(step.incoming, k)} - {p} · {total}",
            ]
            out.append(self._head(x, k) + equation(*sides, self._number(step.outgoing, k)))
        return out

    def write_negative_log_likelihood(self, entry: Entry) -> list[str]:
        """Write minus the logarithm of the probability of the target's class."""
        log_p = entry.inputs[0]
        if np.size(entry.arrays[1]) != 1:
            return []
        k = int(np.asarray(entry.arrays[1]).reshape(()))
        sides = [f"-{factor(self._entry(log_p, k, values=v))}" for v in (False, True)]
        line = equation(self._entry(entry.node, 0), *sides, self._entry(entry.node, 0, values=True))
        return [f"{line} (the target is class {k}, whose entry is number {k + 1})"]

    def write_negative_log_likelihood_back(self, step: ExplanationStep, entry: Entry) -> list[str]:
        """Write that the target's class alone gets something."""
        log_p = entry.inputs[0]
        if np.size(entry.arrays[1]) != 1:
            return []
        target = int(np.asarray(entry.arrays[1]).reshape(()))
        slope, number = self._slope(entry.node, 0), factor(self._number(step.incoming, 0))
        return [
            self._head(log_p, k)
            + (
                equation(f"-{slope}", f"-{number}", self._number(step.outgoing, k))
                if k == target
                else f"{self._number(step.outgoing, k)} (not the target's class)"
            )
            for k in range(log_p.array.size)
        ]


def _product(a: str, b: str) -> str:
    return f"{a}·{factor(b)}"


def _sum(terms: list[str]) -> str:
    """Add terms up; of many the first and the last.

    Examples
    --------
    >>> _sum(["-2·x", "-3·(-1)", "4", "-5"])
    '-2·x + (-3)·(-1) + 4 + (-5)'
    """
    if len(terms) > _MOST_TERMS:
        terms = [*terms[: _MOST_TERMS - 2], "…", terms[-1]]
    return " + ".join([terms[0], *map(_later, terms[1:])])


def _later(term: str) -> str:
    """Write a term that is not the first: its sign in parentheses."""
    if not term.startswith("-"):
        return term
    number, *more = term.split("·", 1)
    return "·".join([f"({number})", *more])
