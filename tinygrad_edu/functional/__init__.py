"""Functions without parameters: activations, dropout, the mathematics of the losses, and every row of the table."""

from collections.abc import Callable

from tinygrad_edu.functional import rows
from tinygrad_edu.functional.basic import (
    concatenate,
    dropout,
    linear,
    log_softmax,
    relu,
    sigmoid,
    softmax,
    softplus,
    stack,
    tanh,
    where,
)
from tinygrad_edu.functional.losses import (
    Reduction,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    l1_loss,
    mse_loss,
)
from tinygrad_edu.tensor import Tensor

__all__ = [
    "Reduction",
    "binary_cross_entropy_with_logits",
    "concatenate",
    "cross_entropy",
    "dropout",
    "huber_loss",
    "l1_loss",
    "linear",
    "log_softmax",
    "mse_loss",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "stack",
    "tanh",
    "where",
]


def __getattr__(name: str) -> Callable[..., Tensor]:
    """Find a row of the table as a function: ``functional.cosh``."""
    if name not in rows.names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return rows.function_of(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *rows.names()})
