"""How much the gradients of single examples differ, and how many of them a batch should average.

A batch of b examples estimates the gradient G of all of them with a variance of tr(Σ)/b, where Σ is the covariance of
the gradients of single examples. At b = tr(Σ)/|G|² the noise is as large as the gradient: well below, twice the batch
gives nearly twice the progress; well above, it gives hardly any more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.nn.normalization import BatchNorm1d, BatchNorm2d

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from tinygrad_edu.diagnosis.case import Case

__all__ = ["Noise", "estimate", "measure"]

_LEAST = 8  # examples of a batch: below, what an update costs is the calls and not the numbers
_TOGETHER = 8  # examples whose gradient is taken at once where one alone has none, as with batch normalisation


@dataclass(frozen=True)
class Noise:
    """The noise of the gradient.

    Parameters
    ----------
    squared_gradient
        |G|², estimated without bias; where noise hides the gradient, it may come out negative.
    variance
        tr(Σ), the variance of one example's gradient, added up over all weights; without bias.
    n_gradients, group
        From how many gradients it was estimated, each of how many examples: 1, or 8 where the examples of a batch
        influence each other.
    n_examples
        How many examples there are in all.
    """

    squared_gradient: float
    variance: float
    n_gradients: int
    group: int
    n_examples: int

    @property
    def scale(self) -> float:
        """The simple noise scale tr(Σ)/|G|²; infinite where the gradient cannot be told from 0."""
        if self.squared_gradient <= 0:
            return math.inf if self.variance else 0.0
        return self.variance / self.squared_gradient

    @property
    def batch_size(self) -> int:
        """The batch size that the noise scale suggests: the nearest power of two, at least 8, at most all examples.

        An update by fewer than 8 takes about as long as one by 8.
        """
        if self.scale >= self.n_examples:
            return self.n_examples
        return min(max(1 << round(math.log2(max(self.scale, 1))), _LEAST), self.n_examples)


def estimate(gradients: Iterable[NDArray[Any]], whole: NDArray[Any], *, group: int, n_whole: int, n: int) -> Noise:
    """Estimate the noise from gradients of groups of equal size, and the gradient of a larger sample.

    The variance of a group's gradient is tr(Σ)/group. The sample's gradient is G with a noise of tr(Σ)/n_whole, which
    its square holds on average besides |G|², and which is taken off.

    Parameters
    ----------
    gradients
        Vectors, at least two of them; gone through once.
    whole
        The gradient of all `n_whole` examples of the sample.
    n
        How many examples there are in all.

    References
    ----------
    McCandlish, Kaplan, Amodei et al., An empirical model of large-batch training, arXiv:1812.06162 (2018).

    Examples
    --------
    >>> gradients = [np.array([1.0, 0.0]), np.array([3.0, 0.0])]
    >>> noise = estimate(gradients, np.array([2.0, 0.0]), group=1, n_whole=2, n=100)
    >>> noise.variance, noise.squared_gradient, round(noise.scale, 3), noise.batch_size
    (2.0, 3.0, 0.667, 8)
    """
    count, total, squares = 0, np.zeros_like(whole), 0.0
    for g in gradients:
        count += 1
        total += g
        squares += float(g @ g)
    variance = group * max(squares - float(total @ total) / count, 0.0) / (count - 1)
    return Noise(float(whole @ whole) - variance / n_whole, variance, count, group, n)


def measure(case: Case, whole: NDArray[Any], *, most: int) -> Noise | None:
    """Measure the noise on the sample; None where there are too few examples.

    Parameters
    ----------
    whole
        The gradient of the sample, as one vector.
    most
        How many gradients to compute.
    """
    n = len(case.xs)
    group = _TOGETHER if _depend(case) else 1
    count = min(most, n // group)
    if count < 2:
        return None
    order = case.rng.permutation(n)[: count * group].reshape(count, group)
    return estimate(
        (case.gradient(case.xs[rows], case.ys[rows]) for rows in order),
        whole,
        group=group,
        n_whole=n,
        n=len(case.X),
    )


def _depend(case: Case) -> bool:
    """Whether the examples of a batch influence each other: then the mean of their own gradients is another one."""
    if any(isinstance(module, (BatchNorm1d, BatchNorm2d)) for _, module in case.model.named_modules()):
        return True
    X, y = case.some(3)
    together = case.gradient(X, y)
    away = together.copy()
    for i in range(len(X)):
        away -= case.gradient(X[i : i + 1], y[i : i + 1]) / len(X)
    return bool(np.linalg.norm(away) > 1e-2 * np.linalg.norm(together) + 1e-12)
