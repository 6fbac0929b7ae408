"""What figures are given, checked: words, ranges, and descents by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.traces import Trace

if TYPE_CHECKING:
    from tinygrad_edu.learn.grids import Range

__all__ = ["as_numbers", "as_traces", "check_range", "check_trace", "check_words"]


def check_words(**given: Any) -> None:
    """Refuse a title or a caption that is no text.

    Examples
    --------
    >>> check_words(title="y = x²", caption=None)
    >>> check_words(title=3)
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: title must be text, but is 3. Write title='3', or leave it out.
    """
    for name, value in given.items():
        if not (value is None or isinstance(value, str)):
            raise OptionError(f"{name} must be text, but is {value!r}. Write {name}={str(value)!r}, or leave it out.")


def check_range(**given: Range | None) -> None:
    """Refuse a range that is no two numbers; which of them is larger is looked at where it is used.

    Examples
    --------
    >>> check_range(x_range="a")
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: x_range must be two numbers, from where to where, but is 'a'. Try (-6, 6).
    """
    for name, value in given.items():
        if value is None:
            continue
        pair = isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str) and len(value) == 2
        if not (pair and all(_is_number(entry) for entry in value)):
            raise OptionError(f"{name} must be two numbers, from where to where, but is {value!r}. Try (-6, 6).")


def as_numbers(name: str, value: Any) -> tuple[float, ...]:
    """Take one number or several.

    Examples
    --------
    >>> as_numbers("tangent_at", -4), as_numbers("tangent_at", [-4, 0])
    ((-4.0,), (-4.0, 0.0))
    """
    several = isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str) and np.ndim(value) == 1
    numbers = list(value) if several else [value]
    if not all(_is_number(entry) and np.isfinite(float(entry)) for entry in numbers):
        raise OptionError(f"{name} must be a finite number or a list of them, but is {value!r}. Try [-4, 0].")
    return tuple(float(entry) for entry in numbers)


def check_trace(figure: str, trace: Any) -> None:
    """Refuse what is no single descent.

    Examples
    --------
    >>> check_trace("plot_curve", "x**2")
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: plot_curve draws one Trace, as minimize gives it, but was given str.
    """
    if not (trace is None or isinstance(trace, Trace)):
        kind = type(trace).__name__
        raise OptionError(f"{figure} draws one Trace, as minimize gives it, but was given {kind}.")


def as_traces(figure: str, traces: Any) -> dict[Any, Trace]:
    """Take one descent, or several by name.

    Examples
    --------
    >>> as_traces("plot_contour", [1, 2])
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: plot_contour draws a Trace, or a dictionary of them by name, but was given ...
    """
    named = {"": traces} if isinstance(traces, Trace) else {} if traces is None else traces
    example = 'Write {"SGD": trace}, for example.'
    if hasattr(traces, "epochs"):
        example = "Train with fit(..., trace=True) and give history.trace; history.plot() draws the losses alone."
    if not isinstance(named, Mapping):
        kind = type(traces).__name__
        raise OptionError(f"{figure} draws a Trace, or a dictionary of them by name, but was given {kind}. {example}")
    for name, trace in named.items():
        if not isinstance(trace, Trace):
            kind = type(trace).__name__
            raise OptionError(f"{figure} draws traces, as minimize gives them, but {name!r} is {kind}. {example}")
    return dict(named)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return False
    try:
        return not np.isinf(float(value))
    except OverflowError:  # a whole number that no float holds
        return False
