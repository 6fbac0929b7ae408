"""A canvas of characters: lines as dots of braille, or as signs, and letters on top.

Where lines lie on one another their signs (or colours) take turns, so that none is hidden by the next.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Canvas"]

_BRAILLE = 0x2800
_DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]])  # of the Unicode block, row by row
_FAR = 1e6  # canvases; from farther away the two ends of a line could not be told apart any more
_STOP = "\x1b[0m"
_Cell: TypeAlias = tuple[int, int]
"""The row, from the top, and the column of a character."""


class Canvas:
    """Draws in a rectangle of characters, each of 2 × 4 dots where there is braille.

    Parameters
    ----------
    width, height
        In characters.
    x_range, y_range
        What the first and the last column, and the lowest and the highest row, stand for.
    dots
        Whether lines are dots of braille; else they are signs.

    Examples
    --------
    >>> canvas = Canvas(5, 2, (0.0, 1.0), (0.0, 1.0), dots=True)
    >>> canvas.line(np.array([0.0, 1.0]), np.array([0.0, 1.0]), "*")
    >>> canvas.mark(1.0, 0.0, "x")
    >>> canvas.rows(color=False)
    ['  ⢀⠤⠊', '⡠⠒⠁ x']
    """

    def __init__(
        self, width: int, height: int, x_range: tuple[float, float], y_range: tuple[float, float], *, dots: bool
    ) -> None:
        self.width, self.height, self.dots = width, height, dots
        self._low = np.array([x_range[0], y_range[0]])
        self._size = np.array([x_range[1], y_range[1]]) - self._low
        self._across, self._up = (2, 4) if dots else (1, 1)  # dots in a character
        self._braille = np.zeros((height, width), int)
        self._lines: dict[_Cell, dict[str, str]] = {}  # the signs of the lines that pass, each with its colour
        self._marks: dict[_Cell, tuple[str, str]] = {}  # a letter and its colour

    def line(self, xs: NDArray[np.float64], ys: NDArray[np.float64], sign: str, color: str = "") -> None:
        """Draw a line from point to point; a point that is not finite is a gap."""
        places = (np.stack([xs, ys], axis=-1) - self._low) / self._size
        grid = np.clip(places, -_FAR, _FAR) * (np.array([self.width * self._across, self.height * self._up]) - 1)
        for start, end in pairwise(grid):
            if np.isfinite([start, end]).all():
                self._segment(start, end, sign, color)
        if len(grid) == 1 and np.isfinite(grid).all():
            self._segment(grid[0], grid[0], sign, color)

    def _segment(self, start: NDArray[np.float64], end: NDArray[np.float64], sign: str, color: str) -> None:
        clipped = _clip(start, end, np.array([self.width * self._across, self.height * self._up]) - 1.0)
        if clipped is None:
            return
        start, end = clipped
        n = int(np.ceil(np.abs(end - start).max())) + 1
        for across, up in np.rint(np.linspace(start, end, n)).astype(int):
            column, from_top = across // self._across, self.height * self._up - 1 - up
            row = from_top // self._up
            if self.dots:
                self._braille[row, column] |= _DOTS[from_top % 4, across % 2]
            self._lines.setdefault((int(row), int(column)), {})[sign] = color

    def mark(self, x: float, y: float, letter: str, color: str = "") -> None:
        """Put a letter on top, if its place is on the canvas."""
        place = (np.array([x, y]) - self._low) / self._size
        if not ((place >= 0) & (place <= 1)).all():
            return
        column, up = np.rint(place * (np.array([self.width, self.height]) - 1)).astype(int)
        self._marks[self.height - 1 - int(up), int(column)] = letter, color

    def rows(self, *, color: bool) -> list[str]:
        """Give the lines of text, from the top, without the blanks at their ends."""
        painted = self._painted()
        return [self._row(painted, row, color=color).rstrip() for row in range(self.height)]

    def _painted(self) -> dict[_Cell, tuple[str, str]]:
        """Give each cell its character and colour; cells that the same lines share go to each of them in turn."""
        cells = Counter(sign for lines in self._lines.values() for sign in lines)
        turns: Counter[tuple[str, ...]] = Counter()
        painted = {}
        for cell in sorted(self._lines, key=lambda cell: (cell[1], cell[0])):
            lines = self._lines[cell]
            signs = tuple(sorted(lines, key=lambda sign: cells[sign]))  # the shortest line has the first turn
            sign = signs[turns[signs] % len(signs)]
            turns[signs] += 1
            painted[cell] = chr(_BRAILLE + self._braille[cell]) if self.dots else sign, lines[sign]
        return painted | self._marks

    def _row(self, painted: dict[_Cell, tuple[str, str]], row: int, *, color: bool) -> str:
        cells = [painted.get((row, column), (" ", "")) for column in range(self.width)]
        if not color:
            return "".join(letter for letter, _ in cells)
        text = ""
        for paint, group in groupby(cells, key=lambda cell: cell[1]):
            letters = "".join(letter for letter, _ in group)
            text += f"\x1b[{paint}m{letters}{_STOP}" if paint else letters
        return text


def _clip(
    start: NDArray[np.float64], end: NDArray[np.float64], size: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Cut a line off at the edges of the canvas (Liang and Barsky, 1984); None where it passes by."""
    way = end - start
    first, last = 0.0, 1.0
    for i in range(2):
        if way[i] == 0:
            if not 0 <= start[i] <= size[i]:
                return None
            continue
        enters, leaves = sorted(((0 - start[i]) / way[i], (size[i] - start[i]) / way[i]))
        first, last = max(first, enters), min(last, leaves)
    return (start + first * way, start + last * way) if first <= last else None
