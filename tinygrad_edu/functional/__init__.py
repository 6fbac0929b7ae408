"""Functions of Tensors: activations, layers, losses, creation, random numbers, and every row of the table.

What is written out here checks its arguments and explains itself; any other row or composition is found by its name,
``functional.cosh(x)`` or ``functional.einsum("ij,jk", x, y)``, and by PyTorch's where that differs: ``functional.cat``.
"""

from collections.abc import Callable

from tinygrad_edu.functional import rows
from tinygrad_edu.functional.attention import (
    scaled_dot_product_attention,
)
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
from tinygrad_edu.functional.creation import (
    arange,
    eye,
    full,
    full_like,
    linspace,
    logspace,
    one_hot,
    ones,
    ones_like,
    zeros,
    zeros_like,
)
from tinygrad_edu.functional.embedding import (
    embedding,
)
from tinygrad_edu.functional.indexing import (
    at,
)
from tinygrad_edu.functional.losses import (
    Reduction,
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cross_entropy,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    multi_margin_loss,
    nll_loss,
    smooth_l1_loss,
)
from tinygrad_edu.functional.normalization import (
    batch_norm,
    cosine_similarity,
    group_norm,
    instance_norm,
    layer_norm,
    normalize,
    rms_norm,
)
from tinygrad_edu.functional.pooling import (
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
)
from tinygrad_edu.functional.random import (
    bernoulli,
    normal,
    permutation,
    rand,
    rand_like,
    randint,
    randn,
    randn_like,
    uniform,
)
from tinygrad_edu.functional.signal import (
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
)
from tinygrad_edu.functional.windows import fold, unfold
from tinygrad_edu.tensor import Tensor

__all__ = [
    "Reduction",
    "adaptive_avg_pool1d",
    "adaptive_avg_pool2d",
    "adaptive_avg_pool3d",
    "adaptive_max_pool1d",
    "adaptive_max_pool2d",
    "adaptive_max_pool3d",
    "arange",
    "at",
    "avg_pool1d",
    "avg_pool2d",
    "avg_pool3d",
    "batch_norm",
    "bernoulli",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "concatenate",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "cosine_similarity",
    "cross_entropy",
    "dropout",
    "embedding",
    "eye",
    "fold",
    "full",
    "full_like",
    "group_norm",
    "huber_loss",
    "instance_norm",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "linear",
    "linspace",
    "log_softmax",
    "logspace",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "mse_loss",
    "multi_margin_loss",
    "nll_loss",
    "normal",
    "normalize",
    "one_hot",
    "ones",
    "ones_like",
    "permutation",
    "rand",
    "rand_like",
    "randint",
    "randn",
    "randn_like",
    "relu",
    "rms_norm",
    "scaled_dot_product_attention",
    "sigmoid",
    "smooth_l1_loss",
    "softmax",
    "softplus",
    "stack",
    "tanh",
    "unfold",
    "uniform",
    "where",
    "zeros",
    "zeros_like",
]


def __getattr__(name: str) -> Callable[..., Tensor]:
    """Find a row of the table as a function: ``functional.cosh``."""
    if name not in rows.names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return rows.function_of(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *rows.names()})
