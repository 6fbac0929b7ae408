"""A table of results: columns with names, and rows of plain numbers and words."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TypeAlias

from tinygrad_edu.errors import OptionError, suggest

__all__ = ["Cell", "Table", "shown"]

Cell: TypeAlias = str | int | float | bool
Row: TypeAlias = tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """Rows of numbers and words under the names of their columns.

    Parameters
    ----------
    columns
        The names.
    rows
        As many entries each as there are columns: Python's own numbers and texts.

    Examples
    --------
    >>> table = Table(("x", "y"), ((-6.0, 36.0), (0.5, 0.25)))
    >>> print(table)
       x     y
      -6    36
     0.5  0.25
    >>> table["y"]
    (36.0, 0.25)
    >>> print(table.exact())
    -6.0	36.0
    0.5	0.25
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def __getitem__(self, column: str) -> tuple[Cell, ...]:
        if column not in self.columns:
            raise OptionError(f"There is no column {column!r}. {suggest(column, self.columns)}")
        place = self.columns.index(column)
        return tuple(row[place] for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def exact(self) -> str:
        """Write every row on a line, with tabs between and all digits of every number."""
        return "\n".join("\t".join(map(str, row)) for row in self.rows)

    def lines(self, most: int = 40) -> list[str]:
        """Lay the table out in columns; of more rows than `most`, the middle ones are left out."""
        cells = [[shown(cell) for cell in row] for row in self.rows]
        if len(cells) > most:
            half = most // 2
            gap = ["..." if place == 0 else "" for place in range(len(self.columns))]
            cells = [*cells[:half], gap, *cells[-half:]]
        words = [any(isinstance(row[i], str) for row in self.rows) for i in range(len(self.columns))]
        widths = [max(map(len, column)) for column in zip(self.columns, *cells, strict=True)]
        lines = []
        for row in (list(self.columns), *cells):
            aligned = (
                cell.ljust(width) if word else cell.rjust(width)
                for cell, width, word in zip(row, widths, words, strict=True)
            )
            lines.append(("  ".join(aligned)).rstrip())
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(shown(cell))}</td>" for cell in row) + "</tr>" for row in self.rows
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def shown(cell: Cell) -> str:
    """Write an entry for the eye: six digits, no minus before a zero, thousands in groups.

    >>> shown(-0.0), shown(1234567), shown(0.1 + 0.2), shown(True), shown(float("nan"))
    ('0', '1,234,567', '0.3', 'yes', '—')
    """
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return "—" if math.isnan(cell) else f"{cell + 0.0:.6g}"
    return cell
