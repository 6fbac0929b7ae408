"""Cases of the rows that make arrays: like another one, or by drawing."""

import numpy as np

from tests.cases.case import case
from tinygrad_edu import ops


class _Restarting:
    """A generator that draws the same numbers at each call, and in each dtype: the checks call a row more than once."""

    def random(self, shape, dtype=np.float64):
        return np.random.default_rng(0).random(shape).astype(dtype)

    def __getattr__(self, name):
        return getattr(np.random.default_rng(0), name)


RESTARTING = _Restarting()
SHAPES = {"0-d": (), "vector": (3,), "matrix": (2, 3), "empty": (0, 2)}

LIKE = [
    *(case(op, form, s) for op in ("zeros_like", "ones_like") for form, s in SHAPES.items()),
    *(
        case(op, form, (2, 3), **options)
        for op in ("zeros_like", "ones_like")
        for form, options in {
            "dtype": {"dtype": np.float64},
            "whole": {"dtype": np.int64},
            "shape": {"shape": (4,)},
            "both": {"dtype": np.float16, "shape": (1, 2)},
        }.items()
    ),
    case("zeros_like", "empty_like", (2, 3), reference=np.zeros_like, numpy=np.empty_like),
    *(case("full_like", f"a constant, {form}", s, 0.5) for form, s in SHAPES.items()),
    case("full_like", "infinity", (2, 3), np.inf),
    case("full_like", "a whole number", (2, 3), 7),
    case("full_like", "of whole numbers", np.array([1, 2]), 0.5, reference=lambda x, v: np.full(2, v).astype(x.dtype)),
    case("full_like", "dtype and shape", (2, 3), 2.0, dtype=np.int64, shape=(2,)),
]
# The value is differentiable; what it is put in place of is not.
FILLED = [
    case(
        "full_like",
        form,
        s,
        ours=lambda value: ops.full_like(np.zeros((2, 3), value.dtype), value),
        reference=lambda value: np.full_like(np.zeros((2, 3), value.dtype), value),
    )
    for form, s in {"a tensor": (), "a row": (3,), "a column": (2, 1)}.items()
]


def _draws(form, op, reference, **options):
    return case(op, form, rng=RESTARTING, reference=lambda: reference(np.random.default_rng(0)), **options)


RANDOM = [
    *(
        _draws(
            dtype, "normal", lambda rng, d=dtype: rng.standard_normal((2, 3), d), shape=(2, 3), dtype=np.dtype(dtype)
        )
        for dtype in ("float32", "float64")
    ),
    _draws(
        "float16", "normal", lambda rng: rng.standard_normal(3).astype("float16"), shape=(3,), dtype=np.dtype("float16")
    ),
    *(
        case(
            "randint",
            form,
            ours=lambda low=low, high=high, dtype=dtype: ops.randint(
                rng=RESTARTING, low=low, high=high, shape=(2, 3), dtype=dtype
            ),
            reference=lambda low=low, high=high, dtype=dtype: np.random.default_rng(0).integers(
                low, high, (2, 3), dtype
            ),
        )
        for form, low, high, dtype in (
            ("from 0", 0, 10, np.int64),
            ("below 0", -3, 3, np.int64),
            ("bytes", 0, 256, np.uint8),
        )
    ),
    _draws("of five", "permutation", lambda rng: rng.permutation(5), n=5),
    _draws("of none", "permutation", lambda rng: rng.permutation(0), n=0),
    *(
        case(
            "bernoulli", form, s, low=0, high=1, rng=RESTARTING,
            reference=lambda p: (RESTARTING.random(p.shape, p.dtype) < p).astype(p.dtype),
        )
        for form, s in SHAPES.items()
    ),
    *(
        case(
            "dropout_mask", f"p {p}, {form}", s, rng=RESTARTING, p=p,
            reference=lambda x, p=p: (RESTARTING.random(x.shape, x.dtype) >= p).astype(x.dtype)
            * x.dtype.type(1 / (1 - p)),
        )
        for form, s in SHAPES.items()
        for p in (0, 0.25)
    ),
]  # fmt: skip

CASES = FILLED
WITHOUT_GRADIENT = [*LIKE, *RANDOM]
