"""Rows that make an array like another: of its shape and dtype, but of other entries.

Nothing of the other's values goes in, so no gradient flows back to it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.choices import where
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.table import define

_CONSTANT = "none: the entries do not depend on x"

# np.empty_like gives 0 too: there is nothing to gain from entries that nobody wrote.
zeros_like = define(
    np.zeros_like,
    None,
    forward=lambda x, dtype=None, shape=None: np.zeros_like(x, dtype=dtype, shape=shape),
    doc="Zeros in the shape and dtype of x.",
    gradient=_CONSTANT,
    also=(np.empty_like,),
)
ones_like = define(
    np.ones_like,
    None,
    forward=lambda x, dtype=None, shape=None: np.ones_like(x, dtype=dtype, shape=shape),
    doc="Ones in the shape and dtype of x.",
    gradient=_CONSTANT,
)


@compose(np.full_like)
def full_like(x: Any, fill_value: Any, dtype: Any = None, shape: Any = None) -> Any:
    """One value everywhere, or one that broadcasts, in the shape and dtype of x."""
    zeros = zeros_like(x, dtype=dtype, shape=shape)
    # A choice and not a sum: a sum would turn -0 into 0.
    full = where(True, fill_value, zeros)  # noqa: FBT003 - the condition
    if full.shape != zeros.shape:
        raise ShapeError(f"full_like of shape {zeros.shape} cannot be filled with a value of shape {full.shape}.")
    return full if full.dtype == zeros.dtype else full.astype(zeros.dtype)
