"""The command ``lesson``: a lesson in words, a table, a drawing of characters, and a figure in a file.

Its options are those of the lesson's function in ``tinygrad_edu.lessons``, with the same names.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_edu import lessons
from tinygrad_edu.cli import arguments as shared
from tinygrad_edu.cli.drawing import STILL
from tinygrad_edu.cli.text import say, sentences
from tinygrad_edu.errors import MissingDependencyError, OptionError, optional_import, suggest
from tinygrad_edu.visualize import save_figure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.lessons import Lesson

__all__ = ["OPTIONS", "add_arguments", "run"]

OPTIONS = {
    "activation": "of the hidden units: tanh, sigmoid or relu",
    "actual": "the number of the actual class, from 0",
    "at": "where to touch the curve: a number, or several such as -4,0,2",
    "batch_lr": "the learning rate of batch gradient descent",
    "batch_size": "examples in a mini-batch",
    "batch_sizes": "examples per update to compare, such as 1,2,4",
    "budget": "how many points to try at most",
    "data": "a data set's name, or for zigzag a file",
    "directions": "in how many directions the slope is taken",
    "draws": "how many batches are drawn to measure the noise",
    "epochs": "passes over the data",
    "examples": "how many examples the data have",
    "few_steps": "the number of steps that is too small",
    "formula": 'the curve, such as "x**2 + sin(3*x)"',
    "formulas": 'what is searched, with semicolons between: "x**2; x**2 + y**2"',
    "good": "the loss at which the network has learned",
    "hidden": "units of the hidden layer",
    "high": "the right end of what is looked at",
    "landscape": "a formula of two variables",
    "large_lr": "the learning rate that is too large",
    "low": "the left end of what is looked at",
    "lr": "the learning rate",
    "max_steps": "how many steps at most",
    "mini_batch_lr": "the learning rate of mini-batch gradient descent",
    "near": "the fraction of the way down that may be left",
    "network_lr": "the learning rate of the network",
    "noise": "the standard deviation of the noise in the data",
    "nudge": "by how much each weight is moved to measure its slope",
    "operations_per_second": "of the computer that tries all combinations",
    "other_start": "the start that leads elsewhere, such as 0.5,3.2",
    "point": "where the plane touches, such as -2,1.5",
    "predictions": "what was predicted, such as 2.5,0",
    "rates": "the learning rates to compare, such as 0.1,0.5",
    "scores": "what the model says of each class, such as 2,1,-1",
    "seconds": "how long to search at most",
    "seed": "of everything that is drawn at random",
    "seeds": "how often each descent is repeated",
    "start": "where to begin: a number, or one for each variable such as 1,2",
    "starts": "from how many places to start",
    "steps": "how many steps",
    "stochastic_lr": "the learning rate of stochastic gradient descent",
    "targets": "what should have been predicted, such as 3,-1",
    "tolerance": "the slope that counts as level",
    "tolerances": "slopes that count as level, such as 0.1,0.01",
    "values": "how many values to try for each weight",
    "widths": "how far apart the points of each secant are, such as 1,0.1",
    "x": "the example, such as 1,-0.5",
    "y": "what the network should answer",
}
"""The options of all lessons, each with a line of help."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what this command takes."""
    parser.usage = "%(prog)s [-h] [NAME] [--list | --script] [--figure FILE | --no-figure] [the lesson's options]"
    parser.add_argument("name", nargs="?", metavar="NAME", help="the lesson; none lists them all")
    parser.add_argument("--list", action="store_true", help="list the lessons, or the options of the one that is named")
    output = parser.add_argument_group("output")
    figure = output.add_mutually_exclusive_group()
    figure.add_argument("--figure", type=Path, metavar="FILE", help="where the figure goes (default: NAME.png)")
    figure.add_argument("--no-figure", action="store_true", help="draw no figure")
    output.add_argument("--script", action="store_true", help="print the Python program that prints the same numbers")
    group = parser.add_argument_group(
        "options of the lessons", "Each lesson has some of these; those of one: tinygrad-edu lesson NAME --list"
    )
    for name, words in OPTIONS.items():
        group.add_argument(_flag(name), action=_Once, metavar="VALUE", dest=f"lesson_{name}", help=words)


class _Once(argparse.Action):
    """An option that is given once; argparse itself would silently take the last."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, flag: str | None = None
    ) -> None:
        before = getattr(namespace, self.dest)
        if before is not None:
            raise OptionError(
                f"{flag} is given twice, as {before!r} and as {values!r}. Give it once; where a lesson takes several "
                f'values they stand together, as in "{flag}={before},{values}".'
            )
        setattr(namespace, self.dest, values)


def run(arguments: argparse.Namespace) -> int:
    """Run the command, and give its exit status.

    Raises
    ------
    TinygradEduError
        If there is no such lesson, or an option is not usable.
    """
    if arguments.name is None:
        _refuse_leftovers(arguments)
        _list_lessons()
        return 0
    if arguments.name not in lessons.LESSONS:
        raise OptionError(f"There is no lesson {arguments.name!r}. {suggest(arguments.name, lessons.LESSONS)}")
    function: Callable[..., Lesson] = getattr(lessons, arguments.name)
    if arguments.list:
        _list_options(arguments.name, function)
        return 0
    options = _options(arguments, function)
    file, missing = _figure(arguments)  # what cannot be written is to be known before it is computed
    lesson = function(**options)
    if arguments.script:
        print(lesson.script(), end="")
        return 0
    _show(lesson)
    if file is not None:
        print(f"\nFigure: {save_figure(lesson.figure(), file)}")
    if missing:
        say(f"\nThere is no figure: {missing}")
    return 0


def _figure(arguments: argparse.Namespace) -> tuple[Path | None, str]:
    """Tell where the figure goes, or None and why nothing can be drawn where nobody asked for a file of his own.

    Raises
    ------
    OptionError
        If the file's ending names no kind of picture, or nothing can be written there.
    MissingDependencyError
        If a figure was asked for, and matplotlib is not installed.
    """
    if arguments.no_figure or arguments.script:
        return None, ""
    file = arguments.figure or Path(f"{arguments.name}.png")
    if file.suffix.lower() not in STILL and not file.is_dir():
        raise OptionError(f"--figure {str(file)!r} should end with .png, .svg or .pdf.")
    try:
        optional_import("matplotlib", extra="plot", purpose="Drawing figures")
    except MissingDependencyError as error:
        if arguments.figure is not None:
            raise
        return None, str(error)
    shared.check_file("--figure", file)
    return file, ""


def _show(lesson: Lesson) -> None:
    """Print the words, the drawing and the tables."""
    say(f"{lesson.title}\n\n{sentences(lesson.text)}")
    if lesson.sketch is not None:
        print(f"\n{lesson.sketch.text(sys.stdout)}")
    if lesson.details is not None:
        print(f"\n{lesson.details}")
    print(f"\n{lesson.table}")
    if lesson.measured is not None:
        print(f"\nMeasured on this machine:\n{lesson.measured}")


# ---------------------------------------------------------------------------------------------- the lists
def _list_lessons() -> None:
    width = max(map(len, lessons.LESSONS))
    for name, entry in lessons.LESSONS.items():
        print(f"{name:<{width}}  {', '.join(entry.parts):<14}  {entry.summary}")
    print("\nShow one: tinygrad-edu lesson NAME. Its options: tinygrad-edu lesson NAME --list")


def _list_options(name: str, function: Callable[..., Lesson]) -> None:
    parameters = inspect.signature(function).parameters
    rows = [(_flag(option), OPTIONS[option], _written(parameter.default)) for option, parameter in parameters.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(2)]
    print(f"{name}: {lessons.LESSONS[name].summary}\n")
    for flag, words, default in rows:
        print(f"{flag:<{widths[0]}}  {words:<{widths[1]}}  (default: {default})")


def _written(default: Any) -> str:
    """Write a default as it would be given on the command line.

    >>> _written((0.1, 0.5)), _written(("x**2", "x*y")), _written(None), _written(-6.0)
    ('0.1,0.5', '"x**2; x*y"', 'none', '-6.0')
    """
    if default is None:
        return "none"
    if isinstance(default, tuple):
        return f'"{"; ".join(default)}"' if isinstance(default[0], str) else ",".join(map(str, default))
    return str(default)


# -------------------------------------------------------------------------------------------- the options
def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _given(arguments: argparse.Namespace) -> dict[str, str]:
    """Collect the options of lessons that were given, as text."""
    found = {name: getattr(arguments, f"lesson_{name}") for name in OPTIONS}
    return {name: text for name, text in found.items() if text is not None}


def _refuse_leftovers(arguments: argparse.Namespace) -> None:
    """Without a lesson's name nothing but the list can be meant."""
    given = [_flag(name) for name in _given(arguments)]
    given += [_flag(name) for name in ("figure", "no_figure", "script") if getattr(arguments, name)]
    if given:
        raise OptionError(
            f"{given[0]} needs a lesson, as in: tinygrad-edu lesson slope. {suggest('', lessons.LESSONS)}"
        )


def _options(arguments: argparse.Namespace, function: Callable[..., Lesson]) -> dict[str, Any]:
    """Read the options that were given for this lesson."""
    parameters = inspect.signature(function).parameters
    options = {}
    for name, text in _given(arguments).items():
        known = "max_steps" if name == "steps" and name not in parameters else name
        if known not in parameters:
            flags = ", ".join(map(_flag, parameters))
            raise OptionError(f"The lesson {arguments.name} has no option {_flag(name)}. It has: {flags}.")
        options[known] = _read(_flag(name), text, parameters[known].default)
    return options


def _read(flag: str, text: str, default: Any) -> Any:
    """Read an option as a value of the kind that its default has.

    >>> _read("--rates", "0.1, 1e-3", (0.5,)), _read("--seed", "3", 0), _read("--start", "1,2", -6.0)
    ((0.1, 0.001), 3, (1.0, 2.0))
    """
    if isinstance(default, str):
        return text
    if isinstance(default, tuple) and isinstance(default[0], str):
        return tuple(part.strip() for part in text.split(";") if part.strip())
    several = isinstance(default, tuple)
    whole = isinstance(default[0] if several else default, int)
    try:
        numbers = tuple((int if whole else float)(part) for part in text.split(","))
    except ValueError:
        kind = "whole number" if whole else "number"
        example = f"one or several {kind}s such as {_written(default)}" if several else f"a {kind} such as {default}"
        raise OptionError(
            f"{flag} must be {example if default is not None else 'a number'}, but is {text!r}."
        ) from None
    return numbers if several or len(numbers) > 1 else numbers[0]
