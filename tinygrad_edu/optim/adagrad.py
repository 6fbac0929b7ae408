"""Adagrad: each weight's steps become smaller the further its gradients have already taken it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.optim.optimizer import Optimizer, check_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_edu.tensor import Tensor

__all__ = ["Adagrad"]


class Adagrad(Optimizer):
    """Divide the gradient by the root of the sum of all its squares so far; PyTorch's formula and defaults.

    s ← s + g²;  θ ← θ - α / (1 + (t - 1) lr_decay) · g / (√s + ε)

    Parameters
    ----------
    lr_decay
        How fast the learning rate falls with the number of steps t.
    weight_decay
        Adds weight_decay · θ to the gradient.
    initial_accumulator_value
        What the sums s begin at.
    eps
        ε, which keeps the division finite.
    batch_size
        How many examples each update sees; None for all.

    References
    ----------
    Duchi, Hazan and Singer, Adaptive subgradient methods for online learning and stochastic optimization, JMLR 12
    (2011).

    Examples
    --------
    >>> from tinygrad_edu import tensor
    >>> x = tensor(1.0, requires_grad=True)
    >>> descent = Adagrad([x], lr=0.1)
    >>> (x**2).backward()
    >>> descent.step()
    >>> round(x.item(), 4)
    0.9
    """

    slots = ("square_sum",)

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.01,
        *,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        batch_size: int | None = 32,
    ) -> None:
        check_number("lr_decay", lr_decay, least=0.0)
        check_number("weight_decay", weight_decay, least=0.0)
        check_number("initial_accumulator_value", initial_accumulator_value, least=0.0)
        check_number("eps", eps, least=0.0)
        self.lr_decay, self.weight_decay, self.eps = lr_decay, weight_decay, eps
        super().__init__(parameters, lr, batch_size=batch_size)
        for name, array in self.state.items():
            if name.startswith("square_sum."):
                array[...] = initial_accumulator_value

    def scalars(self, lr: float, step: int) -> tuple[float, ...]:
        """Compute α / (1 + (t - 1) lr_decay)."""
        return (lr / (1 + (step - 1) * self.lr_decay),)

    def update(self, weight: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        """Compute the step and the new sum of squares."""
        square_sum, lr = rest
        if self.weight_decay:
            gradient = gradient + self.weight_decay * weight
        square_sum = square_sum + gradient * gradient
        return lr * gradient / (np.sqrt(square_sum) + self.eps), square_sum
