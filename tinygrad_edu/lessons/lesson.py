"""What a lesson gives: words with computed numbers, a table, traces, a figure, and the program behind them."""

from __future__ import annotations

import base64
import html
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import MissingDependencyError
from tinygrad_edu.visualize.figures import unseen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

    from tinygrad_edu.lessons.program import Program
    from tinygrad_edu.lessons.sketch import Sketch
    from tinygrad_edu.lessons.table import Cell, Table
    from tinygrad_edu.traces import Trace

__all__ = ["Lesson"]


@dataclass(frozen=True, eq=False)
class Lesson:
    """A lesson that has been computed.

    Attributes
    ----------
    name
        What it is called by: ``tg.lessons.NAME()``, ``tinygrad-edu lesson NAME``.
    title
        What it shows, in a line.
    parts
        The parts of the lectures that it belongs to, such as ``("A1", "A2")``.
    text
        What to see, in sentences with the numbers of this run.
    table
        The numbers; the script prints the same.
    traces
        The descents that were made, by name.
    options
        What the lesson was called with, the defaults included.
    record
        All that was computed, for whoever wants more than the table.
    sketch
        What is drawn in a terminal; None for what cannot be drawn with characters.
    measured
        Times on this machine, which are others in each run, and so are not in the table; None if there are none.
    details
        What there is to read line by line, as text by ``str``; None if there is nothing.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> lesson = tg.lessons.slope(at=(-6.0, 2.0))
    >>> lesson.numbers["dy/dx"]
    (-12.0, 4.0)
    >>> print(lesson.table)
     x   y  dy/dx  downhill is to the
    -6  36    -12  right
     2   4      4  left
    """

    name: str
    title: str
    parts: tuple[str, ...]
    text: str
    table: Table
    traces: Mapping[str, Trace]
    options: Mapping[str, Any]
    record: Any = field(repr=False)
    program: Program = field(repr=False)
    draw: Callable[[Lesson], Figure] = field(repr=False)
    sketch: Sketch | None = field(repr=False)
    measured: Table | None = None
    details: object = None

    @property
    def numbers(self) -> dict[str, tuple[Cell, ...]]:
        """The columns of the table, by name."""
        return {name: self.table[name] for name in self.table.columns}

    @property
    def call(self) -> str:
        """The call that gives this lesson, with every option written out."""
        return f"tg.lessons.{self.name}({', '.join(f'{name}={value!r}' for name, value in self.options.items())})"

    def figure(self) -> Figure:
        """Draw the lesson.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        return self.draw(self)

    def script(self) -> str:
        """Write the Python program that prints the lines of the table, with the same numbers to the last digit."""
        return self.program.script(self.title, self.call)

    def __str__(self) -> str:
        pieces = [self.title, self.text, *([] if self.details is None else [str(self.details)]), str(self.table)]
        if self.measured is not None:
            pieces += ["Measured on this machine:", str(self.measured)]
        return "\n\n".join(pieces)

    def _repr_html_(self) -> str:
        words = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.text.split("\n"))
        times = f"<p>Measured on this machine:</p>{self.measured._repr_html_()}" if self.measured is not None else ""
        table = self.table._repr_html_()
        show = getattr(self.details, "_repr_html_", None)
        details = f"<details><summary>Line by line</summary>{show()}</details>" if show else ""
        return f"<div><h3>{html.escape(self.title)}</h3>{words}{self._picture()}{details}{table}{times}</div>"

    def _picture(self) -> str:
        """Put the figure into the page itself; without matplotlib a line says what would bring it."""
        content = io.BytesIO()
        try:
            with unseen():
                self.figure().savefig(content, format="png", dpi=100)
        except MissingDependencyError as error:
            return f"<p>{html.escape(str(error))}</p>"
        data = base64.b64encode(content.getvalue()).decode()
        return f'<img alt="{html.escape(self.title)}" src="data:image/png;base64,{data}">'
