"""Cases of diagonals and triangles."""

import numpy as np

from tests.cases.case import case, same_call

PLACES = {
    "main": ((3, 3), {}),
    "above": ((2, 3), {"offset": 1}),
    "below": ((3, 2), {"offset": -1}),
    "far off, of length 1": ((2, 3), {"offset": 2}),
    "beside the matrix": ((2, 2), {"offset": 5}),
    "of a cube": ((2, 3, 2), {}),
    "other axes": ((2, 3, 2), {"axis1": 1, "axis2": 2}),
    "axes from the end, exchanged": ((2, 3, 4), {"offset": 1, "axis1": -1, "axis2": -2}),
    "of nothing": ((0, 2), {}),
}
PUT = {
    "main": ((2,), {"shape": (2, 2)}),
    "above": ((2,), {"shape": (2, 3), "offset": 1}),
    "below": ((2,), {"shape": (3, 2), "offset": -1}),
    "other axes": ((2, 3), {"shape": (3, 2, 4), "axis1": 0, "axis2": 2}),
    "axes from the end": ((3, 2), {"shape": (3, 2, 2), "axis1": -1, "axis2": -2}),
}


def _put(x, shape, **options):
    out = np.zeros(shape, x.dtype)
    for index in np.ndindex(x.shape):
        one = np.zeros(x.shape)
        one[index] = 1
        # The place of an entry is the one that the diagonal of numbered entries has there.
        at = np.diagonal(np.arange(out.size).reshape(shape), **options)[index]
        out.flat[at] = x[index]
    return out


TRIANGLES = {
    "square": ((3, 3), 0), "wide": ((2, 3), 0), "tall": ((3, 2), 0), "above": ((3, 3), 1), "below": ((3, 3), -1),
    "far above": ((2, 2), 5), "far below": ((2, 2), -5), "stack": ((2, 2, 3), 1), "vector": ((3,), 0),
    "nothing": ((0, 2), 0),
}  # fmt: skip
DIAGS = {
    "of a vector": ((3,), 0), "of a vector, above": ((2,), 1), "of a vector, below": ((2,), -2),
    "of a matrix": ((2, 3), 0), "of a matrix, above": ((3, 3), 1),
    "of a matrix, below": ((3, 3), -1), "of no vector": ((0,), 0),
}  # fmt: skip
SHAPES = {"vector": ((2,), 0), "matrix": ((2, 2), 1), "number": ((), -1), "nothing": ((0,), 0)}

CASES = [
    *(case("diagonal", form, s, **options) for form, (s, options) in PLACES.items()),
    same_call(
        "diagonal", "positional", (2, 3), f=lambda m, x: np.diagonal(x, 1) if m is np else m.diagonal(x, offset=1)
    ),
    *(case("put_diagonal", form, s, reference=lambda x, o=o: _put(x, **o), **o) for form, (s, o) in PUT.items()),
    *(case("trace", form, s, **options) for form, (s, options) in PLACES.items()),
    case("trace", "float64", (2, 2), dtype=np.float64),
    same_call("trace", "positional", (2, 3, 3), f=lambda m, x: m.trace(x, 1, -2, -1)),
    case("linalg_diagonal", "stack", (2, 2, 3), numpy=np.linalg.diagonal),
    case("linalg_diagonal", "above", (2, 2, 3), numpy=lambda x: np.linalg.diagonal(x, offset=1), offset=1),
    case("linalg_trace", "stack", (2, 2, 3), numpy=np.linalg.trace),
    case("linalg_trace", "below", (2, 3), numpy=lambda x: np.linalg.trace(x, offset=-1), offset=-1),
    *(same_call("diag", form, s, f=lambda m, x, k=k: m.diag(x, k)) for form, (s, k) in DIAGS.items()),
    *(same_call("diagflat", form, s, f=lambda m, x, k=k: m.diagflat(x, k)) for form, (s, k) in SHAPES.items()),
    *(
        same_call(op, form, s, f=lambda m, x, k=k, op=op: getattr(m, op)(x, k))
        for op in ("tril", "triu")
        for form, (s, k) in TRIANGLES.items()
    ),
    *(case(op, "k by name", (3, 3), k=-1) for op in ("tril", "triu", "diag")),
]
