"""What `minimize` is given, checked: a function of one Tensor, a start that fits it, and names for its numbers."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from tinygrad_edu.errors import FormulaError, GraphError, OptionError, ShapeError
from tinygrad_edu.learn.answers import show
from tinygrad_edu.learn.formula import Formula, formula
from tinygrad_edu.learn.values import as_float64, takes_one
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.traces import Part

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Function", "Problem", "Start", "depending", "problem"]

Function: TypeAlias = Callable[[Tensor], Tensor]
Start: TypeAlias = "ArrayLike | Tensor | Mapping[str, float]"


class Problem(NamedTuple):
    """A function of one Tensor, where to begin, what the numbers of a point are, and the text of a formula."""

    function: Function
    start: NDArray[np.float64]
    parts: tuple[Part, ...]
    formula: str = ""


def problem(f: Function | Formula | str, start: Start) -> Problem:
    """Make of a function or formula a function of one Tensor, and of the start an array for it.

    Raises
    ------
    OptionError, FormulaError, ShapeError, DtypeError
        If they cannot be used, or not together.

    Examples
    --------
    >>> problem("x + y", {"y": 2, "x": 1}).start.tolist()
    [1.0, 2.0]
    """
    if isinstance(f, (str, Formula)):
        made = _of_formula(formula(f), start)
    elif not callable(f):
        raise OptionError(f"minimize needs a formula such as 'x**2' or a function, but was given {f!r}.")
    elif not takes_one(f):
        raise OptionError(
            "minimize calls the function with one Tensor that holds all numbers, but it takes another number of "
            "arguments. Write lambda p: p[0]**2 + p[1]**2, for example."
        )
    elif isinstance(start, Mapping):
        raise OptionError("start names variables, but a function has none. Give it one number or array.")
    else:
        x = _numbers(start)
        made = Problem(f, x, (Part("x", x.shape),))
    if made.start.size == 0:
        raise ShapeError(f"start has shape {made.start.shape}: there is nothing to move. Give it at least one number.")
    if not np.isfinite(made.start).all():
        raise OptionError(f"start must be finite, but is {show(made.start)}.")
    return made


def _of_formula(f: Formula, start: Start) -> Problem:
    names = f.variables
    if not names:
        raise FormulaError(f"The formula {f.text!r} has no variable: it is flat. Use x, as in x**2.")
    if isinstance(start, Mapping):
        if set(start) != set(names):
            raise OptionError(
                f"start names {', '.join(map(str, start)) or 'nothing'}, but {f.text!r} has the variables "
                f"{', '.join(names)}. Name each of them."
            )
        start = start[names[0]] if len(names) == 1 else [start[name] for name in names]
    x = _numbers(start)
    needed = () if len(names) == 1 else (len(names),)
    if x.shape != needed:
        remedy = f"{len(names)} numbers, for {', '.join(names)}" if needed else f"one number, for {names[0]}"
        given = f"has shape {x.shape}" if x.shape else "is one number"
        raise ShapeError(f"start {given}, but {f.text!r} needs {remedy}.")
    function = f if len(names) == 1 else lambda point: f(*point)
    return Problem(function, x, tuple(Part(name) for name in names), f.text)


def _numbers(start: ArrayLike | Tensor) -> NDArray[np.float64]:
    """Read the start; True is no number, and neither is a whole number that float64 cannot hold."""
    if isinstance(start, (bool, np.bool_)):
        raise OptionError(f"start must be a number or an array of numbers, but is {start!r}. Try {float(start):g}.")
    entries = start if isinstance(start, (list, tuple)) else [start]
    if any(type(entry) is int and abs(entry) > sys.float_info.max for entry in entries):
        raise OptionError("start has a whole number beyond 1.8e308, the most that float64 holds. Choose a smaller one.")
    return as_float64(start)


def depending(function: Function) -> Function:
    """Give a function that refuses, the first time it is called, a result that does not depend on its argument.

    Its slope would be 0, and any start a lowest point. Later on the ground may well be level.

    Raises
    ------
    GraphError
        When it is called, if the result was computed without the Tensor that the function was given.

    Examples
    --------
    >>> depending(lambda x: x.detach() ** 2)(Tensor(3.0, requires_grad=True))
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.GraphError: The result of the function does not depend on the Tensor ...
    """
    checked = False

    @functools.wraps(function)
    def watched(x: Tensor) -> Tensor:
        nonlocal checked
        out = function(x)
        if not checked and isinstance(out, Tensor) and not out.requires_grad:
            raise GraphError(
                "The result of the function does not depend on the Tensor that it is given: it is a constant, or "
                ".item(), .numpy() or .detach() cut it off. Compute it from that Tensor, as in x**2."
            )
        checked = True
        return out

    return watched
