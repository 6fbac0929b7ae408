"""What a lesson draws in a terminal, where there are only characters: lines, and a few letters on them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinygrad_edu.visualize.terminal import terminal_plot

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from numpy.typing import NDArray

    from tinygrad_edu.traces import Trace

__all__ = ["Line", "Sketch", "sketch_losses"]

Line: TypeAlias = tuple[Any, Any]
"""The points that a line goes through: x and y, of shape (n,) each."""


@dataclass(frozen=True)
class Sketch:
    """Lines by name, letters that stand on them, and what the axes are called.

    Parameters
    ----------
    lines
        By name, x and y.
    x_label, y_label
        What the axes are called.
    marks
        Letters: x, y and the letter.
    log
        Whether y is drawn as its logarithm; what is exactly 0 stands on the bottom row, as the last line then says.
    note
        What the letters mean.
    """

    lines: Mapping[str, Line]
    x_label: str
    y_label: str
    marks: tuple[tuple[float, float, str], ...] = field(default=())
    log: bool = False
    note: str = ""

    def text(self, stream: TextIO | None = None, **options: Any) -> str:
        """Draw it, as wide as the terminal.

        Parameters
        ----------
        stream
            Where the text will be written; None for standard output.
        options
            What `tinygrad_edu.visualize.terminal.terminal_plot` takes besides.

        Examples
        --------
        >>> sketch = Sketch({"y": ([0, 1, 2], [4, 1, 0])}, "x", "y", marks=((2, 0, "e"),), note="e the end")
        >>> print(sketch.text(width=24, height=4, unicode=False))
         y
        4 |***
          |   ****
          |       *******
        0 |              ******e
          +---------------------
           0         x         2
        e the end
        """
        heights = np.concatenate([np.ravel(y) for _, y in self.lines.values()])
        heights = heights[np.isfinite(heights)]
        if not heights.size:
            return f"{self.y_label} is nowhere finite: there is nothing to draw."
        log = self.log and bool((heights > 0).any())
        low, _ = options.setdefault("y_range", self._range(heights, log=log))
        lines, note = self.lines, self.note
        if log and (heights == 0).any():  # a line that lands there is to be seen
            lines = {name: (x, np.where(np.asarray(y) == 0, low, y)) for name, (x, y) in lines.items()}
            note = f"{note}{'; ' if note else ''}where the {self.y_label} is 0, the line is on the bottom row"
        drawn = terminal_plot(
            lines,
            marks=self.marks,
            x_label=self.x_label,
            y_label=self.y_label,
            log=log,
            stream=stream,
            **options,
        )
        return f"{drawn}\n{note}" if note else drawn

    def _range(self, heights: NDArray[Any], *, log: bool) -> tuple[float, float]:
        """Find the lowest and the highest y, the letters included."""
        ys = np.concatenate([heights, [y for _, y, _ in self.marks]])
        ys = ys[np.isfinite(ys) & (ys > (0 if log else -np.inf))]
        return float(ys.min()), float(ys.max())


def sketch_losses(traces: Mapping[str, Trace], *, log: bool = True, x_label: str = "step") -> Sketch:
    """Sketch the loss of some descents against their steps."""
    return Sketch({name: (trace.ks, trace.losses) for name, trace in traces.items()}, x_label, "loss", log=log)
