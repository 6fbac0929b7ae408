"""Averages, spreads and ranks along axes: compositions of sums, extremes and sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.reductions import Axis, max, min  # noqa: A004 - the rows


@compose(np.ptp)
def ptp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: FBT001, FBT002 - as NumPy's
    """The largest entry less the smallest, along `axis`."""
    return max(x, axis=axis, keepdims=keepdims) - min(x, axis=axis, keepdims=keepdims)
