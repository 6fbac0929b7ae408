"""How strongly the loss is curved, and how long a step may be because of it.

Along a direction of curvature λ the slope grows by λ with every unit of the way. A step of gradient descent
multiplies the distance to the lowest point of such a bowl by (1 - α λ), as it multiplies x by (1 - 2α) on y = x²:
above α = 2/λ each step lands farther away than it began. The most curved direction sets the limit for all.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.autodiff.recording import pull_all
from tinygrad_edu.diagnosis.case import flat
from tinygrad_edu.diagnosis.spectrum import spectrum
from tinygrad_edu.errors import OptionError
from tinygrad_edu.optim.gradient_descent import GradientDescent
from tinygrad_edu.optim.sgd import SGD
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from tinygrad_edu.diagnosis.case import Case
    from tinygrad_edu.optim.optimizer import Optimizer

__all__ = ["Curvature", "contraction", "hessian_products", "measure", "stable_learning_rate", "updates_needed"]


@dataclass(frozen=True)
class Curvature:
    """The curvature of the loss at the weights as they are: the eigenvalues of its Hessian.

    Parameters
    ----------
    largest, smallest
        λ, the largest, and the smallest, which is negative in a network nearly always: there the loss bends down.
    residual, smallest_residual
        λ is within this of an eigenvalue, and so is the smallest; 0 where all were computed.
    along_gradient
        The curvature gᵀHg / |g|² in the direction of the gradient g, in which the next step goes.
    condition_number
        λ over the smallest curvature above 0, if no curvature is negative and the smallest is known; else None.
    least
        That smallest curvature above 0; else None.
    flat
        In how many directions the loss is not curved at all, up to rounding; None where too many weights to tell.
    quadratic
        Whether the curvature is the same elsewhere, as it is for a linear model with the squared error.
    n_examples, products
        On how many examples it was measured, with how many products of the Hessian with a vector.
    """

    largest: float
    smallest: float
    residual: float
    smallest_residual: float
    along_gradient: float
    condition_number: float | None
    least: float | None
    flat: int | None
    quadratic: bool
    n_examples: int
    products: int

    @property
    def indefinite(self) -> bool:
        """Whether the loss bends down in some direction, so that there is no condition number."""
        return self.condition_number is None and self.smallest < 0


def hessian_products(case: Case, X: NDArray[Any], y: NDArray[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Record the gradient of the loss once, and give the function that multiplies the Hessian by a vector.

    Each product is one pull back through the recorded gradient: H v is the gradient of gᵀv (Pearlmutter, Fast exact
    multiplication by the Hessian, Neural Computation 6, 1994).

    Parameters
    ----------
    X, y
        The examples whose loss it is.

    Returns
    -------
    A function of a vector (n_parameters,), in the order of ``case.trained``.
    """
    weights = list(case.trained.values())
    loss = case.objective(X, y)
    recorded = pull_all([loss], [Tensor(np.ones_like(loss.array))], weights, create_graph=True)
    slopes = [
        g if isinstance(g, Tensor) else Tensor(np.zeros_like(w.array)) for g, w in zip(recorded, weights, strict=True)
    ]
    ends = np.cumsum([w.size for w in weights])

    def product(v: NDArray[Any]) -> NDArray[Any]:
        parts = np.split(v, ends[:-1])
        seeds = [part.reshape(w.shape).astype(w.dtype) for part, w in zip(parts, weights, strict=True)]
        found = pull_all(slopes, seeds, weights, create_graph=False)
        return flat([None if g is None else np.asarray(g) for g in found], weights)

    return product


def measure(case: Case, X: NDArray[Any], y: NDArray[Any]) -> Curvature:
    """Measure the curvature of the loss of some examples at the weights as they are."""
    product = hessian_products(case, X, y)
    gradient = case.gradient(X, y)
    found = spectrum(product, len(gradient), case.rng)
    length = float(gradient @ gradient)
    along = float(gradient @ product(gradient)) / length if length else math.nan
    least = found.least_curved
    with _elsewhere(case):
        there = hessian_products(case, X, y)(found.vector)
    moved = np.linalg.norm(there - product(found.vector))
    return Curvature(
        largest=found.largest,
        smallest=found.smallest,
        residual=found.residual,
        smallest_residual=found.smallest_residual,
        along_gradient=along,
        condition_number=None if least is None else found.largest / least,
        least=least,
        flat=found.flat,
        quadratic=bool(moved <= 1e-3 * found.size),
        n_examples=len(X),
        products=found.products + 3,
    )


@contextmanager
def _elsewhere(case: Case) -> Iterator[None]:
    """Move the weights by about their own size, and back."""
    weights = list(case.trained.values())
    before = [w.array for w in weights]
    try:
        for w in weights:
            w.array = (w.array + case.rng.standard_normal(w.shape) * (0.1 + np.abs(w.array).mean())).astype(w.dtype)
        yield
    finally:
        for w, array in zip(weights, before, strict=True):
            w.array = array


# ------------------------------------------------------------------------------- what it says of the steps
def stable_learning_rate(optimizer: Optimizer, curvature: float) -> float | None:
    """Compute the learning rate above which descent along a direction of this curvature runs away.

    2/λ for plain gradient descent, 2(1+β)/λ with momentum β, 2(1+β)/((1+2β)λ) with Nesterov's look ahead. Weight decay
    adds to λ.

    Returns
    -------
    None where there is no such limit: for an optimizer that rescales the gradient, such as Adam, and where the loss
    does not bend up.

    References
    ----------
    Cohen et al., Gradient descent on neural networks typically occurs at the edge of stability, ICLR 2021.

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> x = tensor(1.0, requires_grad=True)
    >>> stable_learning_rate(optim.BatchGradientDescent([x], lr=0.1), 2.0)
    1.0
    >>> round(stable_learning_rate(optim.SGD([x], lr=0.1, momentum=0.9), 2.0), 6)
    1.9
    >>> print(stable_learning_rate(optim.Adam([x]), 2.0))
    None
    """
    rule = _rule(optimizer)
    if rule is None:
        return None
    momentum, nesterov, decay = rule
    steepest = curvature + decay
    if steepest <= 0:
        return None
    return 2 * (1 + momentum) / ((1 + 2 * momentum if nesterov else 1) * steepest)


def contraction(optimizer: Optimizer, curvature: float) -> float:
    """Compute by what factor an update shrinks the distance along a direction of this curvature, in the long run.

    |1 - α λ| for plain gradient descent. With momentum β the distances of two steps follow a linear recurrence, and
    the factor is the larger root of z² - (1 + β - α λ) z + β, in size. Above 1 the distance grows.

    Raises
    ------
    OptionError
        For an optimizer that rescales the gradient: no such factor belongs to it.

    Examples
    --------
    >>> from tinygrad_edu import optim, tensor
    >>> x = tensor(1.0, requires_grad=True)
    >>> round(contraction(optim.BatchGradientDescent([x], lr=0.1), 2.0), 6)
    0.8
    """
    rule = _rule(optimizer)
    if rule is None:
        raise OptionError(
            f"{type(optimizer).__name__} rescales the gradient, so that no one factor describes it. Ask it of "
            f"optim.SGD, or of one of the three kinds of gradient descent."
        )
    momentum, nesterov, decay = rule
    step = optimizer.lr * (curvature + decay)
    if nesterov:
        roots = np.roots([1.0, -(1 + momentum) * (1 - step), momentum * (1 - step)])
    else:
        roots = np.roots([1.0, -(1 + momentum - step), momentum])
    return float(np.abs(roots).max())


def updates_needed(optimizer: Optimizer, curvature: Curvature, shrink: float = 1e-3) -> float | None:
    """Compute how many updates by all examples bring the weights within a share of their distance to the lowest point.

    The slowest direction decides: ln(1/ε) updates over -ln of the largest factor of the two ends of the spectrum. For
    plain descent at the best learning rate that is about κ/2 · ln(1/ε), with κ the condition number.

    Parameters
    ----------
    shrink
        ε, the share of the distance that is to be left.

    Returns
    -------
    Infinite where the descent runs away; None where the curvature has no lowest point to speak of, or the optimizer
    rescales the gradient.
    """
    if curvature.least is None or _rule(optimizer) is None:
        return None
    slowest = max(contraction(optimizer, c) for c in (curvature.least, curvature.largest))
    return math.inf if slowest >= 1 else math.log(shrink) / math.log(slowest)


def _rule(optimizer: Optimizer) -> tuple[float, bool, float] | None:
    """Give momentum, whether it is Nesterov's, and weight decay of gradient descent; None for any other update."""
    update = type(optimizer).update
    if update is GradientDescent.update:
        return 0.0, False, 0.0
    if isinstance(optimizer, SGD) and update is SGD.update:
        return optimizer.momentum, optimizer.nesterov, optimizer.weight_decay
    return None
