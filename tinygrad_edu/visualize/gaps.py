"""Where a long run's record leaves steps out, a path has gaps: nobody is to take them for steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.traces import Trace

__all__ = ["across_gaps", "gaps_of", "without_gaps"]


def gaps_of(trace: Trace) -> NDArray[np.bool_]:
    """Tell between which recorded points others are missing, (steps - 1,).

    >>> from tinygrad_edu import minimize
    >>> gaps_of(minimize("x**2", -6.0, max_steps=3)).tolist()
    [False, False, False]
    """
    return np.asarray(np.diff(trace.ks) > 1)


def across_gaps(gaps: NDArray[np.bool_], *coordinates: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Give the pieces of a path that lead across gaps, parted by NaN.

    >>> across_gaps(np.array([False, True]), np.array([1.0, 2.0, 5.0]))
    [array([ 2.,  5., nan])]
    """
    nothing = np.full(int(gaps.sum()), np.nan)
    return [np.stack([along[:-1][gaps], along[1:][gaps], nothing], axis=1).reshape(-1) for along in coordinates]


def without_gaps(gaps: NDArray[np.bool_], *coordinates: NDArray[Any]) -> list[NDArray[np.float64]]:
    """Give a path that is interrupted, by NaN, at its gaps.

    >>> without_gaps(np.array([False, True]), np.array([1.0, 2.0, 5.0]))
    [array([ 1.,  2., nan,  5.])]
    """
    places = np.flatnonzero(gaps) + 1
    return [np.insert(np.asarray(along, np.float64), places, np.nan) for along in coordinates]
