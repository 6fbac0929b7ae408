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
    "maximum": (-2, 2), "minimum": (-2, 2),
}  # fmt: skip
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
    *(case(op, "and a Python number", (2, 3), 0.625) for op in ("add", "subtract", "multiply", "divide", "maximum")),
    *(case(op, "of a Python number", 0.625, (2, 3), low=0.5) for op in ("subtract", "multiply", "divide", "minimum")),
    case("divide", "integers below", (2, 3), np.array([1, 2, 4], np.int8)),
    case("where", "equal shapes", MASK, (2, 3), (2, 3)),
    case("where", "condition broadcast", MASK[:, :1], (2, 3), (3,)),
    case("where", "branches broadcast", MASK, (), (2, 1)),
    case("where", "0-d", np.array(True), (), ()),  # noqa: FBT003 - an entry
    case("where", "a Python number on one side", MASK, (2, 3), 0.0),
]

CASES = [*ELEMENTWISE, *POWERS, *BROADCAST]

# ------------------------------------------------------------------------------- without a derivative
WITHOUT_GRADIENT = [
    *(
        case(op, form, *pair)
        for op in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
        for form, pair in PAIRS.items()
    ),
    *(case(op, "masks", MASK, MASK[::-1]) for op in ("bitwise_and", "bitwise_or")),
    case("invert", "mask", MASK),
    case("isfinite", "numbers", (2, 3)),
    case("cast", "whole numbers", (2, 3), dtype=np.int64, reference=lambda x: x.astype(np.int64)),
    case("isfinite", "not numbers", np.array([np.inf, 1.0, np.nan])),
]
