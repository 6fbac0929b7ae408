"""Cases of the rows that compute entry by entry."""

import numpy as np

from tests.cases.case import case

SHAPES = {"0-d": (), "vector": (3,), "matrix": (2, 3), "size 1": (1, 1), "empty": (0, 2)}
# Each with the interval in which it is smooth.
UNARY = {
    "negative": (-2, 2), "positive": (-2, 2), "square": (-2, 2), "reciprocal": (0.5, 2), "sqrt": (0.5, 2),
    "exp": (-2, 2), "expm1": (-2, 2), "log": (0.5, 2), "log1p": (-0.5, 2), "log2": (0.5, 2), "log10": (0.5, 2),
    "sin": (-2, 2), "cos": (-2, 2), "tan": (-1, 1), "arctan": (-2, 2), "sinh": (-2, 2), "cosh": (-2, 2),
    "tanh": (-2, 2), "absolute": (-2, 2), "sign": (-2, 2),
    "fabs": (-2, 2), "cbrt": (0.5, 2), "exp2": (-2, 2), "arcsin": (-0.8, 0.8), "arccos": (-0.8, 0.8),
    "arcsinh": (-2, 2), "arccosh": (1.5, 3), "arctanh": (-0.8, 0.8), "sinc": (-2, 2),
    "deg2rad": (-200, 200), "rad2deg": (-2, 2),
    "floor": (-2, 2), "ceil": (-2, 2), "trunc": (-2, 2), "rint": (-2, 2), "round": (-2, 2), "nan_to_num": (-2, 2),
}  # fmt: skip
WITHOUT_NUMPY = {
    "identity": lambda x: x,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.where(x > 0, x, np.zeros_like(x)),
    "softplus": lambda x: np.log(1 + np.exp(x)),
}
ELEMENTWISE = [
    *(case(op, form, s, low=a, high=b) for op, (a, b) in UNARY.items() for form, s in SHAPES.items()),
    *(case(op, form, s, reference=f) for op, f in WITHOUT_NUMPY.items() for form, s in SHAPES.items()),
    case("reciprocal", "below zero", (3,), low=-2, high=-0.5),
    case("cbrt", "below zero", (3,), low=-2, high=-0.5),
    case("deg2rad", "as np.radians", (3,), numpy=np.radians),
    case("rad2deg", "as np.degrees", (3,), numpy=np.degrees),
    case("astype", "float64", (2, 3), dtype=np.float64, reference=lambda x: x.astype(np.float64)),
    case("astype", "float32", (2, 3), dtype=np.float32, reference=lambda x: x.astype(np.float32), smooth=False),
]
EXPONENTS = (2, 3, -1, -2, 1, 0, 0.5, -1.5)
POWERS = [
    *(
        case("constant_power", f"exponent {e}", (2, 2), low=0.5, exponent=e, reference=lambda x, e=e: np.power(x, e))
        for e in EXPONENTS
    ),
    *(
        case("constant_power", f"exponent {e} below zero", (3,), low=-2, high=-0.5, exponent=e, reference=r)
        for e, r in ((3, lambda x: x * x * x), (2, lambda x: x * x), (-1, lambda x: 1 / x))
    ),
    case(
        "power",
        "exponents 2, 3, -1, 0 of bases below zero",
        (4,),
        np.array([2, 3, -1, 0], np.float32),
        low=-2,
        high=-0.5,
    ),
    case("power", "base a Python number", 2.0, (2, 3)),
    case("power", "base an array", np.array([2.0, 0.5, 3.0], np.float32), (2, 3)),
    case("power", "exponent a Python number", (2, 3), 3, low=0.5),
]

# --------------------------------------------------------------------------------------- two inputs
PAIRS = {
    "equal shapes": ((2, 3), (2, 3)),
    "0-d and 0-d": ((), ()),
    "0-d and matrix": ((), (2, 3)),
    "matrix and 0-d": ((2, 3), ()),
    "row": ((2, 3), (3,)),
    "column": ((2, 1), (2, 3)),
    "column and row": ((2, 1), (1, 3)),
    "both stretched": ((3, 1, 2), (2, 1)),
    "size 1 against more axes": ((1,), (2, 1, 3)),
    "axes of length 1 on both": ((1, 3), (1, 1)),
    "empty and row": ((0, 3), (3,)),
    "empty and size 1": ((0,), (1,)),
}
BINARY = {
    "add": (-2, 2), "subtract": (-2, 2), "multiply": (-2, 2), "divide": (0.5, 2), "power": (0.5, 2),
    "maximum": (-2, 2), "minimum": (-2, 2), "fmax": (-2, 2), "fmin": (-2, 2), "copysign": (-2, 2),
    "heaviside": (-2, 2), "hypot": (-2, 2), "arctan2": (0.5, 2), "logaddexp": (-2, 2), "logaddexp2": (-2, 2),
    # Between 1 and 2, x / y is never whole.
    "remainder": (1, 2), "fmod": (1, 2), "floor_divide": (1, 2),
}  # fmt: skip
NUMBER_ON_EITHER_SIDE = (
    "subtract",
    "multiply",
    "divide",
    "copysign",
    "hypot",
    "arctan2",
    "logaddexp",
    "remainder",
    "fmod",
)
MASK = np.array([[True, False, True], [False, False, True]])
BROADCAST = [
    *(case(op, form, *pair, low=a, high=b) for op, (a, b) in BINARY.items() for form, pair in PAIRS.items()),
    *(
        case(
            "binary_cross_entropy_with_logits",
            form,
            *pair,
            reference=lambda x, t: np.log(1 + np.exp(x)) - x * t,
        )
        for form, pair in PAIRS.items()
    ),
    *(case(op, "and a Python number", (2, 3), 0.625) for op in (*NUMBER_ON_EITHER_SIDE, "add", "maximum", "fmin")),
    *(case(op, "of a Python number", 0.625, (2, 3), low=0.5) for op in (*NUMBER_ON_EITHER_SIDE, "minimum", "fmax")),
    *(
        case(op, f"{x} by {y}", (2, 3), y, low=a, high=b)
        for op in ("remainder", "fmod", "floor_divide")
        for x, y, a, b in (("above zero", -0.7, 0, 4), ("below zero", 0.7, -4, 0), ("below zero", -0.7, -4, 0))
    ),
    *(
        case("arctan2", f"x {side}", np.array([-1.5, -0.5, 0.5, 1.5], np.float32), (4,), low=low, high=low + 1.5)
        for side, low in (("above zero", 0.5), ("below zero", -2.0))
    ),
    case("divide", "integers below", (2, 3), np.array([1, 2, 4], np.int8)),
    case("where", "equal shapes", MASK, (2, 3), (2, 3)),
    case("where", "condition broadcast", MASK[:, :1], (2, 3), (3,)),
    case("where", "branches broadcast", MASK, (), (2, 1)),
    case("where", "0-d", np.array(True), (), ()),  # noqa: FBT003 - an entry
    case("where", "a Python number on one side", MASK, (2, 3), 0.0),
]

CASES = [*ELEMENTWISE, *POWERS, *BROADCAST]

# ------------------------------------------------------------------------------- without a derivative
ODD = np.array([np.inf, 1.0, -0.0, np.nan, -np.inf, 0.0])
BITS = np.array([[1, 2, 3], [4, 5, 6]])
WITHOUT_GRADIENT = [
    *(
        case(op, form, *pair)
        for op in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
        for form, pair in PAIRS.items()
    ),
    *(
        case(op, form, *pair)
        for op in ("logical_and", "logical_or", "logical_xor", "isclose", "allclose", "array_equal")
        for form, pair in PAIRS.items()
    ),
    *(case(op, "masks", MASK, MASK[::-1]) for op in ("bitwise_and", "bitwise_or", "bitwise_xor")),
    *(case(op, "integers", BITS, BITS[::-1]) for op in ("bitwise_and", "bitwise_or", "bitwise_xor")),
    *(case(op, "zeros and others", np.array([0.0, 1.0, 0.0, np.nan]), np.array([0.0, 0.0, 2.0, 0.0]))
      for op in ("logical_and", "logical_or", "logical_xor")),
    case("invert", "mask", MASK),
    case("invert", "integers", BITS),
    case("logical_not", "numbers", (2, 3)),
    case("logical_not", "zeros and others", ODD),
    *(case(op, "numbers", (2, 3)) for op in ("isfinite", "isinf", "isnan", "signbit")),
    *(case(op, "not numbers", ODD) for op in ("isfinite", "isinf", "isnan", "signbit")),
    *(case(op, "and a number, with tolerances", (2, 3), 0.5, rtol=0.25, atol=0.5) for op in ("isclose", "allclose")),
    *(case(op, "far tolerance", (2, 3), 0.5, rtol=0.0, atol=9.0) for op in ("isclose", "allclose")),
    *(case(op, "NaN is itself", ODD, ODD, equal_nan=True) for op in ("isclose", "allclose", "array_equal")),
    *(case(op, "NaN is nothing", ODD, ODD) for op in ("isclose", "allclose", "array_equal")),
    case("array_equal", "of two shapes", (2,), (3,)),
]  # fmt: skip
