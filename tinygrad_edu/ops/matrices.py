"""Rows of square matrices and of stacks of them: inverses, linear equations, determinants, Cholesky factors."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import DtypeError, OptionError, ShapeError, SingularMatrixError
from tinygrad_edu.ops.choices import where
from tinygrad_edu.ops.composition import compose
from tinygrad_edu.ops.diagonals import tril
from tinygrad_edu.ops.products import matmul
from tinygrad_edu.ops.shape import arraylike, swapaxes
from tinygrad_edu.ops.table import Op, define

if TYPE_CHECKING:
    from collections.abc import Callable

_INVERTIBLE = "x invertible"


def turned(x: Any) -> Any:
    """Transpose each matrix.

    Examples
    --------
    >>> turned(np.zeros((4, 2, 3))).shape
    (4, 3, 2)
    """
    return x.swapaxes(-1, -2)


_REMEDIES = {
    "Singular": "np.linalg.pinv does without an inverse; or add a little to the diagonal.",
    "positive definite": "Add a little to the diagonal, and see that the matrix is symmetric.",
    "converge": "Look for NaN and infinity among the entries.",
}


def lapack(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make the forward of a row of one of NumPy's functions: its errors say what to do.

    Examples
    --------
    >>> lapack(np.linalg.inv)(np.zeros((2, 2)))
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.SingularMatrixError: inv of shape (2, 2) is not possible: Singular matrix. np.linalg.pinv ...
    """
    name = function.__name__.lstrip("_")

    @functools.wraps(function)  # its options are the row's
    def forward(*arrays: Any, **options: Any) -> Any:
        if any(getattr(a, "dtype", None) == np.float16 for a in arrays):
            raise DtypeError(f"{name} of float16 is not possible: LAPACK does not have it. Use x.astype(np.float32).")
        try:
            return function(*arrays, **options)
        except np.linalg.LinAlgError as error:
            for cause, remedy in _REMEDIES.items():
                if cause in str(error):
                    shapes = " and ".join(str(a.shape) for a in arrays)
                    raise SingularMatrixError(f"{name} of shape {shapes} is not possible: {error}. {remedy}") from error
            raise

    return forward


@compose(getattr(np, "matrix_transpose", np.linalg.matrix_transpose), also=(np.linalg.matrix_transpose,))
def matrix_transpose(x: Any) -> Any:
    """Each matrix of a stack transposed: the last two axes exchanged."""
    return swapaxes(arraylike(x), axis1=-1, axis2=-2)


# --------------------------------------------------------------------------------- inverses, equations
inv: Op = define(
    np.linalg.inv,
    lambda g, y, _x: -(turned(y) @ g @ turned(y)),
    forward=lapack(np.linalg.inv),
    doc="The inverse of each matrix.",
    domain=_INVERTIBLE,
    gradient="-yᵀ g yᵀ",
)


def _solve_wrt_a(g: Any, z: Any, a: Any, _b: Any) -> Any:
    if _b.ndim == 1:
        return -_solve_wrt_b(g, z, a, _b)[..., None] * z[..., None, :]
    return -(_solve_wrt_b(g, z, a, _b) @ turned(z))


def _solve_wrt_b(g: Any, _z: Any, a: Any, _b: Any) -> Any:
    if _b.ndim == 1:
        return solve(turned(a), g[..., None])[..., 0]
    return solve(turned(a), g)


solve: Op = define(
    np.linalg.solve,
    _solve_wrt_a,
    _solve_wrt_b,
    forward=lapack(np.linalg.solve),
    doc="The solution z of x z = y for each matrix; y is a vector, or a matrix of columns.",
    domain=_INVERTIBLE,
    gradient="-(x⁻ᵀ g) zᵀ; x⁻ᵀ g",
)


@compose(np.linalg.matrix_power, domain="n ≥ 0, or a invertible")
def matrix_power(a: Any, n: int) -> Any:
    """The product of n times the same matrix; of its inverse where n < 0."""
    a = arraylike(a)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"matrix_power takes a square matrix or a stack of them, but the shape is {a.shape}.")
    if not isinstance(n, (int, np.integer)):
        raise OptionError(f"matrix_power takes a whole number as the exponent, but was given {n}.")
    if n == 0:
        return where(np.True_, np.eye(a.shape[-1], dtype=a.dtype), a)
    square = inv(a) if n < 0 else a
    n, out = abs(int(n)), None
    while True:  # a¹³ = a⁸ a⁴ a¹
        if n % 2:
            out = square if out is None else matmul(out, square)
        n //= 2
        if not n:
            return out
        square = matmul(square, square)


# -------------------------------------------------------------------------------------- determinants
# The gradient of the determinant is the matrix of cofactors. It is det(x) x⁻ᵀ where x has an inverse, but it is there
# where x has none too: with x = U diag(s) Vᵀ it is det(U) det(V) U diag(c) Vᵀ, cᵢ being the product of all s but sᵢ.
det = define(
    np.linalg.det,
    lambda g, _y, x: g[..., None, None] * cofactors(x),
    forward=lapack(np.linalg.det),
    doc="The determinant of each matrix.",
    domain="all; for the second order, x invertible",
    gradient="g cofactors(x)",
)


def _cofactors(x: Any) -> Any:
    u, s, vt = np.linalg.svd(x)
    others = np.where(np.eye(s.shape[-1], dtype=bool), 1, s[..., None, :]).prod(axis=-1)
    sign = np.round(np.linalg.det(u) * np.linalg.det(vt))
    return u @ ((sign[..., None] * others)[..., None] * vt)


def _cofactors_rule(g: Any, y: Any, x: Any) -> Any:
    inverse = turned(inv(x))
    return (g * y).sum((-2, -1))[..., None, None] * inverse - inverse @ turned(g) @ y


cofactors: Op = define(
    "cofactors",
    _cofactors_rule,
    forward=lapack(_cofactors),
    doc="For each entry, the determinant without its row and column, with the sign of its place.",
    domain=_INVERTIBLE,
    gradient="⟨g, y⟩ x⁻ᵀ - x⁻ᵀ gᵀ y",
)


def _logabsdet(x: Any) -> Any:
    return np.linalg.slogdet(x).logabsdet


def _signdet(x: Any) -> Any:
    return np.linalg.slogdet(x).sign


logabsdet = define(
    "logabsdet",
    lambda g, _y, x: g[..., None, None] * turned(inv(x)),
    forward=lapack(_logabsdet),
    doc="The logarithm of the determinant's size, for each matrix.",
    domain=_INVERTIBLE,
    gradient="g x⁻ᵀ",
)
signdet = define(
    "signdet",
    None,
    forward=lapack(_signdet),
    doc="The sign of the determinant of each matrix.",
    gradient="none: the sign jumps",
)


class SignAndLogarithm(NamedTuple):
    """What slogdet returns."""

    sign: Any
    logabsdet: Any


@compose(np.linalg.slogdet, domain=_INVERTIBLE)
def slogdet(a: Any) -> Any:
    """The determinant of each matrix as its sign and the logarithm of its size, which do not overflow."""
    a = arraylike(a)
    return SignAndLogarithm(signdet(a), logabsdet(a))


# ------------------------------------------------------------------------------------------ Cholesky
# Only symmetric matrices have a factor, and so the gradient is the symmetric one. A matrix is read as its lower (or
# upper) triangle, as LAPACK reads it.
def _cholesky_rule(g: Any, y: Any, _x: Any, upper: bool = False) -> Any:  # noqa: FBT001, FBT002 - as the forward
    factor, g = (turned(y), turned(g)) if upper else (y, g)
    half = tril(turned(factor) @ g) * _halves(_x)
    # L⁻ᵀ H L⁻¹, each side by one system of equations
    half = turned(solve(turned(factor), turned(solve(turned(factor), half))))
    return (half + turned(half)) / 2


def _halves(x: Any) -> Any:
    return np.ones(x.shape[-2:], x.dtype) - np.eye(x.shape[-1], dtype=x.dtype) / 2


cholesky = define(
    np.linalg.cholesky,
    _cholesky_rule,
    forward=lapack(np.linalg.cholesky),
    doc="The lower triangular L with L Lᵀ = x for each matrix; or Lᵀ, if `upper`.",
    domain="x symmetric, positive definite",
    gradient="the symmetric part of L⁻ᵀ H L⁻¹, H being the lower triangle of Lᵀ g with half its diagonal",
)
