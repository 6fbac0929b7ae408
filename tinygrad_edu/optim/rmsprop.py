"""RMSprop: each weight's gradient divided by its usual size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, check_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_edu.tensor import Tensor

__all__ = ["RMSprop"]


class RMSprop(Optimizer):
    """Divide the gradient by the root of its running mean square; PyTorch's formula and defaults.

    v ← alpha v + (1 - alpha) g²;  d = g / (√v + ε);  θ ← θ - α d, or with momentum b ← momentum b + d;  θ ← θ - α b

    Parameters
    ----------
    alpha
        How slowly the running mean square forgets. (The learning rate α is `lr`.)
    eps
        ε, which keeps the division finite.
    weight_decay
        Adds weight_decay · θ to the gradient.
    momentum
        How much of the last step's velocity stays, in [0, 1).
    centered
        Divide by the running deviation instead, √(v - m²) with m the running mean of the gradient.
    batch_size
        How many examples each update sees; None for all.

    References
    ----------
    Tieleman and Hinton, Lecture 6.5: RMSprop, Neural networks for machine learning (2012).
    Graves, Generating sequences with recurrent neural networks, arXiv:1308.0850 (2013), for the centered form.

    Examples
    --------
    >>> from tinygrad_edu import tensor
    >>> x = tensor(1.0, requires_grad=True)
    >>> descent = RMSprop([x], lr=0.1, alpha=0.75)
    >>> (x**2).backward()
    >>> descent.step()
    >>> round(x.item(), 4)
    0.8
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.01,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        batch_size: int | None = 32,
    ) -> None:
        check_number("alpha", alpha, least=0.0, below=1.0)
        check_number("eps", eps, least=0.0)
        check_number("weight_decay", weight_decay, least=0.0)
        check_number("momentum", momentum, least=0.0, below=1.0)
        self.alpha, self.eps, self.weight_decay = alpha, eps, weight_decay
        self.momentum, self.centered = momentum, centered
        self.slots = ("mean_square", *(("mean",) if centered else ()), *(("momentum",) if momentum else ()))
        super().__init__(parameters, lr, batch_size=batch_size)

    def update(self, weight: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        """Compute the step, and the new value of each slot that there is."""
        *remembered, lr = rest
        if self.weight_decay:
            gradient = gradient + self.weight_decay * weight
        mean_square = self.alpha * remembered[0] + (1 - self.alpha) * (gradient * gradient)
        new, size = [mean_square], mean_square
        if self.centered:
            mean = self.alpha * remembered[1] + (1 - self.alpha) * gradient
            new.append(mean)
            size = np.maximum(mean_square - mean * mean, 0)  # rounded, it may be a little below 0
        step = gradient / (np.sqrt(size) + self.eps)
        if self.momentum:
            step = self.momentum * remembered[-1] + step
            new.append(step)
        return lr * step, *new
