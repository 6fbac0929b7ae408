"""Cases of the rows that are products."""

import numpy as np

from tests.cases.case import case

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
    *(case("matmul", form, *pair) for form, pair in (VECTORS_AND_MATRICES | BATCHED).items()),
    *(case("dot", form, *pair) for form, pair in VECTORS_AND_MATRICES.items()),
    *(
        case("linear", form, s, (2, 3), (2,), reference=lambda x, w, b: np.einsum("...i,oi->...o", x, w) + b)
        for form, s in {"batch": (4, 3), "one example": (3,), "two batch axes": (2, 2, 3), "empty": (0, 3)}.items()
    ),
    case("linear", "one output", (4, 3), (1, 3), (1,), reference=lambda x, w, b: x @ w.T + b),
]

CASES = PRODUCTS
