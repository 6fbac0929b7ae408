"""Writing a trace while the descent goes on, in bounded memory.

The steps fall into stretches of equal length, at first of one step each. Where more steps are kept than allowed,
the length of the stretches doubles until at most half as many are left: of each stretch its first two steps, the
lowest and the highest loss and the steepest slope stay. What a stretch of two halves keeps is among what its halves
kept, so nothing needs to be known in advance, and each step is looked at a bounded number of times on average.

Two steps that follow one another are kept, and not one: a descent that jumps to and fro would otherwise be seen on one
side of the valley alone, and seem to stand still.
"""

from __future__ import annotations

import math
from numbers import Integral
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import OptionError
from tinygrad_edu.traces.trace import Trace

if TYPE_CHECKING:
    from tinygrad_edu.traces.parts import Part
    from tinygrad_edu.traces.step import Step, StopReason

__all__ = ["LEAST", "MAX_BYTES", "TraceRecorder", "bytes_of_step", "check_keep"]

LEAST = 8
_STRETCH = 5  # the most steps that are kept of one
"""Fewer steps cannot hold the five of one stretch, and room for more."""


MAX_BYTES = 256 * 2**20
"""How much memory the steps of a trace may take, unless somebody says otherwise."""


def bytes_of_step(arrays: int) -> int:
    """Say how much memory a step takes, whose arrays take so many bytes.

    Examples
    --------
    >>> MAX_BYTES // bytes_of_step(0), MAX_BYTES // bytes_of_step(16_000_000)
    (447392, 16)
    """
    return arrays + 600


def check_keep(keep: Any) -> None:
    """Refuse what is no number of steps to keep.

    Raises
    ------
    OptionError
        If it is no whole number of at least 8.

    Examples
    --------
    >>> check_keep(3)
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: keep must be a whole number of at least 8 steps, but is 3. Try 10000.
    """
    if isinstance(keep, bool) or not isinstance(keep, Integral) or keep < LEAST:
        raise OptionError(f"keep must be a whole number of at least {LEAST} steps, but is {keep!r}. Try 10000.")


class _Kept:
    """A step with what it is compared by; a loss or a slope that is not known is no extreme."""

    __slots__ = ("_slope", "step")

    def __init__(self, step: Step) -> None:
        self.step = step
        self._slope: float | None = None  # the length of a gradient takes time, and may never be asked for

    @property
    def k(self) -> int:
        return self.step.k

    @property
    def low(self) -> float:
        return math.inf if math.isnan(self.step.loss) else self.step.loss

    @property
    def high(self) -> float:
        return -math.inf if math.isnan(self.step.loss) else self.step.loss

    @property
    def slope(self) -> float:
        if self._slope is None:
            slope = self.step.slope
            self._slope = -math.inf if math.isnan(slope) else slope
        return self._slope


class TraceRecorder:
    """Takes the steps of a descent in their order, and keeps at most `keep` of them.

    The first step and the last are always kept.

    Parameters
    ----------
    keep
        How many steps to keep at most, 8 or more.

    Examples
    --------
    >>> from tinygrad_edu.traces import Step, StopReason
    >>> recorder = TraceRecorder(keep=10)
    >>> for k in range(1000):
    ...     loss = 99.0 if k == 617 else 1 / (1 + k)
    ...     recorder.add(Step(k, point=0.0, loss=loss, gradient=1.0, batch=None, learning_rate=1.0))
    >>> trace = recorder.trace(StopReason.MAX_STEPS, "Stopped.")
    >>> len(trace) <= 10, trace.n_steps, [step.k for step in trace if step.k in (0, 617, 999)]
    (True, 999, [0, 617, 999])
    """

    def __init__(self, keep: int) -> None:
        self._room = keep - 1  # the last step has a place of its own
        self._half = max(keep // 2, _STRETCH)  # to come down to
        self._length = 1  # of a stretch, in steps
        self._earlier: list[_Kept] = []  # of the stretches that are over
        self._stretch: list[_Kept] = []  # that is being written
        self.first: Step | None = None
        self.last: Step | None = None

    def add(self, step: Step) -> None:
        """Take the next step; its `k` is one more than that of the step before."""
        self.first, self.last = self.first or step, step
        kept = _Kept(step)
        if self._stretch and step.k // self._length == self._stretch[0].k // self._length:
            self._stretch = _extremes([*self._stretch, kept])
        else:
            self._earlier += self._stretch
            self._stretch = [kept]
        if len(self._earlier) + len(self._stretch) > self._room:
            self._thin()

    def _thin(self) -> None:
        """Double the stretches until no more than half is left."""
        stretches = [[kept] for kept in (*self._earlier, *self._stretch)]
        while sum(map(len, stretches)) > self._half:
            self._length *= 2
            wider: dict[int, list[_Kept]] = {}
            for kept in (kept for stretch in stretches for kept in stretch):
                wider.setdefault(kept.k // self._length, []).append(kept)
            stretches = [_extremes(stretch) for stretch in wider.values()]
        self._earlier, self._stretch = [kept for stretch in stretches[:-1] for kept in stretch], stretches[-1]

    def trace(self, stop_reason: StopReason, message: str, *, parts: tuple[Part, ...] = (), formula: str = "") -> Trace:
        """Close the record; at least one step must have been added."""
        assert self.last is not None  # noqa: S101 - whoever writes a trace begins with the start
        steps = [kept.step for kept in (*self._earlier, *self._stretch)]
        if steps[-1] is not self.last:
            steps.append(self.last)
        return Trace(tuple(steps), stop_reason, message, parts, formula)


def _extremes(stretch: list[_Kept]) -> list[_Kept]:
    """Give the first two, the lowest, the highest and the steepest of a stretch, each once, in their order.

    Of two that are alike the earlier one is taken.
    """
    if len(stretch) == 1:
        return stretch
    lowest = min(stretch, key=lambda kept: kept.low)
    highest = max(stretch, key=lambda kept: kept.high)
    steepest = max(stretch, key=lambda kept: kept.slope)
    chosen = {kept.k: kept for kept in (*stretch[:2], lowest, highest, steepest)}
    return [chosen[k] for k in sorted(chosen)]
