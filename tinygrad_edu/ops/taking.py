"""Compositions that pick entries by number, by a mask, or by which of several conditions holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.ops.choices import where
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.shape import arraylike, axes_within, broadcast_to, common_shape

if TYPE_CHECKING:
    from collections.abc import Sequence


def _within(numbers: Any, n: int, mode: str) -> Any:
    """Bring numbers that are out of range back into it, as `mode` says; "raise" leaves that to indexing."""
    if mode not in ("raise", "wrap", "clip"):
        raise OptionError(f"What is out of range is dealt with by mode='raise', 'wrap' or 'clip', not {mode!r}.")
    if mode == "raise" or not n:
        return numbers
    return np.mod(numbers, n) if mode == "wrap" else np.clip(numbers, 0, n - 1)


@compose(np.take)
def take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Any:
    """The entries along `axis` at whole numbers, or of all as if flat."""
    a = arraylike(a)
    if axis is None:
        a, axis = a.reshape(-1), 0
    (at,) = axes_within(axis, a.ndim)
    numbers = _within(np.asarray(indices), a.shape[at], mode)
    if not numbers.size:  # [] picks nothing, and its dtype says nothing
        numbers = numbers.astype(np.intp)
    return a[(*(slice(None),) * at, numbers)]


@compose(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    """The entries along `axis` where the condition holds, or of all as if flat."""
    condition = np.asarray(condition)
    if condition.ndim != 1:
        raise ShapeError(f"compress takes a condition with 1 axis, but was given shape {condition.shape}. Use x[mask].")
    return take(a, np.flatnonzero(condition), axis=axis)


@compose(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """The entries where the condition holds, all as if flat."""
    return take(arr, np.flatnonzero(np.asarray(condition)))


@compose(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """The entries of the first choice whose condition holds, or else of the default."""
    if not condlist or len(condlist) != len(choicelist):
        raise ShapeError(f"select takes a choice for each condition, not {len(choicelist)} for {len(condlist)}.")
    out = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        if arraylike(condition).dtype != bool:
            raise DtypeError(f"select takes conditions that are true or false, not {arraylike(condition).dtype}.")
        out = where(condition, choice, out)
    return out


@compose(np.choose)
def choose(a: Any, choices: Sequence[Any], mode: str = "raise") -> Any:
    """The entries of the array that `a` numbers, place by place."""
    n = len(choices)
    numbers = _within(np.asarray(a), n, mode)
    if not n or np.any((numbers < 0) | (numbers >= n)):
        raise ShapeError(f"choose takes numbers from 0 to {n - 1} for {n} arrays. mode='wrap' or 'clip' allows others.")
    shape = common_shape([numbers, *choices], "choose")
    out = broadcast_to(arraylike(choices[-1]), shape=shape)
    for k in reversed(range(n - 1)):
        out = where(numbers == k, choices[k], out)
    return out
