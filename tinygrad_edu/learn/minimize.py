"""Gradient descent on a formula or function: x ← x - α · dy/dx, with every step recorded.

The rules that end a descent, in the order in which a new point is tried against them:

1. x, the loss or the slope is no finite number: diverged; the last finite point is the last step.
2. The slope is smaller than the tolerance: a stationary point, which may be a minimum.
3. The loss has passed ``RUNAWAY`` times (1 + |loss at the start|): diverged, long before it overflows.
4. As many steps as were allowed have been made.

An interruption (Ctrl+C) is a fifth answer, and keeps what was finished.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from tinygrad_edu.autodiff import value_and_grad
from tinygrad_edu.errors import FormulaError, OptionError, ShapeError
from tinygrad_edu.learn.formula import Formula, formula
from tinygrad_edu.learn.trace import Point, Step, StopReason, Trace, as_float64
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["RUNAWAY", "minimize"]

RUNAWAY = 1e6
"""A loss this many times larger than at the start is called diverged.

For y = x² each step multiplies the loss by (1 - 2α)². At α = 1.1 that is 1.44: a hundred steps do not come
near an overflow, yet nobody would wait for the loss to come back.
"""

LARGEST = float(np.finfo(np.float64).max)

_Function: TypeAlias = Callable[[Tensor], Tensor]
_Start: TypeAlias = "ArrayLike | Tensor | Mapping[str, float]"


def minimize(
    f: Callable[[Tensor], Tensor] | Formula | str,
    start: ArrayLike | Tensor | Mapping[str, float],
    *,
    lr: float = 0.1,
    max_steps: int = 100,
    tolerance: float = 1e-3,
) -> Trace:
    """Go downhill from `start`, along the slope, until a rule says stop.

    Parameters
    ----------
    f
        A function of one Tensor that returns a single number, or a formula.
    start
        Where to begin: a number or array, of the shape that `f` takes. For a formula of several variables a
        sequence in the sorted order of their names, or a dictionary by name. Computed with in float64.
    lr
        The learning rate α: each step goes α times the slope.
    max_steps
        How many steps to make at most.
    tolerance
        Stop where the slope (the Euclidean length of the gradient) is smaller; 0 switches the rule off.

    Returns
    -------
    The trace of all steps, the start included; its ``stop_reason`` and ``message`` say what ended it:
    "tolerance", "max steps", "diverged" (no finite number, or a loss beyond 10⁶ · (1 + |loss at start|))
    or "interrupted".

    Raises
    ------
    OptionError
        If an option is out of range, or `f` or its slope is not finite at the start.
    FormulaError
        If the text is no formula, or has no variable.
    ShapeError
        If `start` does not fit the formula's variables, or `f` does not return a single number.
    DtypeError
        If `start` does not hold real numbers, or `f` does not return a Tensor.

    Examples
    --------
    >>> trace = minimize("x**2", start=-6.0, lr=0.1)
    >>> trace.stop_reason.value, len(trace)
    ('tolerance', 44)
    >>> [step.x for step in trace][:2]
    [-6.0, -4.8]
    >>> print(minimize(lambda x: x**2, start=-6.0, lr=1.0).message)
    Stopped at step 100, the most allowed: the slope is -12 at x = -6, and not within the tolerance of 0.001.
    >>> minimize("(x - 1)**2 + 2*y**2", start={"x": 3, "y": 1}, lr=0.25, max_steps=2).xs.tolist()
    [[3.0, 1.0], [2.0, 0.0], [1.5, 0.0]]
    """
    _check_options(lr, max_steps, tolerance)
    function, x = _prepare(f, start)
    steps: list[Step] = []
    with np.errstate(all="ignore"):  # what overflows is found out by looking
        try:
            reason, message = _descend(function, x, float(lr), int(max_steps), float(tolerance), steps)
        except KeyboardInterrupt:
            if not steps:
                raise
            reason, message = StopReason.INTERRUPTED, _interrupted(steps[-1])
    return Trace(tuple(steps), reason, message)


def _descend(
    function: _Function,
    x: NDArray[np.float64],
    lr: float,
    max_steps: int,
    tolerance: float,
    steps: list[Step],
) -> tuple[StopReason, str]:
    """Add the steps of the descent to `steps`, and give the rule that ended it."""
    height_and_slope = value_and_grad(function)
    while True:
        if not np.isfinite(x).all():
            return StopReason.DIVERGED, _left_the_numbers(steps, f"reaches x = {_show(x)}")
        value, slope = height_and_slope(x)
        loss, gradient = float(value.item()), slope.array
        if not (math.isfinite(loss) and np.isfinite(gradient).all()):
            what = f"loss is {loss:.6g}" if not math.isfinite(loss) else f"slope is {_show(gradient)}"
            if not steps:
                raise OptionError(f"At the start, x = {_show(x)}, the {what}. Choose a start where both are finite.")
            return StopReason.DIVERGED, _left_the_numbers(steps, f"reaches x = {_show(x)}, where the {what}")
        step = Step(len(steps), x, loss, gradient, lr)
        steps.append(step)
        if np.linalg.norm(gradient) < tolerance:
            return StopReason.TOLERANCE, _level(step, tolerance)
        if loss > RUNAWAY * (1 + abs(steps[0].loss)):
            return StopReason.DIVERGED, _ran_away(steps)
        if step.k == max_steps:
            return StopReason.MAX_STEPS, _most_allowed(step, tolerance)
        x = x - lr * gradient


# ------------------------------------------------------------------------------------------ what is given
def _check_options(lr: float, max_steps: int, tolerance: float) -> None:
    if not (_is_number(lr, Real) and 0 < lr <= LARGEST):
        raise OptionError(f"lr, the learning rate, must be a finite number > 0, but is {lr!r}. Try 0.1.")
    if not (_is_number(tolerance, Real) and 0 <= tolerance <= LARGEST):
        raise OptionError(f"tolerance must be a finite number >= 0, but is {tolerance!r}. Try 0.001.")
    if not (_is_number(max_steps, Integral) and max_steps >= 0):
        raise OptionError(f"max_steps must be a whole number >= 0, but is {max_steps!r}. Try 100.")


def _is_number(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _prepare(f: _Function | Formula | str, start: _Start) -> tuple[_Function, NDArray[np.float64]]:
    """Make of a function or formula a function of one Tensor, and of the start an array for it."""
    if isinstance(f, (str, Formula)):
        function, x = _prepare_formula(formula(f), start)
    elif not callable(f):
        raise OptionError(f"minimize needs a formula such as 'x**2' or a function, but was given {f!r}.")
    elif isinstance(start, Mapping):
        raise OptionError("start names variables, but a function has none. Give it one number or array.")
    else:
        function, x = f, as_float64(start)
    if x.size == 0:
        raise ShapeError(f"start has shape {x.shape}: there is nothing to move. Give it at least one number.")
    if not np.isfinite(x).all():
        raise OptionError(f"start must be finite, but is {_show(x)}.")
    return function, x


def _prepare_formula(f: Formula, start: _Start) -> tuple[_Function, NDArray[np.float64]]:
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
    x = as_float64(start)
    needed = () if len(names) == 1 else (len(names),)
    if x.shape != needed:
        remedy = f"{len(names)} numbers, for {', '.join(names)}" if needed else f"one number, for {names[0]}"
        raise ShapeError(f"start has shape {x.shape}, but {f.text!r} needs {remedy}.")
    return f if len(names) == 1 else lambda point: f(*point), x


# --------------------------------------------------------------------------------------- what is answered
def _show(point: Point) -> str:
    """Write a number, or the first few of many.

    >>> _show(-6.0), _show(np.array([1.0, 0.25])), _show(np.zeros(9))
    ('-6', '[1, 0.25]', '[0, 0, 0, 0, ...]')
    """
    if np.ndim(point) == 0:
        return f"{float(point) + 0.0:.6g}"  # + 0.0: there is no need to show -0
    numbers = [f"{number + 0.0:.6g}" for number in np.ravel(point)[:4]]
    return f"[{', '.join(numbers)}{', ...' if np.size(point) > 4 else ''}]"


def _slope(step: Step) -> str:
    if np.ndim(step.gradient) == 0:
        return _show(step.gradient)
    return f"{_show(step.gradient)}, of length {np.linalg.norm(step.gradient):.6g},"


def _level(step: Step, tolerance: float) -> str:
    return (
        f"Stopped at step {step.k}, where the ground is level: the slope is {_slope(step)} "
        f"at x = {_show(step.x)}, within the tolerance of {tolerance:g}."
    )


def _most_allowed(step: Step, tolerance: float) -> str:
    return (
        f"Stopped at step {step.k}, the most allowed: the slope is {_slope(step)} "
        f"at x = {_show(step.x)}, and not within the tolerance of {tolerance:g}."
    )


def _ran_away(steps: list[Step]) -> str:
    first, last = steps[0], steps[-1]
    return (
        f"Stopped at step {last.k}, because the descent diverges: the loss grew from {first.loss:.6g} to "
        f"{last.loss:.6g}. Try a learning rate smaller than {last.learning_rate:g}."
    )


def _left_the_numbers(steps: list[Step], what: str) -> str:
    last = steps[-1]
    return (
        f"Stopped after step {last.k}, because the descent diverges: step {last.k + 1} {what}. "
        f"Try a learning rate smaller than {last.learning_rate:g}, or another start."
    )


def _interrupted(step: Step) -> str:
    return (
        f"Stopped after step {step.k}, because it was interrupted: the slope was {_slope(step)} at x = {_show(step.x)}."
    )
