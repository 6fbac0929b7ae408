"""Cases of the rows that make many entries into one."""

import functools

import numpy as np

from tests.cases.case import case
from tinygrad_edu import ops

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
    *(case(op, form, s, **o) for op in ("sum", "mean", "prod", "max", "min") for form, (s, o) in AXES.items()),
    *(case("logsumexp", form, s, reference=functools.partial(_logsumexp, **o), **o) for form, (s, o) in AXES.items()),
    *(case(op, "of nothing", (0, 3), axis=0) for op in ("sum", "prod")),
    case("prod", "an axis in the middle", (2, 3, 2), axis=1),
    case("prod", "axes (0, 2) of four", (2, 1, 2, 2), axis=(0, 2)),
    *(case(op, "in float64", (2, 3), axis=1, dtype=np.float64) for op in ("sum", "mean", "prod")),
    *(case(op, "in float64, kept", (2, 3), dtype=np.float64, keepdims=True) for op in ("sum", "mean", "prod")),
    *(case(f"{op}", f"as a{op}", (2, 3), axis=0, numpy=functools.partial(f, axis=0)) for op, f in
      (("max", np.amax), ("min", np.amin))),
]  # fmt: skip

# --------------------------------------------------------------------------------------------- norms
ORDERS = {
    "2": 2, "1": 1, "3": 3, "1.5": 1.5, "0.5": 0.5, "-1": -1, "-2.5": -2.5, "inf": np.inf, "-inf": -np.inf,
}  # fmt: skip


def _p_norm(x, p=2, **options):
    return np.sum(np.abs(x) ** p, **options) ** (1 / p)


def _linalg(op, form, shape, **options):
    return case(op, form, shape, numpy=functools.partial(getattr(np.linalg, op), **options), **options)


def _sums(op, form, shape, **options):
    """Take the cubes first: the sums of some of the numbers that are drawn tie."""
    return case(op, form, shape, numpy=lambda x: getattr(np.linalg, op)(x * x * x, **options),
                ours=lambda x: getattr(ops, op)(x * x * x, **options))  # fmt: skip


MATRIX = (
    *((p, _linalg) for p in ("fro", "nuc", 2, -2)),
    *((p, _sums) for p in (1, -1, np.inf, -np.inf)),
)
# Beyond the entries of a matrix, NumPy takes norms of matrices and vectors alone.
VECTOR_AXES = {form: (s, o) for form, (s, o) in AXES.items() if o.get("axis") != ()}
NORMS = [
    *(case("p_norm", f, s, reference=functools.partial(_p_norm, **o), **o) for f, (s, o) in AXES.items()),
    *(case("p_norm", f"p = {n}", (2, 3), ord=p, axis=1, reference=functools.partial(_p_norm, p=p, axis=1))
      for n, p in ORDERS.items() if np.isfinite(p)),
    *(_linalg("vector_norm", form, s, **o) for form, (s, o) in VECTOR_AXES.items()),
    *(_linalg("vector_norm", f"ord {n}, axis 1", (2, 3), ord=p, axis=1) for n, p in ORDERS.items()),
    *(_linalg("vector_norm", f"ord {n}, all, kept", (2, 2), ord=p, keepdims=True) for n, p in ORDERS.items()),
    *(_linalg("vector_norm", f"ord {n}, axes (2, 0)", (2, 2, 2), ord=p, axis=(2, 0)) for n, p in ORDERS.items()),
    *(_linalg("norm", form, s, **o) for form, (s, o) in AXES.items() if form != "no axes"),
    *(_linalg("norm", f"vector, ord {n}", (4,), ord=p) for n, p in ORDERS.items()),
    *(_linalg("norm", f"vectors, ord {n}, kept", (2, 3), ord=p, axis=-1, keepdims=True) for n, p in ORDERS.items()),
    *(f("norm", f"matrix, ord {p}", (2, 3), ord=p) for p, f in MATRIX),
    *(f("norm", f"matrices, ord {p}, axes {a}", (2, 3, 2), ord=p, axis=a, keepdims=k)
      for p, f in MATRIX for a, k in (((0, 1), False), ((2, 0), True), ((-1, -2), False))),
    *(f("matrix_norm", f"ord {p}", (2, 2, 3), ord=p) for p, f in MATRIX),
    *(f("matrix_norm", f"ord {p}, kept", (2, 3), ord=p, keepdims=True) for p, f in MATRIX),
    _linalg("matrix_norm", "default", (2, 3)),
]  # fmt: skip

CASES = [*REDUCTIONS, *NORMS]

# ------------------------------------------------------------------------------- without a derivative
SOME_ZEROS = np.array([[0.0, 1.0, 2.0], [0.0, 0.0, -1.0]], np.float32)
WITHOUT_GRADIENT = [
    *(case(op, form, s, **o) for op in ("argmax", "argmin") for form, (s, o) in AXES.items()
      if not isinstance(o.get("axis"), tuple)),
    *(case(op, form, s, **o) for op in ("all", "any", "count_nonzero") for form, (s, o) in AXES.items()),
    *(case(op, f"of some zeros, {form}", SOME_ZEROS, **o) for op in ("all", "any", "count_nonzero")
      for form, o in {"all": {}, "axis 0": {"axis": 0}, "axis -1, kept": {"axis": -1, "keepdims": True}}.items()),
    *(case(op, "of nothing", (0, 3), axis=0) for op in ("all", "any", "count_nonzero")),
    *(_linalg("vector_norm", f"ord 0, {form}", s, ord=0, **o) for form, (s, o) in VECTOR_AXES.items()),
    _linalg("norm", "ord 0", (3,), ord=0),
    _linalg("norm", "ord 0, axis 0", (2, 3), ord=0, axis=0),
]  # fmt: skip
