"""Normalization as layers: activations brought to mean 0 and variance 1, then scaled as training finds best."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import functional
from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.functional.basic import as_tensor
from tinygrad_edu.nn.module import Module, Parameter, as_data
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BatchNorm1d", "BatchNorm2d", "LayerNorm", "RMSNorm"]


def _adapted(x: Any, weight: Tensor | None) -> Tensor:
    return as_tensor(x) if weight is None else as_data(x, weight)


class _BatchNorm(Module):
    ndims: tuple[int, ...]
    layout: str

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,  # noqa: FBT001, FBT002 - PyTorch's signature
        track_running_stats: bool = True,  # noqa: FBT001, FBT002 - PyTorch's signature
    ) -> None:
        if num_features < 1:
            raise OptionError(f"{type(self).__name__} needs at least 1 feature, but was given {num_features}.")
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = Parameter(np.ones(num_features, np.float32)) if affine else None
        self.bias = Parameter(np.zeros(num_features, np.float32)) if affine else None
        tracked = track_running_stats
        self.running_mean = Tensor(np.zeros(num_features, np.float32)) if tracked else None
        self.running_var = Tensor(np.ones(num_features, np.float32)) if tracked else None
        self.num_batches_tracked = Tensor(np.array(0)) if tracked else None

    def forward(self, x: Any) -> Tensor:
        """Normalize each channel: by the batch's mean and variance in training, else by the running ones."""
        x = _adapted(x, self.weight if self.weight is not None else self.running_mean)
        if x.ndim not in self.ndims or x.shape[1] != self.num_features:
            raise ShapeError(
                f"{type(self).__name__} takes {self.layout} with C = {self.num_features}, but was given shape "
                f"{x.shape}."
            )
        momentum: float | Tensor | None = self.momentum
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
            if momentum is None:  # the plain average of all batches so far
                momentum = 1 / self.num_batches_tracked.astype(x.dtype)
        return functional.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=self.training or self.running_mean is None,
            momentum=0.0 if momentum is None else momentum,
            eps=self.eps,
        )

    def extra_repr(self) -> str:
        """Word the channels and the options."""
        affine, tracked = self.weight is not None, self.running_mean is not None
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={affine}, "
            f"track_running_stats={tracked}"
        )


class BatchNorm1d(_BatchNorm):
    """Bring each feature to mean 0 and variance 1 over the batch, then scale and shift it: γ (x - μ) / √(σ² + ε) + β.

    In training μ and σ² are the batch's, and running averages follow them; in prediction those are used.

    Parameters
    ----------
    num_features
        C, the number of features or channels.
    eps
        ε, which keeps the division safe.
    momentum
        The weight of the newest batch in the running averages; None averages all batches alike.
    affine
        Whether there are γ (``weight``) and β (``bias``).
    track_running_stats
        Whether there are running averages; without them prediction uses the batch's own.

    References
    ----------
    Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate shift,
    ICML 2015.

    Examples
    --------
    >>> BatchNorm1d(1)([[1.0], [3.0]]).numpy().round(2).tolist()
    [[-1.0], [1.0]]
    """

    ndims = (2, 3)
    layout = "(N, C) or (N, C, L)"


class BatchNorm2d(_BatchNorm):
    """Bring each channel of images (N, C, H, W) to mean 0 and variance 1. Parameters as in `BatchNorm1d`.

    Examples
    --------
    >>> import numpy as np
    >>> BatchNorm2d(3)(np.ones((2, 3, 4, 4), np.float32)).shape
    (2, 3, 4, 4)
    """

    ndims = (4,)
    layout = "(N, C, H, W)"


def _lengths(normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    return (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)


class LayerNorm(Module):
    """Bring each example to mean 0 and variance 1 over its last axes, then scale and shift: γ (x - μ) / √(σ² + ε) + β.

    Parameters
    ----------
    normalized_shape
        The lengths of the last axes.
    eps
        ε, which keeps the division safe.
    elementwise_affine
        Whether there are γ (``weight``) and β (``bias``).
    bias
        Whether there is β.

    References
    ----------
    Ba, Kiros and Hinton, Layer normalization, arXiv:1607.06450.

    Examples
    --------
    >>> LayerNorm(2)([[1.0, 3.0]]).numpy().round(2).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,  # noqa: FBT001, FBT002 - PyTorch's signature
        bias: bool = True,  # noqa: FBT001, FBT002 - PyTorch's signature
    ) -> None:
        self.normalized_shape, self.eps = _lengths(normalized_shape), eps
        affine = elementwise_affine
        self.weight = Parameter(np.ones(self.normalized_shape, np.float32)) if affine else None
        self.bias = Parameter(np.zeros(self.normalized_shape, np.float32)) if affine and bias else None

    def forward(self, x: Any) -> Tensor:
        """Normalize over the last axes."""
        return functional.layer_norm(_adapted(x, self.weight), self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        """Word the axes."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"


class RMSNorm(Module):
    """Divide each example by the root of its mean square over its last axes, then scale: γ x / √(mean x² + ε).

    References
    ----------
    Zhang and Sennrich, Root mean square layer normalization, NeurIPS 2019.

    Examples
    --------
    >>> RMSNorm(2)([[3.0, 3.0]]).numpy().round(2).tolist()
    [[1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float | None = None,
        elementwise_affine: bool = True,  # noqa: FBT001, FBT002 - PyTorch's signature
    ) -> None:
        self.normalized_shape, self.eps = _lengths(normalized_shape), eps
        self.weight = Parameter(np.ones(self.normalized_shape, np.float32)) if elementwise_affine else None

    def forward(self, x: Any) -> Tensor:
        """Normalize over the last axes."""
        return functional.rms_norm(_adapted(x, self.weight), self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        """Word the axes."""
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.weight is not None}"
