"""Plots made of characters: a curve with the path of a descent, and losses, for a terminal or a file of text.

Each character of braille holds 2 × 4 dots. Where the encoding has no braille, lines are made of signs. Colours are
written only to a terminal, and never where NO_COLOR is set.
"""

from __future__ import annotations

import math
import os
import shutil
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.learn.behaviour import behaviour
from tinygrad_edu.learn.grids import curve, view
from tinygrad_edu.visualize.characters import Canvas
from tinygrad_edu.visualize.sparks import can_write, sparkline

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.learn.grids import Function
    from tinygrad_edu.traces import Trace

__all__ = ["Mark", "sparkline", "terminal_losses", "terminal_plot", "terminal_trace"]

Mark: TypeAlias = tuple[float, float, str]
"""A letter at a place: x, y and the letter."""
_Points: TypeAlias = "tuple[NDArray[np.float64], NDArray[np.float64]]"

_SIGNS = "*+o#@%"  # one for each line, where dots would look alike
_COLORS = ("36", "33", "32", "35", "34", "31")
_MARKED = "1;33"
_LETTERS = "⣿┤│└─"  # what a drawing needs of an encoding
_WIDEST, _LEAST_WIDE, _LEAST_HIGH = 100, 20, 4
_NUMBERED = 5  # steps that stand on a curve by their numbers
_WIDE = 30.0  # from the lowest loss to the highest: beyond, the axis is logarithmic


def terminal_plot(
    lines: Mapping[str, tuple[ArrayLike, ArrayLike]],
    *,
    marks: Sequence[Mark] = (),
    width: int | None = None,
    height: int = 14,
    x_label: str = "",
    y_label: str = "",
    y_range: tuple[float, float] | None = None,
    log: bool = False,
    unicode: bool | None = None,
    color: bool | None = None,
    stream: TextIO | None = None,
) -> str:
    """Draw lines as text.

    Parameters
    ----------
    lines
        By name, the points that a line goes through: x and y, of shape (n,) each. What is not finite is a gap.
    marks
        Letters that stand on top of the lines.
    width, height
        Of the whole in characters, 20 or more, and of the drawing in lines, 4 or more; None for the terminal's width,
        up to 100.
    x_label, y_label
        What the axes are called.
    y_range
        The lowest and the highest y; None for those of the lines.
    log
        Whether y is drawn as its logarithm; what is not positive is then a gap.
    unicode, color
        Whether there may be braille and colours; None for what the stream takes.
    stream
        Where the text will be written; None for standard output.

    Returns
    -------
    The text, without a line's end after the last line.

    Raises
    ------
    OptionError
        If there is nothing to draw, or no room for it.
    ShapeError
        If a line has not as many x as y.

    Examples
    --------
    >>> x = np.linspace(-6, 6, 49)
    >>> print(terminal_plot({"y": (x, x**2)}, width=26, height=4, unicode=False, color=False))
    36 |**                  **
       | ***              ***
       |    ***        ****
     0 |       ********
       +----------------------
        -6                   6
    """
    stream = stream or sys.stdout
    unicode = can_write(_LETTERS, stream) if unicode is None else unicode
    color = _colored(stream) if color is None else color
    named = {name: _points(name, *points, log=log) for name, points in lines.items()}
    x_range, y_range = _ranges(named, y_range, log=log)
    labels = [f"{10.0**y:.3g}" for y in y_range] if log else _numbers(*y_range)
    margin = max(map(len, labels)) + 1
    dots = unicode and (color or len(named) == 1)
    canvas = Canvas(*_room(width, height, margin), x_range, y_range, dots=dots)
    for i, (xs, ys) in enumerate(named.values()):
        canvas.line(xs, ys, _SIGNS[i % len(_SIGNS)], _COLORS[i % len(_COLORS)] if len(named) > 1 else "")
    for x, y, letter in marks:
        canvas.mark(x, _log10(y) if log else y, letter, _MARKED)
    axis, side, corner, floor = "┤│└─" if unicode else "||+-"
    heights = [labels[1], *[""] * (canvas.height - 2), labels[0]]
    drawn = zip(heights, canvas.rows(color=color), strict=True)
    text = [f"{'':{margin}}{y_label}"] if y_label else []
    text += [f"{said:>{margin - 1}} {axis if said else side}{row}" for said, row in drawn]
    text += [
        f"{'':{margin}}{corner}{floor * canvas.width}",
        f"{'':{margin + 1}}{_below(x_range, x_label, canvas.width)}",
    ]
    if len(named) > 1:
        text.append(f"{'':{margin + 1}}{_legend(list(named), color=color, dots=dots)}")
    return "\n".join(line.rstrip() for line in text)


def terminal_trace(trace: Trace, f: Function | None = None, *, stream: TextIO | None = None, **options: Any) -> str:
    """Draw a descent as text, and say below what there is to see.

    One variable goes down its curve, where the first steps stand by their numbers and the last as *; of more variables
    the losses are drawn.

    Parameters
    ----------
    trace
        The descent.
    f
        What it went down on; None for the formula that the trace holds, if it holds one.
    stream
        Where the text will be written; None for standard output.
    options
        What else `terminal_plot` takes, such as ``width=60``.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> trace = minimize("x**2", start=-6.0, lr=0.9)
    >>> print(terminal_trace(trace, width=40, height=7, unicode=False, color=False).split(chr(10))[-1])
    Zig-zags: 43 of 43 steps jump across the valley, each a little lower.
    """
    known = f if f is not None else trace.formula or None
    if known is None or np.ndim(trace.x):
        return terminal_losses(trace, stream=stream, **options)
    [(low, high)] = view([trace], known)
    record = curve(known, low, high)
    unicode = options.get("unicode")
    point = "•" if (can_write("•", stream or sys.stdout) if unicode is None else unicode) else "o"
    marks: list[Mark] = [(float(step.point), step.loss, point) for step in trace.steps[_NUMBERED:-1]]
    marks += [(float(step.point), step.loss, str(step.k)) for step in trace.steps[_NUMBERED - 1 :: -1] if step.k < 10]
    marks.append((float(trace.x), trace.loss, "*"))
    drawn = terminal_plot(
        {record.text: (record.xs, np.where(np.isin(np.arange(len(record.xs)), record.poles), np.nan, record.ys))},
        marks=marks,
        x_label=record.variable,
        y_label=f"{'y' if record.variable != 'y' else 'z'} = {record.text}",
        y_range=record.heights,
        stream=stream,
        **options,
    )
    return f"{drawn}\n{behaviour(trace).sentence}"


def terminal_losses(traces: Trace | Mapping[str, Trace], *, stream: TextIO | None = None, **options: Any) -> str:
    """Draw the losses of one or more descents against their steps as text.

    The axis is logarithmic where the losses are positive and far apart; a loss of exactly 0 is then a gap.

    Parameters
    ----------
    traces
        A descent, or several by name.
    stream
        Where the text will be written; None for standard output.
    options
        What else `terminal_plot` takes, such as ``width=60``.

    Raises
    ------
    OptionError
        If there is no trace, or no room.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> trace = minimize("x**2 + y**2", start=[3, 4], lr=0.1)
    >>> print(terminal_losses(trace, width=40, height=4, unicode=False, color=False))
             loss (logarithmic)
          25 |*****
             |     **********
             |               **********
    1.81e-07 |                         *****
             +------------------------------
              0           steps           42
    Walks down in 42 steps, each shorter than the one before.
    """
    named = traces if isinstance(traces, Mapping) else {"loss": traces}
    if not named:
        raise OptionError("There is no trace to draw. Give one, or a dictionary of them by name.")
    losses = np.concatenate([trace.losses for trace in named.values()])
    known = losses[np.isfinite(losses)]
    positive = known[known > 0]
    log = bool(positive.size and known.min() >= 0 and positive.max() > _WIDE * positive.min())
    drawn = terminal_plot(
        {name: (trace.ks, trace.losses) for name, trace in named.items()},
        x_label="steps",
        y_label="loss (logarithmic)" if log else "loss",
        log=log,
        stream=stream,
        **options,
    )
    said = [behaviour(trace).sentence for trace in named.values()]
    names = [f"{name}: " if len(named) > 1 else "" for name in named]
    return "\n".join([drawn, *(f"{name}{sentence}" for name, sentence in zip(names, said, strict=True))])


# ------------------------------------------------------------------------------------------- what is given
def _points(name: str, xs: ArrayLike, ys: ArrayLike, *, log: bool) -> _Points:
    try:
        across, up = (np.asarray(values, np.float64).reshape(-1) for values in (xs, ys))
    except (TypeError, ValueError) as error:
        raise DtypeError(f"The line {name!r} is not made of real numbers.") from error
    if len(across) != len(up):
        raise ShapeError(f"The line {name!r} has {len(across)} x, but {len(up)} y. Give one y for each x.")
    return across, _log10(up) if log else up


def _log10(values: Any) -> Any:
    with np.errstate(all="ignore"):
        return np.where(np.asarray(values) > 0, np.log10(values), np.nan)


def _ranges(
    named: Mapping[str, _Points], y_range: tuple[float, float] | None, *, log: bool
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Find the lowest and the highest x and y, which differ."""
    points = np.concatenate([np.stack(line) for line in named.values()], axis=1) if named else np.empty((2, 0))
    points = points[:, np.isfinite(points).all(axis=0)]
    if not points.size:
        raise OptionError("There is nothing to draw: no point is finite" + (" and positive." if log else "."))
    low, high = points.min(axis=1), points.max(axis=1)
    if y_range is not None:
        low[1], high[1] = _log10(y_range) if log else y_range
    if not (np.isfinite([low, high]).all() and (low <= high).all()):
        raise OptionError(f"y_range must go from a lower to a higher number, but is {y_range!r}.")
    flat = high - low <= 1e-12 * np.maximum(np.abs(low), 1e-300)
    room = np.where(flat, np.maximum(np.abs(low), 1.0) / 2, 0.0)
    (left, bottom), (right, top) = (low - room).tolist(), (high + room).tolist()
    return (left, right), (bottom, top)


def _room(width: int | None, height: int, margin: int) -> tuple[int, int]:
    """Give the columns and rows of the drawing itself."""
    if width is None:
        width = max(min(shutil.get_terminal_size().columns, _WIDEST), _LEAST_WIDE)
    for name, value, least in (("width", width, _LEAST_WIDE), ("height", height, _LEAST_HIGH)):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise OptionError(f"{name} must be a whole number from {least} upwards, but is {value!r}.")
    return max(int(width) - margin - 1, 5), int(height)


def _colored(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal with colours that nobody has forbidden: https://no-color.org."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


# -------------------------------------------------------------------------------------------- the words
def _numbers(low: float, high: float) -> list[str]:
    """Write the ends of an axis, with as many decimals as its length deserves.

    >>> _numbers(1.7e-07, 56.25), _numbers(0.001, 0.002)
    (['0', '56.2'], ['0.001', '0.002'])
    """
    decimals = 2 - math.floor(math.log10(high - low))
    return [f"{round(value, decimals) + 0.0:.3g}" for value in (low, high)]


def _below(x_range: tuple[float, float], label: str, width: int) -> str:
    """Write the ends of the axis below it, and its name between them."""
    left, right = _numbers(*x_range)
    return f"{left}{label:^{max(width - len(left) - len(right), len(label) + 2)}}{right}"


def _legend(names: list[str], *, color: bool, dots: bool) -> str:
    parts = []
    for i, name in enumerate(names):
        sign = "──" if dots else _SIGNS[i % len(_SIGNS)]
        parts.append((f"\x1b[{_COLORS[i % len(_COLORS)]}m{sign}\x1b[0m" if color else sign) + f" {name}")
    return "   ".join(parts)
