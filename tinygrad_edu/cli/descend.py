"""The command ``descend``: follow the slope of a formula downhill, and print every step, or the program.

Plain columns of text, so that it reads the same in a terminal, a file and a pipe; a terminal gets a drawing besides.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.cli.drawing import add_drawing_arguments, check_drawing, draw_characters, draw_file
from tinygrad_edu.cli.text import say
from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn import FormulaExperiment, OptimizerRecipe, StopReason, Trace, formula

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
        metavar="RATE",
        help="the learning rate: each step goes this many times the slope (default: 0.1, or the optimizer's own)",
    )
    parser.add_argument(
        "--optimizer",
        metavar="NAME[,OPTION=VALUE]",
        help="what makes the steps, such as SGD,momentum=0.9 or Adam (default: plain gradient descent)",
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
    parser.add_argument(
        "--keep",
        type=int,
        default=10_000,
        metavar="N",
        help="how many points to keep and show at most; of more, the extremes (default: %(default)s)",
    )
    parser.add_argument("--save-trace", type=Path, metavar="FILE", help="write every step to a file, as JSON")
    add_drawing_arguments(parser)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--script", action="store_true", help="make no descent: print the Python program that makes the same"
    )
    instead.add_argument("--json", action="store_true", help="make no descent: print what describes it, as JSON")


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
    experiment = _experiment(arguments)
    if arguments.script or arguments.json:
        print(experiment.script() if arguments.script else experiment.to_json(), end="" if arguments.script else "\n")
        return 0
    check_drawing(arguments)
    trace = experiment.run()
    for line in _table(formula(experiment.formula).variables, trace):
        print(line)
    if trace.thinned:
        say(f"\nShown are {len(trace):,} of {trace.n_steps + 1:,} points: the ends, and the extremes between them.")
    draw_characters(trace, arguments)
    say(f"\n{trace.message}")
    if arguments.save_trace:
        say(f"Trace: {trace.save(arguments.save_trace)}")
    draw_file(trace, arguments)
    return 130 if trace.stop_reason is StopReason.INTERRUPTED else 0


def _experiment(arguments: argparse.Namespace) -> FormulaExperiment:
    """Describe the descent that is asked for."""
    rate = {} if arguments.lr is None else {"lr": arguments.lr}
    return FormulaExperiment(
        arguments.formula,
        _read_start(arguments.start),
        OptimizerRecipe.from_words(arguments.optimizer or "BatchGradientDescent", **rate),
        max_steps=arguments.max_steps,
        tolerance=arguments.tolerance,
        keep=arguments.keep,
    )


def _read_start(text: str) -> float | tuple[float, ...]:
    """Read one number, or several between commas.

    >>> _read_start("-6"), _read_start("1, -2")
    (-6.0, (1.0, -2.0))
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise OptionError(f"--start must be a number such as -6, or several such as 1,2, but is {text!r}.") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _table(variables: tuple[str, ...], trace: Trace) -> Iterator[str]:
    """Lay the steps out in columns, each as wide as its widest entry, with the numbers to the right."""
    result = next(name for name in ("y", "z", "f", "loss") if name not in variables)
    header = ["k", *variables, result, *(f"d{result}/d{name}" for name in variables)]
    rows = [
        [str(step.k), *map(_number, np.hstack([step.point, step.loss, np.asarray(step.gradient, np.float64)]))]
        for step in trace
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        yield "  ".join(entry.rjust(width) for entry, width in zip(row, widths, strict=True))


def _number(value: float) -> str:
    return f"{value + 0.0:.6g}"  # + 0.0: -0 reads as a mistake
