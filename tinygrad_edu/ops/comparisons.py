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
bitwise_and = define(np.bitwise_and, None, None, doc="x and y, bit by bit.", gradient=_JUMPS)
bitwise_or = define(np.bitwise_or, None, None, doc="x or y, bit by bit.", gradient=_JUMPS)
invert = define(np.invert, None, doc="Not x, bit by bit.", gradient=_JUMPS)
isfinite = define(np.isfinite, None, doc="Whether x is neither infinite nor NaN.", gradient=_JUMPS)
