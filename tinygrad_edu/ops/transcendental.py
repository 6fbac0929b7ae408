"""Rows of exponentials, logarithms, trigonometric and hyperbolic functions, entry by entry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.ops.activations import sigmoid
from tinygrad_edu.ops.table import Op, define

_LOG_2, _LOG_10 = math.log(2), math.log(10)

# -------------------------------------------------------------------------- exponentials, logarithms
exp = define(np.exp, lambda g, y, _x: g * y, doc="e to the power of x.")
exp2 = define(np.exp2, lambda g, y, _x: g * (y * _LOG_2), doc="2 to the power of x.", gradient="g y log 2")
expm1 = define(np.expm1, lambda g, _y, x: g * np.exp(x), doc="eˣ - 1, exact for small x.")
log = define(np.log, lambda g, _y, x: g / x, doc="The natural logarithm of x.", domain="x > 0")
log1p = define(np.log1p, lambda g, _y, x: g / (1 + x), doc="log(1 + x), exact for small x.", domain="x > -1")
log2 = define(
    np.log2,
    lambda g, _y, x: g / (x * _LOG_2),
    doc="The logarithm of x to base 2.",
    domain="x > 0",
    gradient="g / (x log 2)",
)
log10 = define(
    np.log10,
    lambda g, _y, x: g / (x * _LOG_10),
    doc="The logarithm of x to base 10.",
    domain="x > 0",
    gradient="g / (x log 10)",
)


def _part(x: Any, y: Any, scale: float = 1.0) -> Any:
    """Compute the part of eˣ in eˣ + eʸ: σ(x - y). Equal infinities have no difference; each is a half."""
    same = (x == y) & np.isinf(x)
    return sigmoid((np.where(same, 0, x) - np.where(same, 0, y)) * scale)


logaddexp = define(
    np.logaddexp,
    lambda g, _z, x, y: g * _part(x, y),
    lambda g, _z, x, y: g * _part(y, x),
    doc="log(eˣ + eʸ), without overflow.",
    gradient="g σ(x - y); g σ(y - x)",
)
logaddexp2 = define(
    np.logaddexp2,
    lambda g, _z, x, y: g * _part(x, y, _LOG_2),
    lambda g, _z, x, y: g * _part(y, x, _LOG_2),
    doc="log₂(2ˣ + 2ʸ), without overflow.",
    gradient="g σ((x - y) log 2); g σ((y - x) log 2)",
)

# ------------------------------------------------------------------------------------------- trigonometric
sin = define(np.sin, lambda g, _y, x: g * np.cos(x), doc="The sine of x.")
cos = define(np.cos, lambda g, _y, x: -g * np.sin(x), doc="The cosine of x.")
tan = define(np.tan, lambda g, y, _x: g * (1 + y * y), doc="The tangent of x.", domain="cos x ≠ 0")
# (1 - x)(1 + x) is 1 - x² without the cancellation near ±1.
arcsin = define(
    np.arcsin, lambda g, _y, x: g / np.sqrt((1 - x) * (1 + x)), doc="The angle whose sine is x.", domain="-1 < x < 1"
)
arccos = define(
    np.arccos, lambda g, _y, x: -g / np.sqrt((1 - x) * (1 + x)), doc="The angle whose cosine is x.", domain="-1 < x < 1"
)
# hypot(x, 1)² is 1 + x², which overflows for large x.
arctan = define(
    np.arctan,
    lambda g, _y, x: g / np.hypot(x, 1) / np.hypot(x, 1),
    doc="The angle whose tangent is x.",
    gradient="g / (1 + x²)",
)


def _radius(y: Any, x: Any) -> Any:
    r = np.hypot(y, x)
    return np.where(r == 0, 1, r)  # the origin has no angle; its slope is taken as 0


arctan2 = define(
    np.arctan2,
    lambda g, _z, y, x: g * (x / _radius(y, x) / _radius(y, x)),
    lambda g, _z, y, x: -g * (y / _radius(y, x) / _radius(y, x)),
    doc="The angle of the point (x, y), seen from the origin; y comes first.",
    domain="(x, y) ≠ (0, 0), and not across the negative x-axis",
    gradient="g x / (x² + y²); -g y / (x² + y²)",
)
deg2rad = define(np.deg2rad, lambda g, _y, _x: np.deg2rad(g), doc="Degrees in radians: π x / 180.", also=(np.radians,))
rad2deg = define(np.rad2deg, lambda g, _y, _x: np.rad2deg(g), doc="Radians in degrees: 180 x / π.", also=(np.degrees,))

# ---------------------------------------------------------------------------------------------- hyperbolic
sinh = define(np.sinh, lambda g, _y, x: g * np.cosh(x), doc="The hyperbolic sine of x.")
cosh = define(np.cosh, lambda g, _y, x: g * np.sinh(x), doc="The hyperbolic cosine of x.")
tanh = define(np.tanh, lambda g, y, _x: g * (1 - y * y), doc="The hyperbolic tangent of x, in (-1, 1).")
arcsinh = define(
    np.arcsinh,
    lambda g, _y, x: g / np.hypot(x, 1),
    doc="The number whose hyperbolic sine is x.",
    gradient="g / √(1 + x²)",
)
arccosh = define(
    np.arccosh,
    lambda g, _y, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    doc="The number whose hyperbolic cosine is x.",
    domain="x > 1",
)
arctanh = define(
    np.arctanh,
    lambda g, _y, x: g / ((1 - x) * (1 + x)),
    doc="The number whose hyperbolic tangent is x.",
    domain="-1 < x < 1",
)


# ---------------------------------------------------------------------------------------------------- sinc
def _sinc_derivative(x: Any, order: int = 1) -> Any:
    """Compute the derivative of some order of j(u) = sin u / u, at u = πx.

    From u j = sin u follows u j⁽ⁿ⁾ = sin⁽ⁿ⁾(u) - n j⁽ⁿ⁻¹⁾, which loses digits where u is smaller than n. There
    the Taylor series of j, differentiated term by term, needs few terms.
    """
    u = np.asarray(np.pi * x)
    near = np.abs(u) < max(order, 1)
    far = np.where(near, max(order, 1), u)
    sines = (np.sin(far), np.cos(far))
    by_recurrence = sines[0] / far
    for n in range(1, order + 1):
        nth = sines[n % 2] if n % 4 < 2 else -sines[n % 2]
        by_recurrence = (nth - n * by_recurrence) / far
    small = np.where(near, u, 0)
    term, by_series = np.ones_like(u), np.zeros_like(u)
    for m in range(20 + 3 * order):  # Σ ± uᵐ / (m! (m + n + 1)), over m + n even
        if (m + order) % 2 == 0:
            by_series += (-1) ** ((m + order) // 2) * term / (m + order + 1)
        term = term * small / (m + 1)
    return np.pi**order * np.where(near, by_series, by_recurrence)


sinc = define(np.sinc, lambda g, _y, x: g * sinc_derivative(x, order=1), doc="sin(πx) / (πx), and 1 at 0.")
# Built from sinc and cos, the slope would be 0 / 0 at 0, and cancel around it.
sinc_derivative: Op = define(
    "sinc_derivative",
    lambda g, _y, x, order=1: g * sinc_derivative(x, order=order + 1),
    forward=_sinc_derivative,
    doc="The derivative of sinc of the first or a higher `order`.",
    gradient="g times the derivative of the next order",
)
