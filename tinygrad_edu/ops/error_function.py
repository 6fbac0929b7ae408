"""Rows of the bell curve and the area below it: exp(-x²), erf, erfc.

NumPy does not have erf. Two polynomials make it, one for the middle and one for the tails; each is evaluated for
all entries, since that takes less time than to sort them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.ops.dtypes import as_floats
from tinygrad_edu.ops.room import room
from tinygrad_edu.ops.table import define

if TYPE_CHECKING:
    from collections.abc import Callable

_SLOPE = 2 / math.sqrt(math.pi)
# exp(-40²) is 0 in every dtype, and 40² overflows in none.
_FAR = 40

# Both are Chebyshev series, computed with 60 digits, cut off where the rest is below the rounding of the dtype,
# and written out in powers. MIDDLE is erf(x) / x - 1 in powers of x², for |x| up to 1. TAIL is
# (x + 3) exp(x²) erfc(x) in powers of (x - 5) / (x + 3), which takes all x from 1 to infinity into [-1, 1].
_MIDDLE = (
    0.12837916709551257, -0.37612638903183544, 0.1128379167094513, -0.026866170643256994, 0.0052239776072699453,
    -0.00085483259825432251, 0.00012055295112667001, -1.4924740785377575e-5, 1.6447471190594618e-6,
    -1.6208829856810201e-7, 1.3721520406351094e-8, -7.7985438505499469e-10,
)  # fmt: skip
_TAIL = (
    0.88563710186454901, -0.47966144308433485, 0.22387273334256323, -0.087625716652928643, 0.027317987192582106,
    -0.0059921014446480306, 0.00051115987480782759, 0.00020565983291438273, -8.2853650979265047e-5,
    2.2201334925851605e-6, 6.227274095929632e-6, -1.115539835155743e-6, -4.4449389906874935e-7, 1.5277939953747662e-7,
    3.5923156477260544e-8, -1.8556685554008642e-8, -3.6216476495201088e-9, 2.2212991812778052e-9,
    4.1457782236022589e-10, -2.4416062858086425e-10, -3.4314278606876931e-11, 1.77513129479398e-11,
)  # fmt: skip
_MIDDLE_FLOAT32 = (
    0.128379166, -0.376126269, 0.112835975, -0.0268543288, 0.00518931194, -0.000801885499, 7.88249711e-5,
)  # fmt: skip
_TAIL_FLOAT32 = (
    0.885637112, -0.479661451, 0.223872226, -0.0876255527, 0.0273220937, -0.00599304299, 0.000499440154,
    0.000207903567, -6.89372936e-5, -2.16614165e-7,
)  # fmt: skip


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    y = room(np.full_like(x, coefficients[-1]), x)
    for c in coefficients[-2::-1]:
        y *= x
        y += c
    return y


def _bell(size: Any) -> Any:
    """Compute exp(-x²) for x from 0 to 40, as exactly as exp itself.

    The rounding of x² would be an error of up to x² units in the last place. So x is parted in two: the square of
    the first part, a multiple of 1/64, is exact, and what is left of x² is small.
    """
    first = np.floor(size * 64) / 64
    return np.exp(-first * first) * np.exp((first - size) * (first + size))


def _parts(x: Any) -> tuple[Any, Any, Any]:
    """Give |x|, erf(x), good where |x| <= 1, and erfc(|x|), good elsewhere."""
    short = x.dtype == np.float32
    middle, tail = (_MIDDLE_FLOAT32, _TAIL_FLOAT32) if short else (_MIDDLE, _TAIL)
    size = np.abs(x)
    near, far = np.clip(x, -1, 1), np.clip(size, 1, _FAR)
    inverse = 1 / (far + 3)
    return (
        size,
        near + near * _polynomial(middle, near * near),
        _polynomial(tail, (far - 5) * inverse) * inverse * _bell(far),
    )


def _erf(x: Any) -> Any:
    size, middle, tail = _parts(x)
    return np.where(size <= 1, middle, np.copysign(1 - tail, x))


def _erfc(x: Any) -> Any:
    size, middle, tail = _parts(x)
    return np.where(size <= 1, 1 - middle, np.where(x > 0, tail, 2 - tail))


def _wide(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Compute float16 in float32."""

    def compute(x: Any) -> Any:
        x = as_floats(x)
        return f(x.astype(np.float32)).astype(x.dtype) if x.dtype == np.float16 else f(x)

    return compute


gaussian = define(
    "gaussian",
    # The bounds change nothing but ±inf, where y is 0: the product would be NaN.
    lambda g, y, x: g * (-2 * y * np.clip(x, -_FAR, _FAR)),
    forward=_wide(lambda x: _bell(np.minimum(np.abs(x), _FAR))),
    doc="e to the power of -x², without overflow.",
    gradient="-2 g x y",
)
erf = define(
    "erf",
    lambda g, _y, x: g * (_SLOPE * gaussian(x)),
    forward=_wide(_erf),
    doc="The error function: (2/√π) ∫₀ˣ exp(-t²) dt, in (-1, 1).",
    gradient="g (2/√π) exp(-x²)",
)
erfc = define(
    "erfc",
    lambda g, _y, x: g * (-_SLOPE * gaussian(x)),
    forward=_wide(_erfc),
    doc="1 - erf(x), exact where that is small.",
    gradient="-g (2/√π) exp(-x²)",
)
