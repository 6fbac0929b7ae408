"""Gradient descent that keeps its momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import OptionError
from tinygrad_edu.optim.optimizer import Optimizer, check_number

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_edu.tensor import Tensor

__all__ = ["SGD"]


class SGD(Optimizer):
    """Gradient descent with momentum, Nesterov's look ahead and weight decay; PyTorch's formula.

    g ← g + weight_decay θ;  v ← momentum v + g;  θ ← θ - α v, or θ - α (g + momentum v) with nesterov.

    Parameters
    ----------
    momentum
        How much of the last step's velocity stays, in [0, 1).
    nesterov
        Step along the gradient plus the new velocity.
    weight_decay
        Pull the weights towards 0 with this strength (an L2 penalty of weight_decay / 2 · ‖θ‖²).
    batch_size
        How many examples each update sees; None for all.

    References
    ----------
    Sutskever et al., On the importance of initialization and momentum in deep learning, ICML 2013.

    Examples
    --------
    >>> from tinygrad_edu import tensor
    >>> x = tensor(1.0, requires_grad=True)
    >>> descent = SGD([x], lr=0.1, momentum=0.9)
    >>> for _ in range(2):
    ...     descent.zero_grad()
    ...     (x**2).backward()
    ...     descent.step()
    >>> round(x.item(), 6)
    0.46
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float = 0.1,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        batch_size: int | None = 32,
    ) -> None:
        check_number("momentum", momentum, least=0.0, below=1.0)
        check_number("weight_decay", weight_decay, least=0.0)
        if nesterov and not momentum:
            raise OptionError("nesterov looks ahead along the momentum, but momentum is 0. Try momentum=0.9.")
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay
        self.slots = ("momentum",) if momentum else ()
        super().__init__(parameters, lr, batch_size=batch_size)

    def update(self, weight: Any, gradient: Any, *rest: Any) -> tuple[Any, ...]:
        """Compute the step and, with momentum, the new velocity."""
        *velocities, lr = rest
        if self.weight_decay:
            gradient = gradient + self.weight_decay * weight
        if not velocities:
            return (lr * gradient,)
        velocity = self.momentum * velocities[0] + gradient
        direction = gradient + self.momentum * velocity if self.nesterov else velocity
        return lr * direction, velocity
