"""Cases of eigenvalues, singular values, orthogonal factors and the pseudoinverse."""

import numpy as np

from tests.cases.case import case
from tests.cases.matrices import linalg
from tinygrad_edu import ops


def symmetric(x):
    """Make symmetric matrices whose eigenvalues are far from each other."""
    return (x + x.swapaxes(-1, -2)) / 4 + np.diag(np.arange(x.shape[-1], dtype=x.dtype))


def apart(x):
    """Make matrices of any shape whose singular values are far from each other, and from 0."""
    return x / 4 + np.eye(*x.shape[-2:], dtype=x.dtype) * np.arange(1, x.shape[-1] + 1, dtype=x.dtype)


SQUARES = {"matrix": (3, 3), "stack": (2, 2, 2), "of 1": (1, 1)}
SHAPES = SQUARES | {
    "tall": (3, 2),
    "wide": (2, 3),
    "stack of tall": (2, 3, 1),
    "stack of wide": (2, 1, 3),
    "none": (0, 2, 2),
}
VECTORS = {"left": 0, "values": 1, "right": 2}

CASES = [
    *(linalg("eigvalsh", f"{form}, {u}", s, prepare=symmetric, UPLO=u) for form, s in SQUARES.items() for u in "LU"),
    *(
        linalg("eigh", f"{('values', 'vectors')[pick]}, {form}, {u}", s, prepare=symmetric, pick=pick, UPLO=u)
        for form, s in SQUARES.items()
        for pick in (0, 1)
        for u in "LU"
    ),
    case(
        "eigenvectors",
        "matrix",
        (2, 2),
        ours=lambda x: ops.eigenvectors(symmetric(x)),
        reference=lambda x: np.linalg.eigh(symmetric(x))[1],
    ),
    *(linalg("svdvals", form, s, prepare=apart) for form, s in SHAPES.items()),
    *(
        linalg("svd", f"{name}, {form}", s, prepare=apart, pick=pick, full_matrices=False)
        for form, s in SHAPES.items()
        for name, pick in VECTORS.items()
    ),
    linalg("svd", "full matrices of a square", (2, 2), prepare=apart, pick=0),
    linalg("svd", "values alone", (3, 2), prepare=apart, compute_uv=False),
    case(
        "singular_vectors",
        "tall",
        (3, 2),
        ours=lambda x: ops.singular_vectors(apart(x)),
        reference=lambda x: np.hstack([np.linalg.svd(apart(x))[0].T[:2], np.linalg.svd(apart(x))[2]]),
    ),
    *(linalg("qr", f"{'QR'[i]}, {form}", s, prepare=apart, pick=i) for form, s in SHAPES.items() for i in (0, 1)),
    linalg("qr", "complete, of wide", (2, 3), prepare=apart, pick=1, mode="complete"),
    linalg("qr", "R alone", (3, 2), prepare=apart, mode="r"),
    case(
        "qr_factors",
        "tall",
        (3, 2),
        ours=lambda x: ops.qr_factors(apart(x)),
        reference=lambda x: np.vstack(np.linalg.qr(apart(x))),
    ),
    *(linalg("pinv", form, s, prepare=apart) for form, s in SHAPES.items()),
    linalg(
        "pinv", "hermitian", (3, 3), prepare=lambda x: symmetric(x) - 0.5 * np.eye(3, dtype=x.dtype), hermitian=True
    ),
    linalg("pinv", "rcond", (3, 2), prepare=apart, rcond=1e-3),
    linalg("pinv", "rtol", (3, 2), prepare=apart, rtol=1e-3),
    linalg("pinv", "of rank 1", (3, 1), prepare=lambda x: (x + 2) @ (x + 2).swapaxes(-1, -2), rcond=1e-3),
]
