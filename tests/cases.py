"""The table behind the tests of operations: for every row and every form of its arguments, one case.

`test_ops.py` runs each of its checks on each case. A new operation needs nothing but a few lines here.
"""

import functools
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tinygrad_edu import ops


@dataclass(frozen=True)
class Case:
    """One row of the table of operations, called with one form of arguments."""

    op: str
    form: str
    # A tuple is the shape of a floating input, drawn between `low` and `high`; all else is a constant.
    arguments: tuple = ()
    options: dict = field(default_factory=dict)
    low: float = -2.0
    high: float = 2.0
    # The same in plain NumPy, on arrays; by default the NumPy function of the same name.
    reference: Callable | None = None
    # How the call is written with NumPy's function, which must work on Tensors too; None where there is none.
    numpy: Callable | None = None
    # A rule through float32 has no float64 differences to be compared with.
    smooth: bool = True

    def __str__(self):
        return f"{self.op}-{self.form}"

    def draw(self, dtype=np.float64):
        """Draw the floating inputs from one grid: no two entries tie, and none is a kink at 0."""
        shapes = [shape for shape in self.arguments if isinstance(shape, tuple)]
        sizes = [int(np.prod(shape)) for shape in shapes]
        n = sum(sizes)
        rng = np.random.default_rng(zlib.crc32(str(self).encode()))
        # 0.3 of a cell from its edge: the middle of the interval is never on the grid.
        grid = self.low + (self.high - self.low) * (rng.permutation(n) + 0.3) / max(n, 1)
        parts = np.split(grid.astype(dtype), np.cumsum(sizes)[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)] if shapes else []

    def fill(self, floats):
        """Put the floating inputs at their places among the constants."""
        remaining = iter(floats)
        return tuple(next(remaining) if isinstance(a, tuple) else a for a in self.arguments)

    def call(self, *floats):
        """Run the row."""
        return ops.TABLE[self.op](*self.fill(floats), **self.options)

    def call_numpy(self, *floats):
        """Run NumPy's function."""
        return self.numpy(*self.fill(floats))

    def expected(self, *floats):
        """Compute the result without the row."""
        return (self.reference or self.numpy)(*self.fill(floats))


def _case(op, form, *arguments, reference=None, numpy=None, low=-2.0, high=2.0, smooth=True, **options):
    if numpy is None and reference is None:
        numpy = functools.partial(getattr(np, op), **options)
    return Case(op, form, arguments, options, low, high, reference, numpy, smooth)


# ---------------------------------------------------------------------------------------- one input
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
    *(_case(op, form, s, low=a, high=b) for op, (a, b) in UNARY.items() for form, s in SHAPES.items()),
    *(_case(op, form, s, reference=f) for op, f in WITHOUT_NUMPY.items() for form, s in SHAPES.items()),
    _case("reciprocal", "below zero", (3,), low=-2, high=-0.5),
    _case("astype", "float64", (2, 3), dtype=np.float64, reference=lambda x: x.astype(np.float64)),
    _case("astype", "float32", (2, 3), dtype=np.float32, reference=lambda x: x.astype(np.float32), smooth=False),
]
EXPONENTS = (2, 3, -1, -2, 1, 0, 0.5, -1.5)
POWERS = [
    *(
        _case("constant_power", f"exponent {e}", (2, 2), low=0.5, exponent=e, reference=lambda x, e=e: np.power(x, e))
        for e in EXPONENTS
    ),
    *(
        _case("constant_power", f"exponent {e} below zero", (3,), low=-2, high=-0.5, exponent=e, reference=r)
        for e, r in ((3, lambda x: x * x * x), (2, lambda x: x * x), (-1, lambda x: 1 / x))
    ),
    _case(
        "power",
        "exponents 2, 3, -1, 0 of bases below zero",
        (4,),
        np.array([2, 3, -1, 0], np.float32),
        low=-2,
        high=-0.5,
    ),
    _case("power", "base a Python number", 2.0, (2, 3)),
    _case("power", "base an array", np.array([2.0, 0.5, 3.0], np.float32), (2, 3)),
    _case("power", "exponent a Python number", (2, 3), 3, low=0.5),
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
    *(_case(op, form, *pair, low=a, high=b) for op, (a, b) in BINARY.items() for form, pair in PAIRS.items()),
    *(
        _case(
            "binary_cross_entropy_with_logits",
            form,
            *pair,
            reference=lambda x, t: np.log(1 + np.exp(x)) - x * t,
        )
        for form, pair in PAIRS.items()
    ),
    *(_case(op, "and a Python number", (2, 3), 0.625) for op in ("add", "subtract", "multiply", "divide", "maximum")),
    *(_case(op, "of a Python number", 0.625, (2, 3), low=0.5) for op in ("subtract", "multiply", "divide", "minimum")),
    _case("divide", "integers below", (2, 3), np.array([1, 2, 4], np.int8)),
    _case("where", "equal shapes", MASK, (2, 3), (2, 3)),
    _case("where", "condition broadcast", MASK[:, :1], (2, 3), (3,)),
    _case("where", "branches broadcast", MASK, (), (2, 1)),
    _case("where", "0-d", np.array(True), (), ()),  # noqa: FBT003 - an entry
    _case("where", "a Python number on one side", MASK, (2, 3), 0.0),
]

# --------------------------------------------------------------------------------------- reductions
AXES = {
    "all": ((2, 3), {}),
    "all, kept": ((2, 3), {"keepdims": True}),
    "axis 0": ((2, 3), {"axis": 0}),
    "axis 1, kept": ((2, 3), {"axis": 1, "keepdims": True}),
    "axis -1": ((2, 3), {"axis": -1}),
    "axis -2, kept": ((2, 3), {"axis": -2, "keepdims": True}),
    "axes (0, 2)": ((2, 3, 2), {"axis": (0, 2)}),
    "axes (-1, 0), kept": ((2, 3, 2), {"axis": (-1, 0), "keepdims": True}),
    "axes (2, -3)": ((2, 3, 2), {"axis": (2, -3)}),
    "no axes": ((2, 3), {"axis": ()}),
    "axis of length 1": ((2, 1), {"axis": 1}),
    "a single axis": ((3,), {"axis": 0}),
    "0-d": ((), {}),
    "0-d, kept": ((), {"keepdims": True}),
    "empty beside": ((0, 3), {"axis": 1}),
}


def _logsumexp(x, **options):
    return np.log(np.sum(np.exp(x), **options))


REDUCTIONS = [
    *(_case(op, form, s, **o) for op in ("sum", "mean", "max", "min") for form, (s, o) in AXES.items()),
    *(_case("logsumexp", form, s, reference=functools.partial(_logsumexp, **o), **o) for form, (s, o) in AXES.items()),
    _case("sum", "of nothing", (0, 3), axis=0),
]


# -------------------------------------------------------------------------------------------- shapes
def _join_case(op, form, *shapes, axis):
    return _case(op, form, *shapes, axis=axis, numpy=lambda *xs: getattr(np, op)(xs, axis=axis))


RESHAPES = {
    "to a vector": ((2, 3), (6,)),
    "one length left out": ((2, 6), (3, -1, 2)),
    "to an integer": ((2, 3), 6),
    "to the same": ((2, 3), (2, 3)),
    "to 0-d": ((1, 1), ()),
    "from 0-d": ((), (1, 1)),
    "of nothing": ((0, 3), (3, 0)),
}
TRANSPOSES = {
    "reversed": ((2, 3, 4), None),
    "of a vector": ((3,), None),
    "of 0-d": ((), None),
    "axes (1, 0)": ((2, 3), (1, 0)),
    "a cycle": ((2, 3, 4), (2, 0, 1)),  # not its own inverse
    "the other cycle": ((2, 3, 4), (1, 2, 0)),
    "axes from the end": ((2, 3), (-1, 0)),
    "a cycle with axes from the end": ((2, 3, 4), (-1, 0, -2)),
}
REARRANGED = [
    *(_case("reshape", k, s, numpy=lambda x, n=n: np.reshape(x, n), shape=n) for k, (s, n) in RESHAPES.items()),
    *(_case("transpose", k, s, numpy=lambda x, a=a: np.transpose(x, a), axes=a) for k, (s, a) in TRANSPOSES.items()),
    *(
        _case("swapaxes", f"axes {a}, {b}", (2, 3, 4), numpy=lambda x, a=a, b=b: np.swapaxes(x, a, b), axis1=a, axis2=b)
        for a, b in ((0, 1), (-1, -2), (0, -1), (1, 1))
    ),
    *(
        _case("expand_dims", f"axis {a}", (2, 3), numpy=lambda x, a=a: np.expand_dims(x, a), axis=a)
        for a in (0, 1, -1, (0, 3), (-1, 1))
    ),
    *(
        _case("squeeze", f"axis {a}", (1, 2, 1), numpy=lambda x, a=a: np.squeeze(x, a), axis=a)
        for a in (None, 0, -1, (0, 2), (-1, 0))
    ),
    *(
        _case("broadcast_to", f"{s} to {n}", s, numpy=lambda x, n=n: np.broadcast_to(x, n), shape=n)
        for s, n in (
            ((), (2, 3)),
            ((3,), (2, 3)),
            ((2, 1), (2, 3)),
            ((2, 3), (2, 3)),
            ((1, 3), (2, 2, 3)),
            ((1,), (0,)),
        )
    ),
    _join_case("concatenate", "axis 0", (2, 3), (1, 3), axis=0),
    _join_case("concatenate", "axis -1", (2, 1), (2, 3), axis=-1),
    _join_case("concatenate", "three, axis 1", (1, 2, 2), (1, 1, 2), (1, 3, 2), axis=1),
    _join_case("concatenate", "one", (3,), axis=0),
    _join_case("concatenate", "one of them empty", (2, 3), (0, 3), axis=0),
    _join_case("concatenate", "flattened", (2, 3), (2,), axis=None),
    _join_case("concatenate", "with a constant", (2,), np.ones(1, np.float32), axis=0),
    _join_case("stack", "axis 0", (2, 3), (2, 3), axis=0),
    _join_case("stack", "axis 1", (2, 3), (2, 3), (2, 3), axis=1),
    _join_case("stack", "axis -1", (2, 3), (2, 3), axis=-1),
    _join_case("stack", "0-d", (), (), axis=0),
]

# ------------------------------------------------------------------------------------------ indexing
INDICES = {
    "an integer": ((4, 3), 1),
    "an integer from the end": ((4, 3), -1),
    "a NumPy integer": ((4, 3), np.int64(2)),
    "integers on all axes": ((4, 3), (1, -2)),
    "a slice": ((4, 3), slice(1, 3)),
    "a step": ((5,), slice(None, None, 2)),
    "a negative step": ((4, 3), (slice(None, None, -1), slice(2, None, -2))),
    "an empty slice": ((4, 3), slice(2, 2)),
    "an ellipsis": ((2, 3, 2), (..., 0)),
    "an ellipsis in the middle": ((2, 3, 2), (1, ..., 0)),
    "a new axis": ((3,), (None, slice(None), None)),
    "a slice, an ellipsis, a new axis": ((2, 3, 2), (slice(1), ..., None)),
    "all of 0-d": ((), ()),
    "an ellipsis of 0-d": ((), ...),
    "a new axis of 0-d": ((), None),
    "an array of integers": ((4, 3), np.array([2, 0])),
    "an array with repeats": ((4, 3), np.array([1, 1, 0, 1])),
    "an array with a repeat from the end": ((4,), np.array([3, -1, 0])),
    "a matrix of integers": ((4, 2), np.array([[0, 3], [3, 3]])),
    "an empty array": ((4, 2), np.array([], np.int64)),
    "a list with repeats": ((4, 3), ([2, 2, 0],)),
    "pairs": ((4, 3), (np.array([0, 3, 0]), np.array([1, 1, 1]))),
    "arrays broadcast against each other": ((4, 3), (np.array([[0], [3]]), np.array([1, 1]))),
    "a slice and an array": ((4, 3), (slice(1, None), np.array([2, 2]))),
    "arrays on both sides of a slice": ((3, 2, 3), (np.array([0, 0]), slice(None), np.array([1, 1]))),
    "an array, an integer, a new axis": ((3, 2), (np.array([2, 2]), 1, None)),
    "a mask": ((2, 3), MASK),
    "a mask of the first axis": ((2, 3), np.array([False, True])),
    "a mask of the last axis": ((2, 3), (..., np.array([True, False, True]))),
    "a mask of nothing": ((2, 3), np.zeros((2, 3), bool)),
    "a mask and an array with repeats": ((2, 3), (np.array([True, True]), np.array([1, 1]))),
    "a mask and a slice": ((2, 3), (np.array([False, True]), slice(None, None, -1))),
    "a mask of 0-d": ((), np.array(True)),  # noqa: FBT003 - an entry
}


def _put_reference(g, shape, index):
    """Count where each entry came from: an entry that was picked twice receives both."""
    size = int(np.prod(shape))
    source = np.arange(size).reshape(shape)[index]
    return np.bincount(np.ravel(source), np.ravel(g), minlength=size).reshape(shape).astype(g.dtype)


INDEXED = [
    *(_case("getitem", k, s, index=i, reference=lambda x, i=i: x[i]) for k, (s, i) in INDICES.items()),
    *(
        _case(
            "put",
            k,
            np.shape(np.empty(s)[i]),
            shape=s,
            index=i,
            reference=functools.partial(_put_reference, shape=s, index=i),
        )
        for k, (s, i) in INDICES.items()
    ),
]

# ------------------------------------------------------------------------------------------ products
VECTORS_AND_MATRICES = {
    "vector · vector": ((3,), (3,)),
    "matrix · vector": ((2, 3), (3,)),
    "vector · matrix": ((3,), (3, 2)),
    "matrix · matrix": ((2, 3), (3, 4)),
    "square": ((2, 2), (2, 2)),
    "size 1": ((1, 1), (1, 1)),
    "over nothing": ((2, 0), (0, 3)),
    "of nothing": ((0, 3), (3, 2)),
}
BATCHED = {
    "batch · matrix": ((4, 2, 3), (3, 2)),
    "matrix · batch": ((2, 3), (4, 3, 2)),
    "batch · batch": ((4, 2, 3), (4, 3, 2)),
    "batch of as many matrices as rows": ((2, 2, 2), (2, 2, 2)),
    "batch of 1 · batch": ((1, 2, 3), (4, 3, 2)),
    "batches broadcast": ((3, 1, 2, 2), (2, 2, 2)),
    "batch · vector": ((4, 2, 3), (3,)),
    "vector · batch": ((3,), (4, 3, 2)),
    "two batch axes · vector": ((2, 2, 2, 3), (3,)),
}
PRODUCTS = [
    *(_case("matmul", form, *pair) for form, pair in (VECTORS_AND_MATRICES | BATCHED).items()),
    *(_case("dot", form, *pair) for form, pair in VECTORS_AND_MATRICES.items()),
    *(
        _case("linear", form, s, (2, 3), (2,), reference=lambda x, w, b: np.einsum("...i,oi->...o", x, w) + b)
        for form, s in {"batch": (4, 3), "one example": (3,), "two batch axes": (2, 2, 3), "empty": (0, 3)}.items()
    ),
    _case("linear", "one output", (4, 3), (1, 3), (1,), reference=lambda x, w, b: x @ w.T + b),
]

# ----------------------------------------------------------------------------------- softmax, losses
SOFTMAXES = {
    "last axis": ((2, 3), {}),
    "axis 0": ((2, 3), {"axis": 0}),
    "axis -2 of three": ((2, 3, 2), {"axis": -2}),
    "vector": ((4,), {}),
    "axis of length 1": ((3, 1), {}),
    "empty": ((0, 3), {}),
}


def _softmax(x, axis=-1):
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


TARGETS = {
    "vector": ((4, 3), np.array([2, 0, 0, 1])),
    "two axes": ((2, 2, 3), np.array([[2, 0], [1, 1]])),
    "one example": ((3,), np.array(1)),
    "small integers": ((2, 3), np.array([2, 0], np.uint8)),
    "empty": ((0, 3), np.array([], np.int64)),
}
REDUCE = {"none": lambda losses: losses, "sum": np.sum, "mean": np.mean}


def _likelihood(log_p, target, reduction="none"):
    losses = [-log_p[(*i, target[i])] for i in np.ndindex(target.shape)]
    return REDUCE[reduction](np.array(losses, log_p.dtype).reshape(target.shape))


def _place(g, target, n_classes):
    return np.asarray(g)[..., None] * np.eye(n_classes, dtype=g.dtype)[target]


LOSSES = [
    *(_case("softmax", k, s, reference=functools.partial(_softmax, **o), **o) for k, (s, o) in SOFTMAXES.items()),
    *(
        _case("log_softmax", k, s, reference=lambda x, o=o: np.log(_softmax(x, **o)), **o)
        for k, (s, o) in SOFTMAXES.items()
    ),
    *(
        _case(
            "negative_log_likelihood",
            f"{k}, {r}",
            s,
            t,
            reduction=r,
            reference=functools.partial(_likelihood, reduction=r),
        )
        for k, (s, t) in TARGETS.items()
        for r in REDUCE
        if t.size or r != "mean"
    ),
    *(
        _case("place", k, t.shape, t, n_classes=3, reference=functools.partial(_place, n_classes=3))
        for k, (_, t) in TARGETS.items()
    ),
    _case(
        "place",
        "one number for all",
        (),
        np.array([2, 0]),
        n_classes=3,
        reference=functools.partial(_place, n_classes=3),
    ),
]

CASES = [*ELEMENTWISE, *POWERS, *BROADCAST, *REDUCTIONS, *REARRANGED, *INDEXED, *PRODUCTS, *LOSSES]

# ------------------------------------------------------------------------------- without a derivative
WITHOUT_GRADIENT = [
    *(
        _case(op, form, *pair)
        for op in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
        for form, pair in PAIRS.items()
    ),
    *(_case(op, "masks", MASK, MASK[::-1]) for op in ("bitwise_and", "bitwise_or")),
    _case("invert", "mask", MASK),
    _case("isfinite", "numbers", (2, 3)),
    _case("isfinite", "not numbers", np.array([np.inf, 1.0, np.nan])),
    *(
        _case(op, form, s, **o)
        for op in ("argmax", "argmin")
        for form, (s, o) in AXES.items()
        if not isinstance(o.get("axis"), tuple)
    ),
]
