"""Adam: a step size for each weight, from the running mean and size of its gradient. Two kinds of weight decay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, check_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_edu.tensor import Tensor

__all__ = ["Adam", "AdamW"]


class Adam(Optimizer):
    """Adam, with PyTorch's formula and defaults.

    m ← β₁ m + (1 - β₁) g;  v ← β₂ v + (1 - β₂) g²;
    θ ← θ - α / (1 - β₁ᵗ) · m / (√v / √(1 - β₂ᵗ) + ε)

    Parameters
    ----------
    betas
        (β₁, β₂): how slowly the running mean, and the running mean square, of the gradient forget.
    eps
        ε, which keeps the division finite.
    weight_decay
        Adds weight_decay · θ to the gradient.
    batch_size
        How many examples each update sees; None for all.

    References
    ----------
    Kingma and Ba, Adam: a method for stochastic optimization, ICLR 2015.

    Examples
    --------
    >>> from tinygrad_edu import tensor
    >>> x = tensor(1.0, requires_grad=True)
    >>> descent = Adam([x], lr=0.1)
    >>> (x**2).backward()
    >>> descent.step()
    >>> round(x.item(), 4)
    0.9
    """

    slots = ("mean", "mean_square")
    scalar_names: tuple[str, ...] = ("step_size", "correction")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        batch_size: int | None = 32,
    ) -> None:
        for name, beta in zip(("betas[0]", "betas[1]"), betas, strict=True):
            check_number(name, beta, least=0.0, below=1.0)
        check_number("eps", eps, least=0.0)
        check_number("weight_decay", weight_decay, least=0.0)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        super().__init__(parameters, lr, batch_size=batch_size)

    def scalars(self, lr: float, step: int) -> tuple[float, ...]:
        """Compute α / (1 - β₁ᵗ) and √(1 - β₂ᵗ), which undo that m and v begin at 0."""
        beta1, beta2 = self.betas
        return lr / (1 - beta1**step), math.sqrt(1 - beta2**step)

    def update(self, weight: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        """Compute the step, the new mean and the new mean square."""
        if self.weight_decay:
            gradient = gradient + self.weight_decay * weight
        return self._update(gradient, *rest)

    def _update(
        self, gradient: Any, mean: Any, mean_square: Any, step_size: Any, correction: Any
    ) -> tuple[Any, Any, Any]:
        beta1, beta2 = self.betas
        mean = beta1 * mean + (1 - beta1) * gradient
        mean_square = beta2 * mean_square + (1 - beta2) * (gradient * gradient)
        return step_size * mean / (np.sqrt(mean_square) / correction + self.eps), mean, mean_square


class AdamW(Adam):
    """Adam with decoupled weight decay; PyTorch's formula and defaults.

    θ ← θ - α weight_decay θ, then Adam's step. The decay does not go into the running mean and size of the gradient,
    so that a weight with large gradients is pulled towards 0 as hard as one with small ones.

    Parameters
    ----------
    betas, eps, batch_size
        As in `Adam`.
    weight_decay
        How strongly the weights are pulled towards 0.

    References
    ----------
    Loshchilov and Hutter, Decoupled weight decay regularization, ICLR 2019.

    Examples
    --------
    >>> from tinygrad_edu import tensor
    >>> x = tensor(1.0, requires_grad=True)
    >>> descent = AdamW([x], lr=0.1, weight_decay=0.5)
    >>> (x**2).backward()
    >>> descent.step()
    >>> round(x.item(), 4)
    0.85
    """

    scalar_names = ("step_size", "correction", "decay")

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.001,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        batch_size: int | None = 32,
    ) -> None:
        super().__init__(parameters, lr, betas=betas, eps=eps, weight_decay=weight_decay, batch_size=batch_size)

    def scalars(self, lr: float, step: int) -> tuple[float, ...]:
        """Compute Adam's two numbers, and α weight_decay."""
        return *super().scalars(lr, step), lr * self.weight_decay

    def update(self, weight: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        """Compute the step, the new mean and the new mean square."""
        *remembered_and_scalars, decay = rest
        step, mean, mean_square = self._update(gradient, *remembered_and_scalars)
        return step + decay * weight, mean, mean_square
