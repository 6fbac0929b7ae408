"""How a descent answers: the sentences, with the numbers, that say why it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tinygrad_edu.traces import Point, Step

__all__ = ["BOTTOMLESS", "interrupted", "left_the_numbers", "level", "most_allowed", "ran_away", "show"]


BOTTOMLESS = 1e6
"""A loss that fell by so many times (1 + |loss at the start|) before it left the numbers has no lowest point there."""


def show(point: Point) -> str:
    """Write a number, or the first few of many.

    >>> show(-6.0), show(np.array([1.0, 0.25])), show(np.zeros(9))
    ('-6', '[1, 0.25]', '[0, 0, 0, 0, ...]')
    """
    if np.ndim(point) == 0:
        return f"{float(point) + 0.0:.6g}"  # + 0.0: there is no need to show -0
    numbers = [f"{number + 0.0:.6g}" for number in np.ravel(point)[:4]]
    return f"[{', '.join(numbers)}{', ...' if np.size(point) > 4 else ''}]"


def _slope(step: Step) -> str:
    assert step.gradient is not None  # noqa: S101 - each step of a formula's descent has one
    if np.ndim(step.gradient) == 0:
        return show(step.gradient)
    return f"{show(step.gradient)}, of length {step.slope:.6g},"


def level(step: Step, tolerance: float) -> str:
    """Word the end at a stationary point."""
    return (
        f"Stopped at step {step.k}, where the ground is level: the slope is {_slope(step)} "
        f"at x = {show(step.point)}, within the tolerance of {tolerance:g}."
    )


def most_allowed(step: Step, tolerance: float) -> str:
    """Word the end of the budget."""
    return (
        f"Stopped at step {step.k}, the most allowed: the slope is {_slope(step)} "
        f"at x = {show(step.point)}, and not within the tolerance of {tolerance:g}."
    )


def ran_away(first: Step, last: Step) -> str:
    """Word the end of a descent that climbs."""
    return (
        f"Stopped at step {last.k}, because the descent diverges: the loss grew from {first.loss:.6g} to "
        f"{last.loss:.6g}. Try a learning rate smaller than {last.learning_rate:g}."
    )


def left_the_numbers(first: Step, last: Step, what: str) -> str:
    """Word the end where the next step finds no finite number."""
    stopped = f"Stopped after step {last.k}, because the descent diverges: step {last.k + 1} {what}."
    if first.loss - last.loss > BOTTOMLESS * (1 + abs(first.loss)):
        return (
            f"{stopped} The loss fell from {first.loss:.6g} to {last.loss:.6g}: it seems to have no lowest point that "
            "way, at any learning rate. Try another start, or a function that has one."
        )
    return f"{stopped} Try a learning rate smaller than {last.learning_rate:g}, or another start."


def interrupted(step: Step) -> str:
    """Word the end by Ctrl-C."""
    where = f"the slope was {_slope(step)} at x = {show(step.point)}"
    return f"Stopped after step {step.k}, because it was interrupted: {where}."
