"""Rows that take matrices apart: eigenvalues, singular values, orthogonal factors; and the pseudoinverse.

Eigenvectors and singular vectors turn by any angle where two values are equal. They have a gradient where the values
are distinct, and division by 0 says so elsewhere; the values alone have one everywhere.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.diagonals import tril
from tinygrad_edu.ops.joining import concatenate
from tinygrad_edu.ops.matrices import lapack, solve, turned
from tinygrad_edu.ops.shape import arraylike
from tinygrad_edu.ops.table import Op, define

_DISTINCT = "distinct values"


def _over_differences(m: Any, w: Any) -> Any:
    """Divide the entries of m by w_j - w_i; those on the diagonal become 0."""
    eye = np.eye(w.shape[-1], dtype=w.dtype)
    return m * (1 - eye) / (w[..., None, :] - w[..., :, None] + eye)


# ---------------------------------------------------------------------------- eigenvalues, eigenvectors
def _eigvalsh_rule(g: Any, _y: Any, x: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    v = eigenvectors(x, UPLO=UPLO)
    return (v * g[..., None, :]) @ turned(v)


eigvalsh: Op = define(
    np.linalg.eigvalsh,
    _eigvalsh_rule,
    forward=lapack(np.linalg.eigvalsh),
    doc="The eigenvalues of each symmetric matrix, in ascending order.",
    domain="x symmetric",
    gradient="V diag(g) Vᵀ, V being the eigenvectors",
)


def _eigenvectors(x: Any, UPLO: Literal["L", "U"] = "L") -> Any:  # noqa: N803 - NumPy's name
    return np.linalg.eigh(x, UPLO)[1]


def _eigenvectors_rule(g: Any, y: Any, x: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    half = y @ _over_differences(turned(y) @ g, eigvalsh(x, UPLO=UPLO)) @ turned(y)
    return (half + turned(half)) / 2


eigenvectors = define(
    "eigenvectors",
    _eigenvectors_rule,
    forward=lapack(_eigenvectors),
    doc="The eigenvectors of each symmetric matrix, as columns, in the order of the eigenvalues.",
    domain=f"x symmetric, {_DISTINCT}",
    gradient="the symmetric part of V M Vᵀ, M being Vᵀ g with each entry divided by wⱼ - wᵢ, and 0 for i = j",
)


class Eigen(NamedTuple):
    """What eigh returns."""

    eigenvalues: Any
    eigenvectors: Any


@compose(np.linalg.eigh, domain=f"a symmetric; for the vectors, {_DISTINCT}")
def eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 - NumPy's name
    """The eigenvalues of each symmetric matrix, in ascending order, and its eigenvectors, as columns."""
    a = arraylike(a)
    return Eigen(eigvalsh(a, UPLO=UPLO), eigenvectors(a, UPLO=UPLO))


# ------------------------------------------------------------------------------------ singular values
# The vectors of one singular value may both change their sign, but only together: so they are one row.
def _svdvals_rule(g: Any, _y: Any, x: Any) -> Any:
    u, vt = _parted(singular_vectors(x), x)
    return (u * g[..., None, :]) @ vt


svdvals: Op = define(
    np.linalg.svdvals,
    _svdvals_rule,
    forward=lapack(np.linalg.svdvals),
    doc="The singular values of each matrix, in descending order.",
    domain="x of full rank",
    gradient="U diag(g) Vᵀ, U and V being the singular vectors",
)


def _parted(vectors: Any, x: Any) -> tuple[Any, Any]:
    n = x.shape[-2]
    return turned(vectors[..., :n]), vectors[..., n:]


def _singular_vectors(x: Any) -> Any:
    u, _, vt = np.linalg.svd(x, full_matrices=False)
    return np.concatenate([turned(u), vt], axis=-1)


def _singular_vectors_rule(g: Any, y: Any, x: Any) -> Any:
    (u, vt), (gu, gvt), s = _parted(y, x), _parted(g, x), svdvals(x)
    left, right = turned(u) @ gu, vt @ turned(gvt)
    m = _over_differences(left - turned(left), s * s) * s[..., None, :]
    m = m + _over_differences(right - turned(right), s * s) * s[..., :, None]
    out = u @ m @ vt
    rows, columns = x.shape[-2:]
    if rows > columns:  # what is orthogonal to all of u
        out = out + ((gu - u @ left) / s[..., None, :]) @ vt
    if rows < columns:
        out = out + u @ ((gvt - turned(right) @ vt) / s[..., :, None])
    return out


singular_vectors = define(
    "singular_vectors",
    _singular_vectors_rule,
    forward=lapack(_singular_vectors),
    doc="The singular vectors of each matrix: in row i the left and the right one of singular value i.",
    domain=f"x of full rank, {_DISTINCT}",
    gradient="U (L S + S R) Vᵀ, L = (Uᵀgᵤ - gᵤᵀU) / (sⱼ² - sᵢ²), R = (Vᵀgᵥ - gᵥᵀV) / (sⱼ² - sᵢ²); and, where x is not "
    "square, what is orthogonal to U or V",
)


class Singular(NamedTuple):
    """What svd returns."""

    U: Any
    S: Any
    Vh: Any


@compose(np.linalg.svd, domain=f"a of full rank; for the vectors, {_DISTINCT}")
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:  # noqa: FBT001, FBT002 - as NumPy's
    """The singular values of each matrix, in descending order, between its left and its right singular vectors."""
    a = arraylike(a)
    if not compute_uv:
        return svdvals(a)
    _check_thin("svd", a, "full_matrices=False", full=full_matrices and a.shape[-1:] != a.shape[-2:-1])
    u, vt = _parted(singular_vectors(a), a)
    return Singular(u, svdvals(a), vt)


def _check_thin(name: str, a: Any, remedy: str, *, full: bool) -> None:
    if a.ndim < 2:
        raise ShapeError(f"{name} takes a matrix or a stack of them, but the shape is {a.shape}.")
    if full:
        raise OptionError(
            f"{name} of shape {a.shape} was asked for more orthogonal vectors than the matrix determines; any others "
            f"would do as well, so they have no gradient. Write {remedy}."
        )


# -------------------------------------------------------------------------------- orthogonal and triangular
# Q below which stands R, in one array: the rule needs both.
def _qr_factors(x: Any) -> Any:
    return np.concatenate(np.linalg.qr(x), axis=-2)


def _qr_factors_rule(g: Any, y: Any, _x: Any) -> Any:
    n = _x.shape[-2]
    q, r, gq, gr = y[..., :n, :], y[..., n:, :], g[..., :n, :], g[..., n:, :]
    m = r @ turned(gr) - turned(gq) @ q
    lower = tril(m, -1)
    m = lower + turned(lower) + m * np.eye(m.shape[-1], dtype=m.dtype)
    return turned(solve(r, turned(gq + q @ m)))


qr_factors = define(
    "qr_factors",
    _qr_factors_rule,
    forward=lapack(_qr_factors),
    doc="The factors Q and R of each matrix with no more columns than rows, the one above the other.",
    domain="x of full rank",
    gradient="(g_Q + Q M) R⁻ᵀ, M being the lower triangle of R g_Rᵀ - g_Qᵀ Q, mirrored",
)


class Orthogonal(NamedTuple):
    """What qr returns."""

    Q: Any
    R: Any


@compose(np.linalg.qr, domain="a of full rank")
def qr(a: Any, mode: str = "reduced") -> Any:
    """Orthonormal columns Q and upper triangles R with Q R = a, for each matrix; with mode "r", R alone."""
    a = arraylike(a)
    if mode not in ("reduced", "complete", "r"):
        raise OptionError(f"qr takes mode 'reduced', 'complete' or 'r', but was given {mode!r}.")
    _check_thin("qr", a, 'mode="reduced"', full=mode == "complete" and a.shape[-2] > a.shape[-1])
    n, k = a.shape[-2], min(a.shape[-2:])
    factors = qr_factors(a[..., :k])
    q, r = factors[..., :n, :], factors[..., n:, :]
    if a.shape[-1] > k:  # the columns beyond the square, in terms of Q
        r = concatenate(r, turned(q) @ a[..., k:], axis=-1)
    return r if mode == "r" else Orthogonal(q, r)


# -------------------------------------------------------------------------------------- pseudoinverse
_UNSET = object()  # rtol=None means something to NumPy


def _pinv(x: Any, rcond: Any = None, hermitian: bool = False, rtol: Any = _UNSET) -> Any:  # noqa: FBT001, FBT002 - as NumPy's
    given = {} if rtol is _UNSET else {"rtol": rtol}
    return np.linalg.pinv(x, rcond, hermitian, **given)


def _pinv_rule(g: Any, y: Any, x: Any, rcond: Any = None, hermitian: bool = False, rtol: Any = _UNSET) -> Any:  # noqa: ARG001, FBT001, FBT002 - as the forward
    yt, gt = turned(y), turned(g)
    # -yᵀ g yᵀ as for the inverse, and what x does not reach: (1 - x y) gᵀ y yᵀ + yᵀ y gᵀ (1 - y x)
    left, right = gt @ y @ yt, yt @ y @ gt
    out = -(yt @ g @ yt) + left - x @ (y @ left) + right - (right @ y) @ x
    return (out + turned(out)) / 2 if hermitian else out


pinv = define(
    np.linalg.pinv,
    _pinv_rule,
    forward=lapack(_pinv),
    doc="The pseudoinverse of each matrix: the least-squares solution of x y = 1 that is smallest.",
    domain="x of constant rank",
    gradient="-yᵀ g yᵀ + (1 - x y) gᵀ y yᵀ + yᵀ y gᵀ (1 - y x)",
)
