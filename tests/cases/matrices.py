"""Cases of inverses, equations, determinants and Cholesky factors."""

import numpy as np

from tests.cases.case import case
from tinygrad_edu import ops


def invertible(x):
    """Make matrices of a condition below 10: the diagonal outweighs each row, whose entries are below 0.5."""
    return x + 3 * np.eye(x.shape[-1], dtype=x.dtype)


def positive(x):
    return x @ x.swapaxes(-1, -2) + np.eye(x.shape[-1], dtype=x.dtype)


def plain(x):
    return x


def linalg(op, form, *arguments, prepare=plain, pick=None, low=-0.5, high=0.5, **options):
    """Call a function of np.linalg on prepared matrices; pick one of its results."""

    def call(f, x, *rest):
        out = f(prepare(x), *rest, **options)
        return out if pick is None else out[pick]

    return case(
        op,
        form,
        *arguments,
        ours=lambda *xs: call(getattr(ops, op), *xs),
        numpy=lambda *xs: call(getattr(np.linalg, op), *xs),
        low=low,
        high=high,
        **options,
    )


SQUARES = {"matrix": (3, 3), "stack": (2, 2, 2), "of 1": (1, 1), "two axes of them": (2, 1, 2, 2), "none": (0, 2, 2)}
SYSTEMS = {
    "vector": ((3, 3), (3,)),
    "matrix": ((3, 3), (3, 2)),
    "stack and vector": ((2, 3, 3), (3,)),
    "stack and matrix": ((2, 2, 2), (2, 1)),
    "stacks": ((2, 2, 2), (2, 2, 3)),
    "matrix and stack": ((2, 2), (3, 2, 1)),
    "stacks broadcast": ((2, 1, 2, 2), (3, 2, 2)),
    "square": ((2, 2), (2, 2)),
    "of 1": ((1, 1), (1,)),
    "no columns": ((2, 2), (2, 0)),
}

CASES = [
    *(linalg("inv", form, s, prepare=invertible) for form, s in SQUARES.items()),
    linalg("inv", "of nothing", (0, 0)),
    *(linalg("solve", form, *pair, prepare=invertible) for form, pair in SYSTEMS.items()),
    case("solve", "a constant matrix", np.array([[2, 1], [0, 4]], np.float32), (2,), numpy=np.linalg.solve),
    *(linalg("det", form, s, prepare=invertible) for form, s in SQUARES.items()),
    linalg("det", "without prevailing diagonal", (3, 3), low=-2, high=2),
    case("cofactors", "of 2", (2, 2), reference=lambda x: np.array([[x[1, 1], -x[1, 0]], [-x[0, 1], x[0, 0]]])),
    case(
        "cofactors",
        "stack",
        (2, 3, 3),
        ours=lambda x: ops.cofactors(invertible(x)),
        reference=lambda x: np.linalg.inv(invertible(x)).mT * np.linalg.det(invertible(x))[:, None, None],
        low=-0.5,
        high=0.5,
    ),
    *(linalg("slogdet", f"logarithm of {form}", s, prepare=invertible, pick=1) for form, s in SQUARES.items()),
    linalg("slogdet", "negative", (2, 2), prepare=lambda x: x - np.diag([3, -3]).astype(x.dtype), pick=1),
    case(
        "logabsdet",
        "stack",
        (2, 2, 2),
        ours=lambda x: ops.logabsdet(invertible(x)),
        reference=lambda x: np.linalg.slogdet(invertible(x)).logabsdet,
        low=-0.5,
        high=0.5,
    ),
    *(linalg("cholesky", form, s, prepare=positive) for form, s in SQUARES.items()),
    *(linalg("cholesky", f"upper, {form}", s, prepare=positive, upper=True) for form, s in SQUARES.items()),
    *(
        linalg("matrix_power", f"{n}, {form}", s, prepare=invertible, n=n)
        for n in (0, 1, 2, 3, -1, -2)
        for form, s in (("matrix", (2, 2)), ("stack", (2, 2, 2)))
    ),
    linalg("matrix_transpose", "matrix", (2, 3)),
    linalg("matrix_transpose", "stack", (2, 2, 3)),
]
if hasattr(np, "matrix_transpose"):
    CASES.append(case("matrix_transpose", "as NumPy's", (2, 3)))

WITHOUT_GRADIENT = [
    linalg("slogdet", "sign of a stack", (2, 2, 2), prepare=lambda x: x - np.diag([3, -3]).astype(x.dtype), pick=0),
    case("signdet", "below 0", np.array([[0.0, 1.0], [2.0, 0.0]]), reference=lambda _x: -1.0),
]
