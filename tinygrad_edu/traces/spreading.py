"""Some of many: which of n things to look at where all of them would take too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["spread"]


def spread(n: int, most: int) -> NDArray[np.int64]:
    """Choose at most so many of 0 ... n - 1, evenly spaced, the first and the last among them.

    Examples
    --------
    >>> spread(3, 100).tolist(), spread(11, 3).tolist()
    ([0, 1, 2], [0, 5, 10])
    """
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))
