"""How a descent went, read off its record: whether it walks, zig-zags, swings in, never settles, creeps or explodes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.traces import StopReason

if TYPE_CHECKING:
    from tinygrad_edu.traces import Trace

__all__ = ["Behaviour", "Manner", "behaviour"]

_SHORT = 2  # steps in which a descent is there "at once"
_AGAIN = 2  # times that the loss rises on the way down, from which on it swings; once is a ball rolling too far
_SAME = 1e-6  # relative difference below which two losses are as high as each other


class Manner(StrEnum):
    """The way in which a descent goes."""

    STAYS = "stays"
    LANDS = "lands at once"
    WALKS = "walks down"
    SWINGS_IN = "swings in"
    SWINGS_ON = "still swings"
    ZIG_ZAGS = "zig-zags"
    SWINGS = "never settles"
    CREEPS = "creeps"
    EXPLODES = "explodes"
    BREAKS_OFF = "breaks off"
    UNTOLD = "cannot be told"


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a descent went.

    Parameters
    ----------
    manner
        In a word.
    sentence
        In a sentence, with the numbers that it was read off.
    jumps
        How many steps went across the valley: the slope after them points the other way, by more than 90°.
    of
        How many steps could be told: those whose two ends are both on record, which of a long run are not all.
    """

    manner: Manner
    sentence: str
    jumps: int
    of: int


def behaviour(trace: Trace) -> Behaviour:
    """Say how a descent went, from its record alone.

    Examples
    --------
    >>> from tinygrad_edu import minimize
    >>> for lr in (0.1, 0.5, 0.9, 1.0, 1.1):
    ...     print(lr, behaviour(minimize("x**2", start=-6.0, lr=lr)).sentence)
    0.1 Walks down in 43 steps, each shorter than the one before, and never across the valley.
    0.5 Lands in 1 step.
    0.9 Zig-zags: 43 of 43 steps jump across the valley, each a little lower.
    1.0 Never settles: 100 of 100 steps jump across the valley, and none gets lower.
    1.1 Explodes: every step lands higher than the one before; the loss grows from 36 to 3.75e+07 in 38 steps.
    """
    jumps, of = _jumps(trace)
    manner = _manner(trace, jumps, of)
    return Behaviour(manner, _SENTENCES[manner](trace, jumps, of), jumps, of)


def _manner(trace: Trace, jumps: int, of: int) -> Manner:
    if trace.stop_reason == StopReason.DIVERGED:
        return Manner.EXPLODES
    if trace.n_steps == 0:
        return Manner.STAYS
    if trace.stop_reason == StopReason.INTERRUPTED:
        return Manner.BREAKS_OFF
    if trace.stop_reason == StopReason.TOLERANCE and trace.n_steps <= _SHORT:
        return Manner.LANDS
    return _course(trace, jumps, of)


def _course(trace: Trace, jumps: int, of: int) -> Manner:
    """Give the manner of a descent that made its steps and neither broke off nor landed at once."""
    if jumps > of / 2:
        lower = _lowest_later(trace) < trace.losses[0] - _SAME * abs(trace.losses[0])
        return Manner.ZIG_ZAGS if lower else Manner.SWINGS
    if trace.thinned and not of:
        return Manner.UNTOLD
    arrived = trace.stop_reason == StopReason.TOLERANCE
    if (arrived or trace.stop_reason == StopReason.MAX_STEPS) and _climbs(trace)[1] >= _AGAIN:
        return Manner.SWINGS_IN if arrived else Manner.SWINGS_ON
    return Manner.WALKS if arrived else Manner.CREEPS


def _jumps(trace: Trace) -> tuple[int, int]:
    """Count the steps across the valley, and those that could be told."""
    slopes = np.asarray(trace.gradients, np.float64).reshape(len(trace), -1)
    turned = (slopes[:-1] * slopes[1:]).sum(axis=1)
    told = np.isfinite(turned) & (np.diff(trace.ks) == 1)
    return int((turned[told] < 0).sum()), int(told.sum())


def _climbs(trace: Trace) -> tuple[int, int]:
    """Count the steps that led higher, and the times that the loss began to rise, of steps that can be told."""
    losses = trace.losses
    near = np.diff(trace.ks) == 1
    higher = near & (np.diff(losses) > _SAME * np.abs(losses[:-1]))
    begins = higher.copy()
    begins[1:] &= ~(higher[:-1] & near[:-1])
    return int(higher.sum()), int(begins.sum())


def _lowest_later(trace: Trace) -> float:
    later = trace.losses[1:]
    return float(np.nanmin(later)) if np.isfinite(later).any() else np.inf


# ------------------------------------------------------------------------------------------ the sentences
def _number(value: float) -> str:
    return f"{value + 0.0:.3g}"


def _steps(n: int) -> str:
    return f"{n:,} step{'' if n == 1 else 's'}"


def _across(trace: Trace, jumps: int, of: int) -> str:
    s = "s" if jumps == 1 else ""
    what = f"jump{s} across the valley" if np.ndim(trace.x) == 0 else f"turn{s} back by more than 90°"
    return f"{jumps:,} of {_told(trace, of)} {what}"


def _told(trace: Trace, of: int) -> str:
    """Say of how many steps something was counted: of a long run not all are on record."""
    return f"the {_steps(of)} on record" if trace.thinned else _steps(of)


def _slope(trace: Trace) -> str:
    last = trace.steps[-1]
    if last.gradient is None:
        return "not known"
    return _number(last.gradient if isinstance(last.gradient, float) else last.slope)


def _stays(trace: Trace, _jumps: int, _of: int) -> str:
    level = trace.stop_reason == StopReason.TOLERANCE
    return f"{'Stays where it is' if level else 'Made no step'}: the slope at the start is {_slope(trace)}."


def _lands(trace: Trace, _jumps: int, _of: int) -> str:
    return f"Lands in {_steps(trace.n_steps)}."


def _walks(trace: Trace, jumps: int, of: int) -> str:
    points = np.asarray(trace.points, np.float64).reshape(len(trace), -1)
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    shorter = ", each shorter than the one before" if not trace.thinned and (np.diff(lengths) < 0).all() else ""
    across = f"none of {_told(trace, of)}" if trace.thinned else "never"
    never = f", and {across} across the valley" if not jumps and np.ndim(trace.x) == 0 else ""
    some = f"; {_across(trace, jumps, of)}" if jumps else ""
    return f"Walks down in {_steps(trace.n_steps)}{shorter}{never}{some}."


def _zig_zags(trace: Trace, jumps: int, of: int) -> str:
    losses = trace.losses[np.isfinite(trace.losses)]
    lower = ", each a little lower" if not trace.thinned and (np.diff(losses) < 0).all() else ""
    return f"Zig-zags: {_across(trace, jumps, of)}{lower}."


def _swings_in(trace: Trace, _jumps: int, of: int) -> str:
    higher, times = _climbs(trace)
    how = f"the loss rises {times:,} times, in {higher:,} of {_told(trace, of)}"
    return f"Swings in: {how}, and comes to rest after {_steps(trace.n_steps)}."


def _swings_on(trace: Trace, _jumps: int, of: int) -> str:
    higher, times = _climbs(trace)
    how = f"the loss rose {times:,} times, in {higher:,} of {_told(trace, of)}"
    return f"Still swings after {_steps(trace.n_steps)}: {how}, and the slope is {_slope(trace)}."


def _swings(trace: Trace, jumps: int, of: int) -> str:
    return f"Never settles: {_across(trace, jumps, of)}, and none gets lower."


def _creeps(trace: Trace, _jumps: int, _of: int) -> str:
    return f"Is still on its way after {_steps(trace.n_steps)}: the slope is {_slope(trace)}."


def _explodes(trace: Trace, _jumps: int, _of: int) -> str:
    losses = trace.losses[np.isfinite(trace.losses)]
    if len(losses) < 2:
        return "Explodes: the first step already leaves the numbers."
    higher = (
        "every step lands higher than the one before; " if not trace.thinned and (np.diff(losses) > 0).all() else ""
    )
    grows = f"the loss grows from {_number(losses[0])} to {_number(losses[-1])} in {_steps(trace.n_steps)}"
    fell = f"step {trace.n_steps + 1} leaves the numbers"
    return f"Explodes: {higher}{grows if losses[-1] > losses[0] else fell}."


def _breaks_off(trace: Trace, _jumps: int, _of: int) -> str:
    return f"Was interrupted after {_steps(trace.n_steps)}: the slope was {_slope(trace)}."


def _untold(trace: Trace, _jumps: int, _of: int) -> str:
    between = "how it went cannot be told, since no two steps on record follow one another"
    return f"Made {_steps(trace.n_steps)}; {between}."


_SENTENCES = {
    Manner.STAYS: _stays,
    Manner.LANDS: _lands,
    Manner.WALKS: _walks,
    Manner.SWINGS_IN: _swings_in,
    Manner.SWINGS_ON: _swings_on,
    Manner.ZIG_ZAGS: _zig_zags,
    Manner.SWINGS: _swings,
    Manner.CREEPS: _creeps,
    Manner.EXPLODES: _explodes,
    Manner.BREAKS_OFF: _breaks_off,
    Manner.UNTOLD: _untold,
}
