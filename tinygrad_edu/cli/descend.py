"""The command ``descend``: follow the slope of a formula downhill, and print every step.

Plain columns of text, so that it reads the same in a terminal, a file and a pipe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.cli.text import say
from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn import StopReason, Trace, formula, minimize

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes."""
    parser.add_argument(
        "formula",
        help='what to minimise, such as "x**2 + sin(3*x)"; in brackets if it begins with a minus: "(-x)"',
    )
    parser.add_argument(
        "--start",
        required=True,
        metavar="X",
        help="where to begin: a number, or one for each variable in alphabetical order, such as 1,2 "
        "(after an equals sign if the first is negative: --start=-1,2)",
    )
    parser.add_argument(
        "--lr",
        type=float,
        default=0.1,
        metavar="RATE",
        help="the learning rate: each step goes this many times the slope (default: %(default)s)",
    )
    parser.add_argument(
        "--max-steps",
        type=int,
        default=100,
        metavar="N",
        help="how many steps at most (default: %(default)s)",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=1e-3,
        metavar="SLOPE",
        help="stop where the slope is smaller; 0 for never (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command, and give its exit status: 130 if it was interrupted, else 0.

    A descent that diverges is an answer and not an error.

    Raises
    ------
    TinygradEduError
        If the formula, the start or an option is not usable.

    Examples
    --------
    >>> import argparse
    >>> parser = argparse.ArgumentParser()
    >>> add_arguments(parser)
    >>> run(parser.parse_args(["x**2", "--start", "-6", "--lr", "0.5"]))
    k   x   y  dy/dx
    0  -6  36    -12
    1   0   0      0
    <BLANKLINE>
    Stopped at step 1, where the ground is level: the slope is 0 at x = 0, within the tolerance of 0.001.
    0
    """
    f = formula(arguments.formula)
    trace = minimize(
        f,
        _read_start(arguments.start),
        lr=arguments.lr,
        max_steps=arguments.max_steps,
        tolerance=arguments.tolerance,
    )
    for line in _table(f.variables, trace):
        print(line)
    say(f"\n{trace.message}")
    return 130 if trace.stop_reason is StopReason.INTERRUPTED else 0


def _read_start(text: str) -> float | list[float]:
    """Read one number, or several between commas.

    >>> _read_start("-6"), _read_start("1, -2")
    (-6.0, [1.0, -2.0])
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        raise OptionError(f"--start must be a number such as -6, or several such as 1,2, but is {text!r}.") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _table(variables: tuple[str, ...], trace: Trace) -> Iterator[str]:
    """Lay the steps out in columns, each as wide as its widest entry, with the numbers to the right."""
    result = next(name for name in ("y", "z", "f", "loss") if name not in variables)
    header = ["k", *variables, result, *(f"d{result}/d{name}" for name in variables)]
    rows = [
        [str(step.k), *(_number(n) for n in (*np.ravel(step.x), step.loss, *np.ravel(step.gradient)))] for step in trace
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        yield "  ".join(entry.rjust(width) for entry, width in zip(row, widths, strict=True))


def _number(value: float) -> str:
    return f"{value + 0.0:.6g}"  # + 0.0: -0 reads as a mistake
