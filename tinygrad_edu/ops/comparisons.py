"""Rows that answer yes or no, entry by entry. They jump, so no gradient flows through them."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.ops.table import define

_JUMPS = "none: the answer jumps from no to yes"

equal = define(np.equal, None, None, doc="Whether x = y.", gradient=_JUMPS)
not_equal = define(np.not_equal, None, None, doc="Whether x ≠ y.", gradient=_JUMPS)
less = define(np.less, None, None, doc="Whether x < y.", gradient=_JUMPS)
less_equal = define(np.less_equal, None, None, doc="Whether x ≤ y.", gradient=_JUMPS)
greater = define(np.greater, None, None, doc="Whether x > y.", gradient=_JUMPS)
greater_equal = define(np.greater_equal, None, None, doc="Whether x ≥ y.", gradient=_JUMPS)

# ---------------------------------------------------------------------------------------------- logic
logical_and = define(np.logical_and, None, None, doc="Whether neither x nor y is 0.", gradient=_JUMPS)
logical_or = define(np.logical_or, None, None, doc="Whether x or y is not 0.", gradient=_JUMPS)
logical_xor = define(np.logical_xor, None, None, doc="Whether one of x and y is 0, and one is not.", gradient=_JUMPS)
logical_not = define(np.logical_not, None, doc="Whether x is 0.", gradient=_JUMPS)
bitwise_and = define(np.bitwise_and, None, None, doc="x and y, bit by bit.", gradient=_JUMPS)
bitwise_or = define(np.bitwise_or, None, None, doc="x or y, bit by bit.", gradient=_JUMPS)
bitwise_xor = define(np.bitwise_xor, None, None, doc="Either x or y, bit by bit.", gradient=_JUMPS)
invert = define(np.invert, None, doc="Not x, bit by bit.", gradient=_JUMPS)

# --------------------------------------------------------------------------------- what kind of number
isfinite = define(np.isfinite, None, doc="Whether x is neither infinite nor NaN.", gradient=_JUMPS)
isinf = define(np.isinf, None, doc="Whether x is infinite.", gradient=_JUMPS)
isnan = define(np.isnan, None, doc="Whether x is NaN.", gradient=_JUMPS)
signbit = define(np.signbit, None, doc="Whether x is below 0, or -0.", gradient=_JUMPS)

# ------------------------------------------------------------------------------------- nearly the same
isclose = define(
    np.isclose,
    None,
    None,
    forward=lambda x, y, rtol=1e-05, atol=1e-08, equal_nan=False: np.isclose(x, y, rtol, atol, equal_nan),
    doc="Whether |x - y| is at most atol + rtol |y|.",
    gradient=_JUMPS,
)
allclose = define(
    np.allclose,
    None,
    None,
    forward=lambda x, y, rtol=1e-05, atol=1e-08, equal_nan=False: np.allclose(x, y, rtol, atol, equal_nan),
    doc="Whether |x - y| is at most atol + rtol |y| for all entries.",
    gradient=_JUMPS,
)
array_equal = define(
    np.array_equal,
    None,
    None,
    forward=lambda x, y, equal_nan=False: np.array_equal(x, y, equal_nan),
    doc="Whether x and y have the same shape and the same entries.",
    gradient=_JUMPS,
)
