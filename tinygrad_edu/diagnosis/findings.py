"""A finding: what is wrong, the numbers that show it, and the line that mends it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["SEVERITIES", "Finding", "Severity", "number", "ordered", "plural"]

Severity: TypeAlias = Literal["error", "warning", "note"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""From what keeps a model from learning, over what slows or weakens it, to what is worth knowing."""

_WIDTH = 100


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    Parameters
    ----------
    name
        What it is called, such as ``"double-softmax"``: fixed, so that programs and tests may ask for it.
    severity
        "error": the model does not learn, or learns something else than is meant. "warning": it learns worse or more
        slowly than it could. "note": worth knowing, and nothing is wrong.
    evidence
        A sentence with the numbers that were measured.
    remedy
        A sentence that says what to write instead.
    values
        The numbers of the evidence by name, as they were measured.

    Examples
    --------
    >>> print(Finding("unused", "note", "2 of 10 outputs are never used.", "Write nn.Linear(32, 8).", {"unused": 2}))
    note: unused
        2 of 10 outputs are never used.
        → Write nn.Linear(32, 8).
    """

    name: str
    severity: Severity
    evidence: str
    remedy: str
    values: Mapping[str, float] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return "\n".join([f"{self.severity}: {self.name}", *_wrapped(self.evidence), *_wrapped(f"→ {self.remedy}")])


def _wrapped(text: str) -> list[str]:
    """Indent, and break lines that are too long; shapes that are laid out below each other stay so."""
    return [
        part
        for line in text.split("\n")
        for part in (
            textwrap.wrap(line, _WIDTH, initial_indent="    ", subsequent_indent="    ")
            if len(line) > _WIDTH
            else ["    " + line]
        )
    ]


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort by severity, the worst first; those of one severity stay as they were.

    Examples
    --------
    >>> [f.severity for f in ordered([Finding("a", "note", "", ""), Finding("b", "error", "", "")])]
    ['error', 'note']
    """
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def number(value: float) -> str:
    """Word a number in three digits, or whole with commas where it is large.

    Examples
    --------
    >>> number(0.21053), number(13.0), number(12345.6), number(3.2e9), number(float("inf"))
    ('0.211', '13', '12,346', '3.2e+09', 'infinite')
    """
    if value in (float("inf"), float("-inf")):
        return "infinite" if value > 0 else "-infinite"
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e7 else f"{value:.3g}"


def plural(n: int, noun: str, nouns: str = "") -> str:
    """Word a count and its noun.

    Examples
    --------
    >>> plural(1, "error"), plural(2, "error"), plural(2, "class", "classes")
    ('1 error', '2 errors', '2 classes')
    """
    return f"{n:,} {noun if n == 1 else nouns or noun + 's'}"
