"""The program of a lesson: the functions that compute it, and the same functions as a script.

A lesson computes with ordinary functions that use nothing but ``tg``, ``np`` and each other. Its script is the source
of these very functions with the arguments written out, so it cannot compute anything else than the lesson did.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tinygrad_edu.lessons.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Program"]

_STANDARD = {
    "math": "import math",
    "Callable": "from collections.abc import Callable",
    "pairwise": "from itertools import pairwise",
    "Fraction": "from fractions import Fraction",
    "perf_counter": "from time import perf_counter",
    "Any": "from typing import Any",
}
_SCRIPT = '''\
"""{title}

Prints, with tabs between, these columns:
{columns}
"""

# With text and figure: {call}

{imports}


{sources}


if __name__ == "__main__":
    record = {run}(
{arguments}
    )
    for row in {tabulate}(record):
        print(*row, sep="\\t")
'''


@dataclass(frozen=True)
class Program:
    """How a lesson is computed: ``tabulate(run(**arguments))`` are the rows of its table.

    Parameters
    ----------
    run
        Computes the record of the lesson.
    tabulate
        Makes of the record the rows of the table.
    arguments
        What `run` is called with: numbers, texts, and tuples of them.
    columns
        The names of the table's columns.
    uses
        The functions and classes of this project's lessons that `run` and `tabulate` call, in the order in which they
        are to be read.
    """

    run: Callable[..., Any]
    tabulate: Callable[[Any], list[tuple[Any, ...]]]
    arguments: Mapping[str, Any]
    columns: tuple[str, ...]
    uses: tuple[Callable[..., Any], ...] = field(default=())

    def record(self) -> Any:
        """Run it.

        Raises
        ------
        KeyboardInterrupt
            If it was interrupted: descents keep what they have then, but a lesson from half of it would be wrong.
        """
        record = self.run(**self.arguments)
        if _interrupted(record):
            raise KeyboardInterrupt
        return record

    def table(self, record: Any) -> Table:
        """Make the table of a record."""
        return Table(self.columns, tuple(self.tabulate(record)))

    def script(self, title: str, call: str) -> str:
        """Write the program as one that runs on its own.

        Parameters
        ----------
        title
            What it shows, in a line.
        call
            The call that makes the whole lesson, for the first lines.
        """
        sources = [inspect.getsource(function).strip() for function in (*self.uses, self.run, self.tabulate)]
        return _SCRIPT.format(
            imports=_imports("\n".join(sources)),
            title=title,
            columns=textwrap.fill(", ".join(self.columns), 110),
            call=call,
            sources="\n\n\n".join(sources),
            run=self.run.__name__,
            tabulate=self.tabulate.__name__,
            arguments="\n".join(f"        {name}={_literal(value)}," for name, value in self.arguments.items()),
        )


def _interrupted(record: Any) -> bool:
    """Tell whether one of the descents in a record was interrupted."""
    if isinstance(record, dict):
        record = tuple(record.values())
    if isinstance(record, (list, tuple)):
        return any(map(_interrupted, record))
    return bool(getattr(record, "stop_reason", None) == "interrupted")


def _literal(value: Any) -> str:
    """Write a value as Python does, with the quotes that formatters prefer, and each of several texts on a line.

    >>> print(_literal('x**2'), _literal((1.0, 2.0)), _literal(("x", "y")))
    "x**2" (1.0, 2.0) (
                "x",
                "y",
            )
    """
    if isinstance(value, tuple) and value and all(isinstance(part, str) for part in value):
        return "(\n" + "".join(f"            {_literal(part)},\n" for part in value) + "        )"
    text = repr(value)
    return f'"{text[1:-1]}"' if text[0] == "'" and '"' not in text else text


def _imports(code: str) -> str:
    """Import what the code uses, in the usual order."""
    standard = [line for name, line in _STANDARD.items() if re.search(rf"\b{name}\b", code)]
    others = [["import numpy as np"] if "np." in code else [], ["import tinygrad_edu as tg"]]
    return "\n\n".join("\n".join(group) for group in (standard, *others) if group)
