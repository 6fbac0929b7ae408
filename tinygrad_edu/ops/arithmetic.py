"""Rows of arithmetic, entry by entry: sums, products, quotients, powers."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.table import define

# ----------------------------------------------------------------------------------------- arithmetic
add = define(np.add, lambda g, _z, _x, _y: g, lambda g, _z, _x, _y: g, doc="x + y.")
subtract = define(np.subtract, lambda g, _z, _x, _y: g, lambda g, _z, _x, _y: -g, doc="x - y.")
multiply = define(np.multiply, lambda g, _z, _x, y: g * y, lambda g, _z, x, _y: g * x, doc="x y, entry by entry.")
divide = define(np.divide, lambda g, _z, _x, y: g / y, lambda g, z, _x, y: -g * z / y, doc="x / y.", domain="y ≠ 0")
negative = define(np.negative, lambda g, _y, _x: -g, doc="-x.")
positive = define(np.positive, lambda g, _y, _x: g, doc="+x.")
square = define(np.square, lambda g, _y, x: g * (2 * x), doc="x².")
reciprocal = define(np.reciprocal, lambda g, y, _x: -g * (y * y), doc="1 / x.", domain="x ≠ 0")
identity = define("identity", lambda g, _y, _x: g, forward=lambda x: x, view=True, doc="x itself.")
astype = define(
    "astype",
    lambda g, _y, _x, dtype: g,
    forward=lambda x, dtype: x.astype(dtype),
    doc="A copy in another dtype; the gradient comes back in the tensor's own.",
    gradient="g, in the dtype of x",
)


@compose("lerp")
def lerp(x: Any, y: Any, weight: Any) -> Any:
    """The number that lies the part `weight` of the way from x to y."""
    return x + weight * (y - x)


# --------------------------------------------------------------------------------------------- powers
def _power_wrt_exponent(g: Any, z: Any, x: Any, y: Any) -> Any:
    # x**y = exp(y log x). Where x is 0 the logarithm is not, but the power stays 0 for every y > 0,
    # so its slope is 0; where x is negative and y is not an integer, z is NaN and so is the slope.
    base = np.where((x == 0) & (y >= 0), 1, x)
    return g * z * np.log(base)


def _power_wrt_base(g: Any, _z: Any, x: Any, y: Any) -> Any:
    # Where y is 0 the power is 1 for every x; y * x**(y - 1) would be 0 * inf at x = 0.
    return g * (y * np.power(x, np.where(y == 0, 1, y - 1)))


power = define(
    np.power,
    _power_wrt_base,
    _power_wrt_exponent,
    doc="x to the power of y.",
    domain="x > 0, or y whole",
    gradient="g y xʸ⁻¹; g z log x",
)


def _constant_power(x: Any, exponent: float) -> Any:
    return x**exponent


# An exponent that is a Python number: the usual case, x**2, which NumPy computes without a logarithm.
constant_power = define(
    "constant_power",
    lambda g, _y, x, exponent: g * (exponent * x ** (exponent - 1)) if exponent else g * 0,
    forward=_constant_power,
    doc="x to the power of a plain number n.",
    domain="x > 0, or n whole",
    gradient="g n xⁿ⁻¹",
)
# As NumPy's, it computes in float64 whatever it is given.
float_power = define(
    np.float_power,
    _power_wrt_base,
    _power_wrt_exponent,
    doc="x to the power of y, in float64.",
    domain="x > 0, or y whole",
    gradient="g y xʸ⁻¹; g z log x",
)

# ---------------------------------------------------------------------------------------------- roots
sqrt = define(np.sqrt, lambda g, y, _x: g / (2 * y), doc="The square root of x.", domain="x > 0")
cbrt = define(np.cbrt, lambda g, y, _x: g / (3 * y * y), doc="The cube root of x.", domain="x ≠ 0")


def _hypot_wrt_x(g: Any, z: Any, x: Any, _y: Any) -> Any:
    # At the origin there is no slope; 0 is the choice, as for |x|.
    return g * (x / np.where(z == 0, 1, z))


hypot = define(
    np.hypot,
    _hypot_wrt_x,
    lambda g, z, _x, y: _hypot_wrt_x(g, z, y, _x),
    doc="√(x² + y²), without overflow.",
    domain="(x, y) ≠ (0, 0)",
    gradient="g x / z, and 0 at the origin; g y / z, and 0 at the origin",
)
