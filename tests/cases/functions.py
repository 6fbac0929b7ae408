"""Cases of activations, of the error function, of bounds and of rounding: entry by entry, with options."""

import numpy as np
from scipy import special

from tests.cases.case import case
from tests.cases.elementwise import PAIRS, SHAPES
from tinygrad_edu import ops


def softplus(x):
    return np.log(1 + np.exp(x))


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


def hardsigmoid(x):
    return np.minimum(np.maximum(x + 3, 0), 6) / 6


# --------------------------------------------------------------------------------------------- activations
# Each in its textbook form, and an interval around its kinks.
ACTIVATIONS = {
    "log_sigmoid": (lambda x: -softplus(-x), -2, 2),
    "softsign": (lambda x: x / (1 + abs(x)), -2, 2),
    "leaky_relu": (lambda x: np.maximum(x, 0.01 * x), -2, 2),
    "elu": (elu, -2, 2),
    "selu": (lambda x: 1.0507009873554804934193349852946 * elu(x, 1.6732632423543772848170429916717), -2, 2),
    "hardtanh": (lambda x: np.minimum(np.maximum(x, -1), 1), -2, 2),
    "hardsigmoid": (hardsigmoid, -5, 5),
    "relu6": (lambda x: np.minimum(np.maximum(x, 0), 6), -2, 8),
    "hardswish": (lambda x: x * hardsigmoid(x), -5, 5),
    "silu": (lambda x: x / (1 + np.exp(-x)), -2, 2),
    "mish": (lambda x: x * np.tanh(softplus(x)), -2, 2),
    "gelu": (lambda x: x * special.ndtr(x), -2, 2),
    "erf": (special.erf, -2, 2),
    "erfc": (special.erfc, -2, 2),
    "gaussian": (lambda x: np.exp(-(x**2)), -2, 2),
    "sinc_derivative": (lambda x: (np.cos(np.pi * x) - np.sinc(x)) / x, -2, 2),
}
OPTIONS = [
    case("leaky_relu", "negative_slope", (2, 3), negative_slope=0.3, reference=lambda x: np.maximum(x, 0.3 * x)),
    case("leaky_relu", "slope above 1", (2, 3), negative_slope=2.0, reference=lambda x: np.minimum(x, 2 * x)),
    case("leaky_relu", "slope 0", (2, 3), negative_slope=0, reference=lambda x: np.maximum(x, 0)),
    case("elu", "alpha", (2, 3), alpha=0.3, reference=lambda x: elu(x, 0.3)),
    case("hardtanh", "min_val and max_val", (2, 3), min_val=-0.75, max_val=0.3, reference=lambda x: x.clip(-0.75, 0.3)),
    case("hardtanh", "whole bounds", (2, 3), min_val=0, max_val=1, reference=lambda x: x.clip(0, 1)),
    case("gelu", 'approximate="none"', (2, 3), approximate="none", reference=lambda x: x * special.ndtr(x)),
    case(
        "gelu",
        'approximate="tanh"',
        (2, 3),
        approximate="tanh",
        reference=lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    *(case("erf", f"from {a} to {b}", (4, 3), low=a, high=b, reference=special.erf) for a, b in ((-6, -1), (0.8, 5))),
    *(case("erfc", f"from {a} to {b}", (4, 3), low=a, high=b, reference=special.erfc) for a, b in ((-6, -1), (0.8, 5))),
    case("sinc", "around 0", (4,), low=-1e-3, high=1e-3),
    case("sinc", "far from 0", (4,), low=3.1, high=5.7),
    case(
        "sinc_derivative",
        "order 2",
        (2, 3),
        order=2,
        # From x f'' + 2 f' = -π² x f.
        reference=lambda x: -(np.pi**2) * np.sinc(x) - 2 * (np.cos(np.pi * x) - np.sinc(x)) / x**2,
    ),
]


class Narrowed(type(OPTIONS[0])):
    """A case that computes in float64 whatever it is given: its result is put back into the dtype of its input."""

    def call(self, *floats):
        out = super().call(*floats)
        return out.astype(floats[0].dtype)


def float_power(form, *arguments, low=0.5, high=2.0):
    return Narrowed("float_power", form, arguments, {}, low, high, numpy=np.float_power)


FLOAT_POWERS = [
    *(float_power(form, *pair) for form, pair in PAIRS.items()),
    float_power("exponent a Python number", (2, 3), 3),
    float_power("base a Python number", 2.0, (2, 3)),
    float_power("exponents 2, 3, -1, 0 of bases below zero", (4,), np.array([2, 3, -1, 0]), low=-2.0, high=-0.5),
]

# -------------------------------------------------------------------------------------------------- bounds
LOW, HIGH = np.array([-0.5, 0.1, -3.0], np.float32), np.array([[0.7], [1.5]], np.float32)
BOUNDS = [
    *(
        case(op, form, *pair, reference=f)
        for op, f in {"clamp_min": np.maximum, "clamp_max": np.minimum}.items()
        for form, pair in PAIRS.items()
    ),
    case("clamp_min", "a Python number", (2, 3), 0.5, reference=np.maximum),
    case("clamp_max", "of a Python number", 0.5, (2, 3), reference=np.minimum),
    case("clip", "two positions", (2, 3), -0.5, 0.7),
    case("clip", "whole bounds", (2, 3), -1, 1),
    case("clip", "a_min", (2, 3), a_min=-0.5, numpy=lambda x: np.clip(x, a_min=-0.5, a_max=None)),
    case("clip", "a_max", (2, 3), a_max=0.7, numpy=lambda x: np.clip(x, a_min=None, a_max=0.7)),
    case("clip", "a_min and a_max", (2, 3), a_min=-0.5, a_max=0.7),
    case("clip", "None below", (2, 3), None, 0.7),
    case("clip", "None above", (2, 3), -0.5, None),
    case("clip", "None twice", (2, 3), None, None),
    case("clip", "min", (2, 3), min=-0.5),
    case("clip", "max", (2, 3), max=0.7),
    case("clip", "min and max", (2, 3), min=-0.5, max=0.7),
    case("clip", "arrays", (2, 3), LOW, HIGH),
    case("clip", "bounds with gradients", (2, 3), (3,), (2, 1)),
    case("clip", "a bound with a gradient", np.array([-3.0, 0.5, 3.0], np.float32), (3,), 0.9),
    case("clip", "0-d", (), -0.5, 0.7),
    case("clip", "empty", (0, 2), -0.5, 0.7),
    case("clip", "the upper bound is below the lower", (2, 3), 1, -1),
]

# ------------------------------------------------------------------------------------------------ rounding
DIVMODS = {
    "quotient and remainder": (((2, 3), (3,)), 1, 2),
    "by a Python number": (((2, 3), 0.7), -4, 0),
    "by a number below zero": (((2, 3), -0.7), 0, 4),
    "of a Python number": ((3, (2, 3)), 1.6, 2.9),
}
ROUNDING = [
    case("round", "decimals", (2, 3), decimals=1),
    case("round", "decimals by position", (2, 3), decimals=1, numpy=lambda x: np.round(x, 1)),
    case("round", "decimals before the point", (2, 3), decimals=-1, low=-20, high=20),
    case("round", "as np.around", (2, 3), decimals=1, numpy=lambda x: np.around(x, decimals=1)),
    *(
        case(
            "divmod",
            f"{form}, {part}",
            *pair,
            low=a,
            high=b,
            numpy=lambda x, y, i=i: np.divmod(x, y)[i],
            ours=lambda x, y, i=i: ops.divmod(x, y)[i],
        )
        for form, (pair, a, b) in DIVMODS.items()
        for i, part in enumerate(("quotient", "remainder"))
    ),
    case("nan_to_num", "all numbers given", (2, 3), nan=1.0, posinf=2.0, neginf=-2.0),
    case("nan_to_num", "with copy=", (2, 3), numpy=lambda x: np.nan_to_num(x, copy=True, nan=0.5), nan=0.5),
]

# ---------------------------------------------------------------------------------------------- in between
WEIGHTS = {
    "weight a Python number": ((2, 3), (3,), 0.25),
    "weight an array": ((2, 3), (2, 1), np.array([0.25, 0.5, 2.0], np.float32)),
    "weight with a gradient": ((2, 3), (), (3,)),
    "0-d": ((), (), 0.5),
    "empty": ((0, 2), (2,), 0.5),
}
LERPS = [
    case("lerp", form, *arguments, reference=lambda x, y, w: (1 - w) * x + w * y) for form, arguments in WEIGHTS.items()
]

CASES = [
    *(
        case(op, form, s, reference=f, low=a, high=b)
        for op, (f, a, b) in ACTIVATIONS.items()
        for form, s in SHAPES.items()
    ),
    *OPTIONS,
    *FLOAT_POWERS,
    *BOUNDS,
    *ROUNDING,
    *LERPS,
]
