"""Rows that choose, entry by entry: the larger of two, one side of a condition, the sign dropped.

At a kink there is no derivative. These rows make the usual choices: 0 for abs(x) at 0, and half to each side of a
tie between two inputs, so that ``maximum(x, x)`` has the derivative of x. A bound is no partner in a tie: where x
lies on it, clip hands the whole gradient to x.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import ArgumentError
from tinygrad_edu.ops.arithmetic import positive
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.rounding import FLAT, flat
from tinygrad_edu.ops.table import define

# ----------------------------------------------------------------------------------------------- signs
absolute = define(np.absolute, lambda g, _y, x: g * np.sign(x), doc="x without its sign.", domain="x ≠ 0")
fabs = define(np.fabs, lambda g, _y, x: g * np.sign(x), doc="x without its sign, as a float.", domain="x ≠ 0")
sign = define(np.sign, flat, doc="-1, 0 or 1.", domain="x ≠ 0", gradient=FLAT)
copysign = define(
    np.copysign,
    lambda g, _z, x, y: np.where(x == 0, 0, np.where(np.signbit(x) == np.signbit(y), g, -g)),
    lambda g, _z, _x, _y: np.where(0, g, 0),
    doc="x with the sign of y.",
    domain="x ≠ 0, y ≠ 0",
    gradient=f"g or -g, as the sign was kept or not, and 0 where x is 0; {FLAT}",
)
heaviside = define(
    np.heaviside,
    lambda g, _z, _x, _h: np.where(0, g, 0),
    lambda g, _z, x, _h: np.where(x == 0, g, 0),
    doc="0 where x is below 0, 1 where it is above, h where it is 0.",
    domain="x ≠ 0",
    gradient=f"{FLAT}; g where x is 0, else 0",
)

# ---------------------------------------------------------------------------------------- larger, smaller
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
# The same, but that NaN loses against any number.
fmax = define(
    np.fmax,
    lambda g, _z, x, y: np.where((x > y) | np.isnan(y), g, np.where(x == y, g * 0.5, 0)),
    lambda g, _z, x, y: np.where((y > x) | np.isnan(x), g, np.where(x == y, g * 0.5, 0)),
    doc="The larger of x and y, or the one that is a number; a tie shares the gradient.",
    domain="x ≠ y",
    gradient="g where x > y or y is NaN, g/2 where x = y, else 0; and the other way round",
)
fmin = define(
    np.fmin,
    lambda g, _z, x, y: np.where((x < y) | np.isnan(y), g, np.where(x == y, g * 0.5, 0)),
    lambda g, _z, x, y: np.where((y < x) | np.isnan(x), g, np.where(x == y, g * 0.5, 0)),
    doc="The smaller of x and y, or the one that is a number; a tie shares the gradient.",
    domain="x ≠ y",
    gradient="g where x < y or y is NaN, g/2 where x = y, else 0; and the other way round",
)

# ---------------------------------------------------------------------------------------------- bounds
# np.clip also takes a bound that the dtype cannot hold, as -1 for uint8; the others take a plain number for x as weak.
clamp_min = define(
    "clamp_min",
    lambda g, _z, x, low: np.where(x >= low, g, 0),
    lambda g, _z, x, low: np.where(x < low, g, 0),
    forward=lambda x, low: np.clip(x, low, None) if isinstance(x, np.ndarray) else np.maximum(x, low),
    doc="x, but at least a lower bound.",
    domain="x ≠ low",
    gradient="g where x ≥ low, else 0; g where x < low, else 0",
)
clamp_max = define(
    "clamp_max",
    lambda g, _z, x, high: np.where(x <= high, g, 0),
    lambda g, _z, x, high: np.where(x > high, g, 0),
    forward=lambda x, high: np.clip(x, None, high) if isinstance(x, np.ndarray) else np.minimum(x, high),
    doc="x, but at most an upper bound.",
    domain="x ≠ high",
    gradient="g where x ≤ high, else 0; g where x > high, else 0",
)


@compose(np.clip, domain="x ≠ a_min, x ≠ a_max")
def clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:  # noqa: A002 - NumPy's names
    """The number x, kept between two bounds; None is no bound, and of bounds that cross the upper one counts."""
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise ArgumentError("clip was given the same bound twice, under NumPy's old name and the new. Give one.")
    low, high = a_min if min is None else min, a_max if max is None else max
    if low is None and high is None:
        return positive(x)
    above = x if low is None else clamp_min(x, low)
    return above if high is None else clamp_max(above, high)


# ------------------------------------------------------------------------------------------- conditions
where = define(
    np.where,
    None,
    lambda g, _z, condition, _x, _y: np.where(condition, g, 0),
    lambda g, _z, condition, _x, _y: np.where(condition, 0, g),
    doc="x where the condition holds, y elsewhere.",
    gradient="none; g where the condition holds, else 0; 0 where it holds, else g",
)
nan_to_num = define(
    np.nan_to_num,
    lambda g, _y, x, nan=0.0, posinf=None, neginf=None: np.where(np.isfinite(x), g, 0),
    forward=lambda x, nan=0.0, posinf=None, neginf=None: np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf),
    doc="x with numbers for NaN and ±inf: 0 and the largest that there are, or those given.",
    gradient="g where x is finite, else 0",
)
