"""Gradient descent: θ ← θ - α ∇L(θ). What differs is how many examples each step looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_edu.tensor import Tensor

__all__ = ["BatchGradientDescent", "GradientDescent", "MiniBatchGradientDescent", "StochasticGradientDescent"]


class GradientDescent(Optimizer):
    """Step downhill: θ ← θ - α g. The three below say from how many examples g comes."""

    def update(self, weight: Any, gradient: Any, *scalars: Any) -> tuple[Any, ...]:
        """Compute the step α g."""
        (lr,) = scalars
        return (lr * gradient,)


class BatchGradientDescent(GradientDescent):
    """One update from all examples: exact and smooth, and slow when there are many.

    Examples
    --------
    >>> from tinygrad_edu import tensor
    >>> x = tensor(-6.0, requires_grad=True)
    >>> descent = BatchGradientDescent([x], lr=0.1)
    >>> (x**2).backward()
    >>> descent.step()
    >>> round(x.item(), 6)
    -4.8
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float = 0.1) -> None:
        super().__init__(parameters, lr, batch_size=None)


class StochasticGradientDescent(GradientDescent):
    """One update from each example: many cheap, noisy steps.

    Examples
    --------
    >>> from tinygrad_edu import tensor
    >>> StochasticGradientDescent([tensor(0.0, requires_grad=True)], lr=0.01)
    StochasticGradientDescent(lr=0.01, batch_size=1)
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float = 0.01) -> None:
        super().__init__(parameters, lr, batch_size=1)


class MiniBatchGradientDescent(GradientDescent):
    """One update from every n examples: the middle of the two.

    Examples
    --------
    >>> from tinygrad_edu import tensor
    >>> MiniBatchGradientDescent([tensor(0.0, requires_grad=True)], lr=0.1, batch_size=32)
    MiniBatchGradientDescent(lr=0.1, batch_size=32)
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float = 0.1, batch_size: int = 32) -> None:
        super().__init__(parameters, lr, batch_size=batch_size)
