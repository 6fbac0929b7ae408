"""Options of lessons: checked, and made into plain Python numbers that a script can hold."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import FormulaError, OptionError
from tinygrad_edu.learn.formula import formula as read

if TYPE_CHECKING:
    from tinygrad_edu.learn.formula import Formula

__all__ = ["check_formula", "check_number", "check_numbers", "check_range", "check_whole"]


def check_formula(text: str | Formula, variables: tuple[int, ...], lesson: str) -> Formula:
    """Read a formula that has a suitable number of variables.

    >>> check_formula("x*y", (1,), "slope")
    Traceback (most recent call last):
    tinygrad_edu.errors.FormulaError: The lesson slope takes a formula of one variable, but 'x*y' has 2: x, y.
    """
    if callable(text) and not hasattr(text, "variables"):
        raise OptionError(
            f"The lesson {lesson} takes its formula as text, such as 'x**2', so that its script can hold it. "
            "For a function use tg.minimize(f, start)."
        )
    f = read(text)
    if len(f.variables) not in variables:
        words = {1: "one variable", 2: "two variables", 3: "three variables"}
        wanted = " or ".join(words[n] for n in variables)
        names = ": " + ", ".join(f.variables) if f.variables else ""
        raise FormulaError(
            f"The lesson {lesson} takes a formula of {wanted}, but {f.text!r} has {len(f.variables)}{names}."
        )
    return f


def check_number(
    name: str, value: Any, *, above: float = -math.inf, below: float = math.inf, least: float = -math.inf
) -> float:
    """Make a float of a finite number within bounds.

    >>> check_number("lr", 0, above=0)
    Traceback (most recent call last):
    tinygrad_edu.errors.OptionError: lr must be a finite number > 0, but is 0.
    """
    try:
        number = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and above < number < below and number >= least):
        bounds = [
            f"{sign} {bound:g}" for sign, bound in ((">", above), (">=", least), ("<", below)) if math.isfinite(bound)
        ]
        limits = f" {' and '.join(bounds)}" if bounds else ""
        raise OptionError(f"{name} must be a finite number{limits}, but is {value!r}.")
    return number


def check_whole(name: str, value: Any, *, least: int = 1, most: int) -> int:
    """Make an int of a whole number within bounds.

    >>> check_whole("points", 2.5, most=10)
    Traceback (most recent call last):
    tinygrad_edu.errors.OptionError: points must be a whole number from 1 to 10, but is 2.5.
    """
    try:
        number = least - 1 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = least - 1
    if not least <= number <= most:
        raise OptionError(f"{name} must be a whole number from {least} to {most:,}, but is {value!r}.")
    return number


def check_numbers(
    name: str, values: Any, *, least: int = 1, most: int = 20, above: float = -math.inf
) -> tuple[float, ...]:
    """Make a tuple of floats of some finite numbers; a single number is a tuple of one.

    >>> check_numbers("rates", [1, 2.5]), check_numbers("at", -4)
    ((1.0, 2.5), (-4.0,))
    """
    try:
        given = list(values)
    except TypeError:
        given = [values]
    if isinstance(values, str) or not least <= len(given) <= most:
        span = f"{least} to {most} numbers" if least != most else "one number" if least == 1 else f"{least} numbers"
        count = "is a text" if isinstance(values, str) else f"has {len(given)}"
        example = "1.0" if most == 1 else f"({', '.join(f'{i + 1}.0' for i in range(max(least, 2)))})"
        raise OptionError(f"{name} must be {span}, but {count}. Write {name}={example}.")
    return tuple(check_number(f"each number of {name}", value, above=above) for value in given)


def check_range(low: Any, high: Any) -> tuple[float, float]:
    """Check the two ends of what is looked at.

    >>> check_range(-6, 6)
    (-6.0, 6.0)
    """
    low, high = check_number("low", low), check_number("high", high)
    if not low < high:
        raise OptionError(f"low must be below high, but low is {low:g} and high is {high:g}.")
    return low, high
