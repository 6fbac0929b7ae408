"""Cases of the rows that are products."""

import numpy as np

from tests.cases.case import case, same_call
from tinygrad_edu import ops

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
# What dot does and matmul does not: products with numbers, and all rows of a stack by all columns of another.
DOTS = {
    "number · number": ((), ()),
    "number · matrix": ((), (2, 3)),
    "stack · number": ((2, 2, 3), ()),
    "stack · vector": ((2, 2, 3), (3,)),
    "stack · matrix": ((2, 2, 3), (3, 2)),
    "vector · stack": ((3,), (2, 3, 2)),
    "matrix · stack": ((2, 3), (2, 3, 2)),
    "matrix · stack of as many as it has rows": ((2, 2), (2, 2, 2)),
    "stack · stack": ((2, 2, 3), (2, 3, 1)),
    "stack of stacks · stack": ((1, 2, 2, 2), (2, 2, 2)),
    "over nothing, stacked": ((2, 1, 0), (2, 0, 3)),
}
PRODUCTS = [
    *(case("matmul", form, *pair) for form, pair in (VECTORS_AND_MATRICES | BATCHED).items()),
    case("matmul", "batch · matrix, over nothing", (2, 2, 0), (0, 3)),
    case("matmul", "of the array API", (2, 3), (3, 2), numpy=np.linalg.matmul),
    *(case("dot", form, *pair) for form, pair in (VECTORS_AND_MATRICES | DOTS).items()),
    case("dot", "a Python number on the right", (2, 3), 0.5, reference=lambda x, y: x * y),
    case("dot", "a Python number on the left", 0.5, (2, 3), reference=lambda x, y: x * y),
    *(
        case("linear", form, s, (2, 3), (2,), reference=lambda x, w, b: np.einsum("...i,oi->...o", x, w) + b)
        for form, s in {"batch": (4, 3), "one example": (3,), "two batch axes": (2, 2, 3), "empty": (0, 3)}.items()
    ),
    case("linear", "one output", (4, 3), (1, 3), (1,), reference=lambda x, w, b: x @ w.T + b),
]

INNER = {
    "vectors": ((3,), (3,)), "matrices": ((2, 3), (4, 3)), "matrix and vector": ((2, 3), (3,)),
    "stacks": ((2, 1, 3), (2, 3)), "numbers": ((), ()), "number and matrix": ((), (2, 3)),
    "matrix and number": ((2, 3), ()), "over nothing": ((2, 0), (3, 0)),
}  # fmt: skip
OUTER = {"vectors": ((2,), (3,)), "matrices, flat": ((2, 2), (1, 3)), "numbers": ((), ()), "nothing": ((0,), (3,))}
VECDOT = {
    "vectors": ((3,), (3,)), "matrices": ((2, 3), (2, 3)), "broadcast": ((2, 1, 3), (4, 3)),
    "one of 1": ((1, 3), (2, 3)), "over nothing": ((2, 0), (2, 0)), "vectors of 1": ((2, 1), (2, 1)),
}  # fmt: skip
MATVEC = {
    "one": ((2, 3), (3,)), "stack": ((4, 2, 3), (4, 3)), "one matrix, many vectors": ((2, 3), (4, 3)),
    "many matrices, one vector": ((4, 2, 3), (3,)), "broadcast": ((2, 1, 2, 2), (3, 2)), "of nothing": ((2, 0), (0,)),
}  # fmt: skip
KRON = {
    "matrices": ((2, 2), (1, 3)), "vectors": ((2,), (3,)), "matrix and vector": ((2, 2), (3,)),
    "vector and cube": ((2,), (1, 2, 3)), "numbers": ((), ()), "number and matrix": ((), (2, 3)),
    "nothing": ((0, 2), (2, 2)),
}  # fmt: skip
CHAINS = {
    "two": ((2, 3), (3, 4)), "three": ((2, 3), (3, 1), (1, 4)),
    "four, the middle first": ((3, 1), (1, 3), (3, 1), (1, 2)),
    "vectors at the ends": ((2,), (2, 3), (3,)), "vector first": ((2,), (2, 3), (3, 2)),
    "vector last": ((2, 3), (3, 2), (2,)), "two vectors": ((3,), (3,)), "of nothing": ((2, 0), (0, 3), (3, 1)),
}  # fmt: skip
CROSSES = {
    "vectors": ((3,), (3,), {}),
    "stacks": ((2, 3), (2, 3), {}),
    "broadcast": ((2, 1, 3), (4, 3), {}),
    "axis 0": ((3, 2), (3, 2), {"axis": 0}),
    "axis from the end": ((2, 3, 1), (2, 3, 1), {"axis": -2}),
    "axes of each": ((3, 2), (2, 3), {"axisa": 0, "axisb": 1, "axisc": 0}),
    "axes of different numbers of axes": ((3,), (4, 3), {"axisa": 0, "axisb": 1, "axisc": 0}),
    "none": ((0, 3), (0, 3), {}),
}
OTHERS = [
    *(case("inner", form, *pair) for form, pair in INNER.items()),
    case("inner", "a Python number", (2, 3), 0.5, reference=lambda x, y: x * y),
    *(case("outer", form, *pair) for form, pair in OUTER.items()),
    case("outer", "of the array API", (2,), (3,), numpy=np.linalg.outer),
    *(case("vdot", form, *pair) for form, pair in {"vectors": ((3,), (3,)), "matrices": ((2, 3), (2, 3))}.items()),
    *(case("vecdot", form, *pair) for form, pair in VECDOT.items()),
    *(
        case("vecdot", f"axis {k}", (3, 2), (3, 2), numpy=lambda x, y, k=k: np.linalg.vecdot(x, y, axis=k), axis=k)
        for k in (0, -2)
    ),
    case("vecdot", "axis 0 of different numbers of axes", (3,), (3, 2), reference=lambda x, y: x @ y, axis=0),
    *(case("matvec", form, *p, reference=lambda a, v: (a @ v[..., None])[..., 0]) for form, p in MATVEC.items()),
    *(
        case("vecmat", form, v, (*a[:-2], a[-1], a[-2]), reference=lambda v, a: (v[..., None, :] @ a)[..., 0, :])
        for form, (a, v) in MATVEC.items()
    ),
    *(
        case("multi_dot", form, *shapes, numpy=lambda *xs: np.linalg.multi_dot(xs), ours=lambda *xs: ops.multi_dot(xs))
        for form, shapes in CHAINS.items()
    ),
    *(case("kron", form, *pair) for form, pair in KRON.items()),
    *(case("cross", form, a, b, **options) for form, (a, b, options) in CROSSES.items()),
    case("cross", "of the array API", (3, 2), (3, 2), numpy=lambda x, y: np.linalg.cross(x, y, axis=0), axis=0),
    case("cross", "in the plane", (4, 2), (2,), reference=lambda x, y: x[:, 0] * y[1] - x[:, 1] * y[0]),
    case("cross", "in the plane, axis 0", (2,), (2,), reference=lambda x, y: x[0] * y[1] - x[1] * y[0], axis=0),
    case("cross", "from the plane", (2, 2), (3,), reference=lambda x, y: np.cross(np.pad(x, ((0, 0), (0, 1))), y)),
    case("cross", "into the plane", (3,), (2,), reference=lambda x, y: np.cross(x, np.pad(y, (0, 1)))),
    case("cross_product", "vectors", (3,), (3,), reference=np.cross),
    case("cross_product", "broadcast", (2, 1, 3), (4, 3), reference=np.cross),
]  # fmt: skip
NUMPYS = [
    same_call(op, "as NumPy's", a, b, f=lambda m, x, y, op=op: getattr(m, op)(x, y))
    for op, a, b in (("matvec", (2, 2, 3), (2, 3)), ("vecmat", (2, 2), (2, 2, 3)))
    if hasattr(np, op)  # from 2.2 on
]

CASES = [*PRODUCTS, *OTHERS, *NUMPYS]
