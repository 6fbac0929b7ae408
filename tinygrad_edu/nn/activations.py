"""Activations as layers: without parameters, entry by entry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu import functional
from tinygrad_edu.errors import OptionError
from tinygrad_edu.nn.module import Module

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = [
    "ELU",
    "GELU",
    "SELU",
    "Hardtanh",
    "LeakyReLU",
    "LogSoftmax",
    "Mish",
    "ReLU",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
]


class ReLU(Module):
    """max(x, 0).

    Examples
    --------
    >>> ReLU()([-1.0, 2.0])
    tensor([0., 2.])
    """

    def forward(self, x: Any) -> Tensor:
        """Replace negative entries by 0."""
        return functional.relu(x)


class Tanh(Module):
    """tanh(x), in (-1, 1).

    Examples
    --------
    >>> Tanh()([0.0])
    tensor([0.])
    """

    def forward(self, x: Any) -> Tensor:
        """Squash each entry."""
        return functional.tanh(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), in (0, 1).

    Examples
    --------
    >>> Sigmoid()([0.0])
    tensor([0.5])
    """

    def forward(self, x: Any) -> Tensor:
        """Squash each entry."""
        return functional.sigmoid(x)


class Softmax(Module):
    """Scores to probabilities along axis `dim`. Not before CrossEntropyLoss, which has it inside.

    Examples
    --------
    >>> Softmax()([[0.0, 0.0]])
    tensor([[0.5, 0.5]])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        """Turn scores into probabilities."""
        return functional.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """Word the axis."""
        return f"dim={self.dim}"


class LeakyReLU(Module):
    """x where positive, `negative_slope` times x elsewhere: no unit dies.

    Examples
    --------
    >>> LeakyReLU(0.1)([-1.0, 2.0])
    tensor([-0.1,  2. ])
    """

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Tensor:
        """Scale the negative entries."""
        return functional.leaky_relu(x, negative_slope=self.negative_slope)

    def extra_repr(self) -> str:
        """Word the slope."""
        return f"negative_slope={self.negative_slope}"


class ELU(Module):
    """x where positive, alpha (eˣ - 1) elsewhere.

    References
    ----------
    Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by exponential linear units,
    ICLR 2016.

    Examples
    --------
    >>> ELU()([0.0, 2.0])
    tensor([0., 2.])
    """

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Tensor:
        """Bend the negative entries."""
        return functional.elu(x, alpha=self.alpha)

    def extra_repr(self) -> str:
        """Word alpha."""
        return f"alpha={self.alpha}"


class SELU(Module):
    """ELU scaled so that means and variances settle at 0 and 1 from layer to layer.

    References
    ----------
    Klambauer et al., Self-normalizing neural networks, NeurIPS 2017.

    Examples
    --------
    >>> SELU()([0.0])
    tensor([0.])
    """

    def forward(self, x: Any) -> Tensor:
        """Scale, and bend the negative entries."""
        return functional.selu(x)


class GELU(Module):
    """x Φ(x), with Φ the distribution function of the normal distribution; or its approximation by "tanh".

    References
    ----------
    Hendrycks and Gimpel, Gaussian error linear units, arXiv:1606.08415.

    Examples
    --------
    >>> GELU()([0.0])
    tensor([0.])
    """

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise OptionError(f'GELU takes approximate="none" or "tanh", but was given {approximate!r}.')
        self.approximate = approximate

    def forward(self, x: Any) -> Tensor:
        """Weigh each entry with its probability."""
        return functional.gelu(x, approximate=self.approximate)

    def extra_repr(self) -> str:
        """Word the form."""
        return f"approximate={self.approximate!r}"


class SiLU(Module):
    """x σ(x), also called swish.

    Examples
    --------
    >>> SiLU()([0.0])
    tensor([0.])
    """

    def forward(self, x: Any) -> Tensor:
        """Weigh each entry with its sigmoid."""
        return functional.silu(x)


class Mish(Module):
    """x tanh(softplus(x)).

    References
    ----------
    Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020.

    Examples
    --------
    >>> Mish()([0.0])
    tensor([0.])
    """

    def forward(self, x: Any) -> Tensor:
        """Weigh each entry."""
        return functional.mish(x)


class Softplus(Module):
    """log(1 + eˣ): a smooth relu.

    Examples
    --------
    >>> Softplus()([1000.0])
    tensor([1000.])
    """

    def forward(self, x: Any) -> Tensor:
        """Bend each entry."""
        return functional.softplus(x)


class Hardtanh(Module):
    """x, cut off below `min_val` and above `max_val`.

    Examples
    --------
    >>> Hardtanh()([-3.0, 0.5])
    tensor([-1. ,  0.5])
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0) -> None:
        if not min_val < max_val:
            raise OptionError(f"Hardtanh needs min_val < max_val, but was given {min_val} and {max_val}.")
        self.min_val, self.max_val = min_val, max_val

    def forward(self, x: Any) -> Tensor:
        """Cut off."""
        return functional.hardtanh(x, min_val=self.min_val, max_val=self.max_val)

    def extra_repr(self) -> str:
        """Word the limits."""
        return f"min_val={self.min_val}, max_val={self.max_val}"


class LogSoftmax(Module):
    """The logarithm of softmax along axis `dim`, without overflow.

    Examples
    --------
    >>> LogSoftmax()([[1000.0, 0.0]])
    tensor([[    0., -1000.]])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        """Turn scores into logarithms of probabilities."""
        return functional.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        """Word the axis."""
        return f"dim={self.dim}"
