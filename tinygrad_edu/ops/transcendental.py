"""Rows of exponentials, logarithms, trigonometric and hyperbolic functions, entry by entry."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.ops.table import define

# -------------------------------------------------------------------------- exponentials, logarithms
exp = define(np.exp, lambda g, y, _x: g * y, doc="e to the power of x.")
expm1 = define(np.expm1, lambda g, y, _x: g * (y + 1), doc="eˣ - 1, exact for small x.")
log = define(np.log, lambda g, _y, x: g / x, doc="The natural logarithm of x.", domain="x > 0")
log1p = define(np.log1p, lambda g, _y, x: g / (1 + x), doc="log(1 + x), exact for small x.", domain="x > -1")
log2 = define(np.log2, lambda g, _y, x: g / (x * float(np.log(2))), doc="The logarithm of x to base 2.", domain="x > 0")
log10 = define(
    np.log10, lambda g, _y, x: g / (x * float(np.log(10))), doc="The logarithm of x to base 10.", domain="x > 0"
)

# --------------------------------------------------------------------------- trigonometric, hyperbolic
sin = define(np.sin, lambda g, _y, x: g * np.cos(x), doc="The sine of x.")
cos = define(np.cos, lambda g, _y, x: -g * np.sin(x), doc="The cosine of x.")
tan = define(np.tan, lambda g, y, _x: g * (1 + y * y), doc="The tangent of x.", domain="cos x ≠ 0")
arctan = define(np.arctan, lambda g, _y, x: g / (1 + x * x), doc="The angle whose tangent is x.")
sinh = define(np.sinh, lambda g, _y, x: g * np.cosh(x), doc="The hyperbolic sine of x.")
cosh = define(np.cosh, lambda g, _y, x: g * np.sinh(x), doc="The hyperbolic cosine of x.")
tanh = define(np.tanh, lambda g, y, _x: g * (1 - y * y), doc="The hyperbolic tangent of x, in (-1, 1).")
