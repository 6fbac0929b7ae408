"""What all parts of the Numba source share: names, and the lines that were written so far."""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinygrad_edu.compiler.machine.expressions import HELPERS

if TYPE_CHECKING:
    from tinygrad_edu.compiler.machine.fusion import Fused
    from tinygrad_edu.compiler.machine.memory import Layout
    from tinygrad_edu.compiler.program import Origin, Value

__all__ = ["LETTERS", "Writer"]

LETTERS = ("i", "j", "l", "m", "n", "o", "p", "q", "r", "s")  # of loops; k counts the steps
_OWN = (
    "epoch k keep losses math memory np numbers order row column bool_ isfinite "
    "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64"
)
_TAKEN = frozenset({*_OWN.split(), *LETTERS, *keyword.kwlist, *HELPERS})


@dataclass
class Writer:
    """Names things, and collects lines."""

    fused: Fused
    layout: Layout
    lines: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    """The functions that the source calls."""
    named: dict[Value, str] = field(default_factory=dict)
    """Arrays."""
    given: dict[Value, str] = field(default_factory=dict)
    """States, as the function is given them."""
    scalars: dict[Value, str] = field(default_factory=dict)
    """Single numbers."""
    generators: list[str] = field(default_factory=list)
    turned: set[Value] = field(default_factory=set)
    """Matrices of which the transposed is there already."""
    _taken: set[str] = field(default_factory=lambda: set(_TAKEN))
    _last: tuple[str, str, str] = ("", "", "")

    def free(self, wanted: str) -> str:
        """Give a name that is not taken."""
        name, n = wanted, 2
        while name in self._taken:
            name, n = f"{wanted}_{n}", n + 1
        self._taken.add(name)
        return name

    def name(self, value: Value) -> str:
        """Name an array."""
        if value not in self.named:
            self.named[value] = self.free(value.name)
        return self.named[value]

    def number(self, value: Value) -> str:
        """Name a number that Python computes."""
        if value not in self.scalars:
            self.scalars[value] = self.free(value.name)
        return self.scalars[value]

    def scalar(self, value: Value) -> str:
        """Spell the only entry of a value."""
        root = self.fused.views(value).root
        if root in self.scalars:
            return self.scalars[root]
        return f"{self.name(root)}[{', '.join('0' for _ in root.shape) or '()'}]"

    def call(self, function: str, *args: object) -> str:
        """Spell a call of one of our functions."""
        self.used.add(function)
        return f"{function}({', '.join(map(str, args))})"

    def comment(self, origin: Origin) -> None:
        """Say where what follows comes from, as far as it is news."""
        here = (origin.phase, origin.layer, origin.line)
        if here == self._last or not any(here):
            return
        phase = origin.phase if self._last[0] != origin.phase else ""
        line = origin.line if self._last[2] != origin.line else ""
        text = " | ".join(part for part in (": ".join(q for q in (phase, origin.layer) if q), line) if part)
        if text:
            self.lines.append(f"# {text}")
        self._last = here
