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
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.autodiff import value_and_grad
from tinygrad_edu.errors import OptionError
from tinygrad_edu.learn import answers
from tinygrad_edu.learn.problem import depending, problem
from tinygrad_edu.learn.values import takes_one
from tinygrad_edu.optim import BatchGradientDescent, Optimizer
from tinygrad_edu.optim.lr_scheduler import LRScheduler
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.traces import LEAST, MAX_BYTES, Step, StopReason, Trace, TraceRecorder, bytes_of_step, check_keep
from tinygrad_edu.training.interrupting import WholeSteps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import ArrayLike

    from tinygrad_edu.learn.formula import Formula
    from tinygrad_edu.learn.problem import Function

__all__ = ["RUNAWAY", "check_options", "minimize"]

RUNAWAY = 1e6
"""A loss this many times larger than at the start is called diverged.

For y = x² each step multiplies the loss by (1 - 2α)². At α = 1.1 that is 1.44: a hundred steps do not come
near an overflow, yet nobody would wait for the loss to come back.
"""

LARGEST = float(np.finfo(np.float64).max)


def minimize(
    f: Callable[[Tensor], Tensor] | Formula | str,
    start: ArrayLike | Tensor | Mapping[str, float],
    *,
    lr: float | None = None,
    optimizer: Callable[[Iterable[Tensor]], Optimizer | LRScheduler] | None = None,
    max_steps: int = 100,
    tolerance: float = 1e-3,
    keep: int = 10_000,
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
        The learning rate α of plain gradient descent: each step goes α times the slope. 0.1 if nothing is given.
    optimizer
        Instead of `lr`, what makes the optimizer: a function of the parameters, such as
        ``lambda p: optim.SGD(p, lr=0.1, momentum=0.9)``. It may return a schedule of `optim.lr_scheduler` too, which
        then sets the rate of its optimizer after each step.
    max_steps
        How many steps to make at most.
    tolerance
        Stop where the slope (the Euclidean length of the gradient) is smaller; 0 switches the rule off.
    keep
        How many steps the trace keeps at most, 8 or more, and no more than 256 MB hold; see `Trace` for which are
        left out of a longer run.

    Returns
    -------
    The trace of the steps, the start included; its ``stop_reason`` and ``message`` say what ended it:
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
    GraphError
        If the result of `f` does not depend on what it is given, so that there is no slope.
    DtypeError
        If `start` does not hold real numbers, or `f` does not return a Tensor.

    Examples
    --------
    >>> trace = minimize("x**2", start=-6.0, lr=0.1)
    >>> trace.stop_reason.value, len(trace)
    ('tolerance', 44)
    >>> [step.point for step in trace][:2]
    [-6.0, -4.8]
    >>> print(minimize(lambda x: x**2, start=-6.0, lr=1.0).message)
    Stopped at step 100, the most allowed: the slope is -12 at x = -6, and not within the tolerance of 0.001.
    >>> minimize("(x - 1)**2 + 2*y**2", start={"x": 3, "y": 1}, lr=0.25, max_steps=2).points.tolist()
    [[3.0, 1.0], [2.0, 0.0], [1.5, 0.0]]

    Any optimizer will do; with momentum the descent rolls past the lowest point, and comes back:

    >>> from tinygrad_edu import optim
    >>> rolling = minimize("x**2", start=-6.0, optimizer=lambda p: optim.SGD(p, lr=0.1, momentum=0.9), max_steps=8)
    >>> [round(float(x), 2) for x in rolling.points]
    [-6.0, -4.8, -2.76, -0.37, 1.85, 3.48, 4.25, 4.1, 3.14]
    """
    check_options(max_steps, tolerance)
    check_keep(keep)
    given = problem(f, start)
    x = Tensor(given.start, requires_grad=True)
    mover, schedule = _mover(lr, optimizer, x)
    room = MAX_BYTES // bytes_of_step(2 * given.start.nbytes)
    recorder = TraceRecorder(max(LEAST, min(int(keep), room)))
    with np.errstate(all="ignore"):  # what overflows is found out by looking
        try:
            with WholeSteps() as whole:
                reason, message = _descend(
                    given.function, x, mover, schedule, int(max_steps), float(tolerance), recorder, whole
                )
        except KeyboardInterrupt:
            if recorder.last is None:
                raise
            reason, message = StopReason.INTERRUPTED, answers.interrupted(recorder.last)
    return recorder.trace(reason, message, parts=given.parts, formula=given.formula)


def _descend(
    function: Function,
    x: Tensor,
    optimizer: Optimizer,
    schedule: LRScheduler | None,
    max_steps: int,
    tolerance: float,
    recorder: TraceRecorder,
    whole: WholeSteps,
) -> tuple[StopReason, str]:
    """Write down the steps of the descent, and give the rule that ended it."""
    height_and_slope = value_and_grad(depending(function))
    for k in range(max_steps + 1):
        point = x.array.copy()  # f may hold on to what it is given, and the optimizer works in place
        first, last = recorder.first, recorder.last
        if first and last and not np.isfinite(point).all():
            what = f"reaches x = {answers.show(point)}"
            return StopReason.DIVERGED, answers.left_the_numbers(first, last, what)
        value, slope = height_and_slope(point)
        loss, gradient = float(value.item()), slope.array
        if not (math.isfinite(loss) and np.isfinite(gradient).all()):
            what = f"loss is {loss:.6g}" if not math.isfinite(loss) else f"slope is {answers.show(gradient)}"
            place = f"x = {answers.show(point)}"
            if first is None or last is None:
                raise OptionError(f"At the start, {place}, the {what}. Choose a start where both are finite.")
            return StopReason.DIVERGED, answers.left_the_numbers(first, last, f"reaches {place}, where the {what}")
        whole.busy = True
        step = Step(k, point, loss, gradient, None, optimizer.lr)
        recorder.add(step)
        whole.done()
        if step.slope < tolerance:
            return StopReason.TOLERANCE, answers.level(step, tolerance)
        if first is not None and loss > RUNAWAY * (1 + abs(first.loss)):
            return StopReason.DIVERGED, answers.ran_away(first, step)
        x.grad = slope
        if k < max_steps:
            optimizer.step()
            if schedule is not None:
                schedule.step()
    return StopReason.MAX_STEPS, answers.most_allowed(step, tolerance)


# ------------------------------------------------------------------------------------------ what is given
def check_options(max_steps: int, tolerance: float) -> None:
    """Refuse a budget or a tolerance that is out of range.

    Raises
    ------
    OptionError
        If one is.

    Examples
    --------
    >>> check_options(-1, 0.001)
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: max_steps must be a whole number >= 0, but is -1. Try 100.
    """
    if not (_is_number(tolerance, Real) and 0 <= tolerance <= LARGEST):
        raise OptionError(f"tolerance must be a finite number >= 0, but is {tolerance!r}. Try 0.001.")
    if not (_is_number(max_steps, Integral) and max_steps >= 0):
        raise OptionError(f"max_steps must be a whole number >= 0, but is {max_steps!r}. Try 100.")


def _is_number(value: object, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _mover(
    lr: float | None, make: Callable[[Iterable[Tensor]], Any] | None, x: Tensor
) -> tuple[Optimizer, LRScheduler | None]:
    """Make what moves the point: plain gradient descent, or what the caller's function makes."""
    if make is None:
        lr = 0.1 if lr is None else lr
        if not (_is_number(lr, Real) and 0 < lr <= LARGEST):
            raise OptionError(f"lr, the learning rate, must be a finite number > 0, but is {lr!r}. Try 0.1.")
        return BatchGradientDescent([x], float(lr)), None
    if lr is not None:
        raise OptionError(f"minimize was given lr={lr!r} and an optimizer, which has a rate of its own. Give one.")
    example = "optimizer=lambda p: optim.SGD(p, lr=0.1, momentum=0.9)"
    if not (callable(make) and takes_one(make)):
        raise OptionError(f"optimizer must be a function of the parameters, as in {example}, but is {make!r}.")
    made = make([x])
    schedule = made if isinstance(made, LRScheduler) else None
    optimizer = made.optimizer if isinstance(made, LRScheduler) else made
    if not isinstance(optimizer, Optimizer):
        raise OptionError(f"optimizer must make an optimizer, as in {example}, but made {made!r}.")
    if [id(parameter) for parameter in optimizer.parameters] != [id(x)]:
        raise OptionError(f"The optimizer moves parameters of its own. Let it take those that it is given: {example}.")
    return optimizer, schedule
