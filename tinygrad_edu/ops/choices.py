"""Rows that choose, entry by entry: the larger of two, one side of a condition, the sign dropped.

At a kink there is no derivative. These rows make the usual choices: 0 for abs(x) at 0, and half to each side of a
tie between two inputs, so that ``maximum(x, x)`` has the derivative of x.
"""

from __future__ import annotations

import numpy as np

from tinygrad_edu.ops.table import define

absolute = define(np.absolute, lambda g, _y, x: g * np.sign(x), doc="x without its sign.", domain="x ≠ 0")
maximum = define(
    np.maximum,
    lambda g, _z, x, y: np.where(x > y, g, np.where(x == y, g * 0.5, 0)),
    lambda g, _z, x, y: np.where(y > x, g, np.where(x == y, g * 0.5, 0)),
    doc="The larger of x and y; a tie shares the gradient.",
    domain="x ≠ y",
    gradient="g where x > y, g/2 where x = y, else 0; and the other way round",
)
minimum = define(
    np.minimum,
    lambda g, _z, x, y: np.where(x < y, g, np.where(x == y, g * 0.5, 0)),
    lambda g, _z, x, y: np.where(y < x, g, np.where(x == y, g * 0.5, 0)),
    doc="The smaller of x and y; a tie shares the gradient.",
    domain="x ≠ y",
    gradient="g where x < y, g/2 where x = y, else 0; and the other way round",
)
where = define(
    np.where,
    None,
    lambda g, _z, condition, _x, _y: np.where(condition, g, 0),
    lambda g, _z, condition, _x, _y: np.where(condition, 0, g),
    doc="x where the condition holds, y elsewhere.",
    gradient="none; g where the condition holds, else 0; 0 where it holds, else g",
)
sign = define(np.sign, lambda g, _y, _x: g * 0, doc="-1, 0 or 1.", domain="x ≠ 0", gradient="0: flat almost everywhere")
