"""Rows that round, and divisions with a remainder, entry by entry.

What rounds is flat between its jumps: its slope is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.table import Rule, define

# Zeros in the shape of g. Not g * 0, which is NaN where g is infinite.
flat: Rule = lambda g, _y, _x: np.where(0, g, 0)  # noqa: E731 - a rule like the others
_flat_of_two: Rule = lambda g, _z, _x, _y: np.where(0, g, 0)  # noqa: E731 - the same
FLAT = "0: flat between its jumps"

# ------------------------------------------------------------------------------------------- rounding
floor = define(np.floor, flat, doc="The largest whole number that is not above x.", domain="x not whole", gradient=FLAT)
ceil = define(np.ceil, flat, doc="The smallest whole number that is not below x.", domain="x not whole", gradient=FLAT)
trunc = define(np.trunc, flat, doc="x without its decimals.", domain="x not whole", gradient=FLAT)
rint = define(
    np.rint,
    flat,
    doc="The nearest whole number; of two, the even one.",
    domain="x not halfway between two whole numbers",
    gradient=FLAT,
)
round_ = define(
    np.round,
    lambda g, _y, _x, decimals=0: np.where(0, g, 0),
    forward=lambda x, decimals=0: np.round(x, decimals),
    doc="x rounded to a number of decimals; of two that are as near, the even one.",
    domain="x not halfway between two such numbers",
    gradient=FLAT,
    also=(np.around,),
)

# ------------------------------------------------------------------------------------------- division
floor_divide = define(
    np.floor_divide,
    _flat_of_two,
    _flat_of_two,
    doc="x / y, rounded down.",
    domain="y ≠ 0, x / y not whole",
    gradient=f"{FLAT}; {FLAT}",
)
remainder = define(
    np.remainder,
    lambda g, _z, _x, _y: g,
    lambda g, _z, x, y: -g * np.floor_divide(x, y),
    doc="What is left of x after division by y, rounded down; it has the sign of y.",
    domain="y ≠ 0, x / y not whole",
    gradient="g; -g ⌊x / y⌋",
)
fmod = define(
    np.fmod,
    lambda g, _z, _x, _y: g,
    # The quotient, rounded towards 0: x / y itself may be rounded up to the next whole number.
    lambda g, z, x, y: -g * np.rint((x - z) / y),
    doc="What is left of x after division by y, rounded towards 0; it has the sign of x.",
    domain="y ≠ 0, x / y not whole",
    gradient="g; -g trunc(x / y)",
)


@compose(np.divmod, domain="y ≠ 0, x / y not whole")
def divmod_(x: Any, y: Any) -> tuple[Any, Any]:
    """The quotient x / y, rounded down, and the remainder."""
    return floor_divide(x, y), remainder(x, y)
