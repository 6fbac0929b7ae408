"""What rows that NumPy does not have do with integers and masks."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_floats(x: Any) -> Any:
    """Give floats as they are, and integers and masks as float64: 1 + x of a small integer may wrap around.

    Examples
    --------
    >>> as_floats(np.array([200, 255], np.uint8))
    array([200., 255.])
    """
    array = x if hasattr(x, "dtype") else np.asarray(x)
    return array if array.dtype.kind == "f" else array.astype(np.float64)
