"""Rows of activations: what stands between the layers of a network, entry by entry."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.dtypes import as_floats
from tinygrad_edu.ops.error_function import erfc
from tinygrad_edu.ops.table import define


# ------------------------------------------------------------------------------------------ smooth steps
def _sigmoid(x: Any) -> Any:
    # exp(-|x|) never overflows; 1 / (1 + exp(-x)) would at x = -1000.
    x = as_floats(x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def _log_sigmoid(x: Any) -> Any:
    x = as_floats(x)
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


sigmoid = define(
    "sigmoid", lambda g, y, _x: g * (y * (1 - y)), forward=_sigmoid, doc="1 / (1 + e⁻ˣ), in (0, 1), without overflow."
)
log_sigmoid = define(
    "log_sigmoid",
    lambda g, _y, x: g * sigmoid(-x),
    forward=_log_sigmoid,
    doc="The logarithm of sigmoid, without overflow.",
)
softsign = define(
    "softsign",
    lambda g, _y, x: g * np.square(1 / (1 + np.abs(x))),
    forward=lambda x: x / (1 + np.abs(as_floats(x))),
    doc="x / (1 + |x|), in (-1, 1).",
    gradient="g / (1 + |x|)²",
)


# ---------------------------------------------------------------------------------------------- hinges
# The maximum of two arrays is vectorised, that of an array and a number is not: 1.5 µs against 2.3 for 32 × 128.
# In the rule sign(y) is 0 or 1, and a float already: 1.1 µs against 1.9 for g * (y > 0) at 32 × 16.
# The zeros lie in memory as x does, so that the result does too.
def _relu(x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return np.maximum(x, 0)
    return np.maximum(x, np.zeros(x.shape, x.dtype) if x.flags.c_contiguous else np.zeros_like(x))


relu = define(
    "relu",
    lambda g, y, _x: g * np.sign(y),
    forward=_relu,
    doc="max(x, 0); the slope at 0 is taken as 0.",
    domain="x ≠ 0",
)
leaky_relu = define(
    "leaky_relu",
    lambda g, _y, x, negative_slope=0.01: np.where(x > 0, g, g * negative_slope),
    forward=lambda x, negative_slope=0.01: np.where(x > 0, x, x * negative_slope),
    doc="x where it is above 0, x times `negative_slope` elsewhere.",
    domain="x ≠ 0",
    gradient="g where x > 0, else g times negative_slope",
)
# Of the branch that is not taken, e to the power of a large x would overflow.
elu = define(
    "elu",
    lambda g, _y, x, alpha=1.0: np.where(x > 0, g, g * (alpha * np.exp(np.minimum(x, 0)))),
    forward=lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
    doc="x where it is above 0, α (eˣ - 1) elsewhere.",
    domain="x ≠ 0",
    gradient="g where x > 0, else g α eˣ",
)
softplus = define(
    "softplus",
    lambda g, _y, x: g * sigmoid(x),
    forward=lambda x: np.logaddexp(x, 0),
    doc="log(1 + eˣ), without overflow.",
)


@compose("selu", domain="x ≠ 0")
def selu(x: Any) -> Any:
    """elu, scaled so that mean 0 and variance 1 of the inputs carry over from layer to layer."""
    # Klambauer et al., Self-normalizing neural networks, 2017: the α and λ with the fixed point (0, 1).
    return elu(x, alpha=1.6732632423543772) * 1.0507009873554805


# -------------------------------------------------------------------------------------- between bounds
# Beyond the bounds nothing passes, not even an infinite gradient; but where x is NaN so is the slope.
def _between(x: Any, low: float, high: float, g: Any) -> Any:
    return np.where((x > low) & (x < high), g, np.where(x == x, 0, x))  # noqa: PLR0124 - NaN is not itself


hardtanh = define(
    "hardtanh",
    lambda g, _y, x, min_val=-1.0, max_val=1.0: _between(x, min_val, max_val, g),
    forward=lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val),
    doc="x, kept between `min_val` and `max_val`; the slope at the bounds is taken as 0.",
    domain="x ≠ min_val, x ≠ max_val",
    gradient="g where min_val < x < max_val, else 0",
)
hardsigmoid = define(
    "hardsigmoid",
    lambda g, _y, x: _between(x, -3, 3, g / 6),
    forward=lambda x: np.clip(x / 6 + 0.5, 0, 1),
    doc="x/6 + 1/2, kept between 0 and 1: sigmoid of straight pieces.",
    domain="x ≠ ±3",
    gradient="g/6 where -3 < x < 3, else 0",
)


@compose("relu6", domain="x ≠ 0, x ≠ 6")
def relu6(x: Any) -> Any:
    """The number x, kept between 0 and 6."""
    return hardtanh(x, min_val=0, max_val=6)


@compose("hardswish", domain="x ≠ ±3")
def hardswish(x: Any) -> Any:
    """The product x hardsigmoid(x): silu of straight and parabolic pieces."""
    return x * hardsigmoid(x)


# ------------------------------------------------------------------------------- x times a smooth step
@compose("silu")
def silu(x: Any) -> Any:
    """The product x sigmoid(x), also called swish."""
    return x * sigmoid(x)


@compose("mish")
def mish(x: Any) -> Any:
    """The product x tanh(softplus(x))."""
    return x * np.tanh(softplus(x))


@compose("gelu")
def gelu(x: Any, approximate: Literal["none", "tanh"] = "none") -> Any:
    """The product of x and the probability that a standard normal number is below x."""
    if approximate == "none":
        return x * (erfc(x * -math.sqrt(1 / 2)) * 0.5)
    if approximate == "tanh":
        # (1 + tanh u) / 2 is sigmoid(2u). Beyond ±35 that is 0 or 1, and in float16 the cube of 41 would overflow.
        inner = hardtanh(x, min_val=-35.0, max_val=35.0)
        return x * sigmoid(math.sqrt(8 / math.pi) * (inner + 0.044715 * (inner * inner * inner)))
    raise OptionError(f'gelu was given approximate={approximate!r}, but takes "none" or "tanh".')
