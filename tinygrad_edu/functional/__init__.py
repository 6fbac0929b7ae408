"""Functions without parameters: activations, dropout, and the mathematics of the losses."""

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
