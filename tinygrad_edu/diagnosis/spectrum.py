"""The largest and the smallest eigenvalue of a symmetric matrix that is known only by its products with vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["DENSE", "Spectrum", "spectrum"]

DENSE = 100
"""Up to this many rows the matrix is written out, and every eigenvalue is known."""

_FLAT = 1e-5
"""What is smaller than this share of the largest eigenvalue counts as 0: products in float32 are no more exact."""

_ROUGH = 0.05

_MANY = 50_000

_MEMORY = 100_000_000
"""Bytes that the vectors of Lanczos' method may take; fewer are kept of a large matrix."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """What is known of the eigenvalues.

    Parameters
    ----------
    largest, smallest
        The two ends, in the order of the numbers: the smallest may be negative.
    residual, smallest_residual
        How far the two are from being eigenvalues: one lies within ‖H v - λ v‖ of each (Parlett, 1980, theorem 4.5.1).
        0 where all are known.
    vector
        The unit vector of the largest.
    values
        All of them, rising, if there are at most 100 rows; else None.
    products
        How many products with vectors it took.
    """

    largest: float
    smallest: float
    residual: float
    smallest_residual: float
    vector: NDArray[Any]
    values: NDArray[Any] | None
    products: int

    @property
    def exact(self) -> bool:
        """Whether every eigenvalue is known, up to rounding."""
        return self.values is not None

    @property
    def size(self) -> float:
        """The largest absolute value."""
        return max(abs(self.largest), abs(self.smallest))

    @property
    def flat(self) -> int | None:
        """How many eigenvalues are 0 up to rounding, if all are known."""
        return None if self.values is None else int((np.abs(self.values) <= _FLAT * self.size).sum())

    @property
    def indefinite(self) -> bool:
        """Whether there are negative eigenvalues, beyond rounding."""
        return self.smallest + self.smallest_residual < -_FLAT * self.size

    @property
    def least_curved(self) -> float | None:
        """The smallest eigenvalue above 0, if there are no negative ones and it is known, else None."""
        if self.indefinite or self.largest <= 0:
            return None
        if self.values is not None:
            return float(self.values[self.values > _FLAT * self.size].min())
        known = self.smallest_residual <= 0.1 * self.smallest and self.smallest > _FLAT * self.size
        return self.smallest if known else None


def spectrum(
    product: Callable[[NDArray[Any]], NDArray[Any]],
    n: int,
    rng: np.random.Generator,
    *,
    most: int = 60,
    tolerance: float = 1e-3,
) -> Spectrum:
    """Find the ends of the spectrum.

    A power iteration multiplies a random vector by H again and again, until it points along the eigenvector of the
    eigenvalue that is largest in size. Lanczos' method does the same and forgets no vector on the way: from the span
    of them all it takes the best one for either end, and so needs far fewer products, and sees both ends. Here each
    new vector is made orthogonal to all before it, which rounding would undo otherwise.

    Parameters
    ----------
    product
        Takes a float64 vector (n,) to H times it.
    n
        Rows of H; up to 100, H is written out, a column for each product.
    rng
        Draws the vector to begin with.
    most
        How many products at most.
    tolerance
        Stop once the residuals of both ends are below this share of the largest eigenvalue's size; that of a smallest
        one that is negative for certain may be a twentieth of it.

    References
    ----------
    Lanczos, An iteration method for the solution of the eigenvalue problem, J. Res. Nat. Bur. Standards 45 (1950).
    Parlett, The symmetric eigenvalue problem (1980).

    Examples
    --------
    >>> H = np.diag([4.0, 1.0, -2.0])
    >>> found = spectrum(lambda v: H @ v, 3, np.random.default_rng(0))
    >>> found.largest, found.smallest, found.products
    (4.0, -2.0, 3)
    >>> H = np.diag(np.linspace(-1, 3, 2000))
    >>> found = spectrum(lambda v: H @ v, 2000, np.random.default_rng(0))
    >>> abs(found.largest - 3) <= found.residual < 0.1
    True
    """
    if n <= DENSE:
        matrix = np.stack([product(row) for row in np.eye(n)])
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return Spectrum(float(values[-1]), float(values[0]), 0.0, 0.0, vectors[:, -1], values, n)
    return _lanczos(product, n, rng, min(most, n, max(10, _MEMORY // (4 * n))), tolerance)


def _lanczos(
    product: Callable[[NDArray[Any]], NDArray[Any]], n: int, rng: np.random.Generator, most: int, tolerance: float
) -> Spectrum:
    # Many weights: vectors in float32, which the products are computed in anyway, take half the room and the time.
    basis = np.zeros((most, n), np.float32 if n > _MANY else np.float64)
    diagonal, beside = np.zeros(most), np.zeros(most)
    v = rng.standard_normal(n)
    v /= np.linalg.norm(v)
    for k in range(most):
        basis[k] = v
        w = product(v)
        diagonal[k] = v @ w
        for _ in range(2):  # once is not enough where much cancels, twice is (Kahan and Parlett)
            w -= (basis[: k + 1] @ w.astype(basis.dtype)) @ basis[: k + 1]
        beside[k] = np.linalg.norm(w)
        within = np.diag(diagonal[: k + 1]) + np.diag(beside[:k], 1) + np.diag(beside[:k], -1)
        values, vectors = np.linalg.eigh(within)  # of H as it is within the span: three diagonals
        residuals = beside[k] * np.abs(vectors[-1])
        size = np.abs(values).max()
        # Of a curvature that is negative for certain it is enough to know about how much.
        loose = _ROUGH if values[0] + residuals[0] < -tolerance * size else tolerance
        done = residuals[-1] <= tolerance * size and residuals[0] <= loose * size
        if done or beside[k] <= 1e-12 * size:
            break  # the span holds both eigenvectors
        v = w / beside[k]
    top = vectors[:, -1].astype(basis.dtype) @ basis[: k + 1]
    return Spectrum(
        float(values[-1]),
        float(values[0]),
        float(residuals[-1]),
        float(residuals[0]),
        top.astype(np.float64),
        None,
        int(k + 1),
    )
