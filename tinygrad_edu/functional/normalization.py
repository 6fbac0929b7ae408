"""Normalizations: entries brought to mean 0 and deviation 1.

They differ in what is taken together: ``layer_norm`` each example's features, ``batch_norm`` each feature of all
examples, ``instance_norm`` each channel's places, ``group_norm`` a few channels' places. ``x`` may be a Tensor, an
array or a list throughout; the result is a Tensor. Gradients of any order flow through the statistics.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import DtypeError, GraphError, OptionError, ShapeError
from tinygrad_edu.functional.basic import as_tensor
from tinygrad_edu.functional.lengths import cosine_similarity, normalize
from tinygrad_edu.tape import check, in_force, mode, no_grad
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Parameters = Tensor | ArrayLike | None
    Running = Tensor | NDArray[Any] | None

__all__ = [
    "batch_norm",
    "cosine_similarity",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "normalize",
    "rms_norm",
]


# ------------------------------------------------------------------------------------ of each example
def layer_norm(
    x: Tensor | ArrayLike,
    normalized_shape: int | tuple[int, ...],
    weight: Parameters = None,
    bias: Parameters = None,
    eps: float = 1e-5,
) -> Tensor:
    """Bring each example's features to mean 0 and deviation 1: (x - mean) / √(variance + ε) · weight + bias.

    Parameters
    ----------
    x
        (..., *normalized_shape), floating.
    normalized_shape
        The lengths of the last axes, those that are taken together; a number for one axis.
    weight, bias
        Of shape `normalized_shape`, or None.
    eps
        Keeps the root away from 0.

    Raises
    ------
    ShapeError
        If x does not end in `normalized_shape`, or weight or bias are of another shape.
    DtypeError
        If x is not floating.

    References
    ----------
    Ba, Kiros and Hinton, Layer normalization, arXiv:1607.06450 (2016).

    Examples
    --------
    >>> layer_norm([[1.0, 3.0], [10.0, 30.0]], 2, eps=0.0)
    tensor([[-1.,  1.],
            [-1.,  1.]])
    """
    out: Tensor = ops.layer_norm(as_tensor(x), normalized_shape, _maybe(weight), _maybe(bias), eps)
    return out


def rms_norm(
    x: Tensor | ArrayLike,
    normalized_shape: int | tuple[int, ...],
    weight: Parameters = None,
    eps: float | None = None,
) -> Tensor:
    """Divide each example's features by their root mean square: x / √(mean of x² + ε) · weight.

    Parameters
    ----------
    x
        (..., *normalized_shape), floating.
    normalized_shape
        The lengths of the last axes, those that are taken together; a number for one axis.
    weight
        Of shape `normalized_shape`, or None.
    eps
        Keeps the root away from 0; if None, the rounding unit of the dtype, as in PyTorch.

    Raises
    ------
    ShapeError
        If x does not end in `normalized_shape`, or the weight is of another shape.
    DtypeError
        If x is not floating.

    References
    ----------
    Zhang and Sennrich, Root mean square layer normalization, NeurIPS (2019).

    Examples
    --------
    >>> rms_norm([3.0, -3.0], 2, eps=0.0)
    tensor([ 1., -1.])
    """
    out: Tensor = ops.rms_norm(as_tensor(x), normalized_shape, _maybe(weight), eps)
    return out


def group_norm(
    x: Tensor | ArrayLike, num_groups: int, weight: Parameters = None, bias: Parameters = None, eps: float = 1e-5
) -> Tensor:
    """Bring each group of each example's channels to mean 0 and deviation 1; then times weight, plus bias.

    Parameters
    ----------
    x
        (examples, channels, ...), floating.
    num_groups
        Into how many groups the channels are parted; 1 takes all together.
    weight, bias
        (channels,), or None.

    Raises
    ------
    ShapeError
        If x has fewer than two axes, or weight or bias are of another shape.
    OptionError
        If the channels cannot be parted into groups of equal size.
    DtypeError
        If x is not floating.

    References
    ----------
    Wu and He, Group normalization, ECCV (2018).

    Examples
    --------
    >>> group_norm([[1.0, 3.0, 10.0, 30.0]], 2, eps=0.0)
    tensor([[-1.,  1., -1.,  1.]])
    """
    out: Tensor = ops.group_norm(as_tensor(x), num_groups, _maybe(weight), _maybe(bias), eps)
    return out


def instance_norm(
    x: Tensor | ArrayLike, *, weight: Parameters = None, bias: Parameters = None, eps: float = 1e-5
) -> Tensor:
    """Bring each channel of each example to mean 0 and deviation 1 over its places; then times weight, plus bias.

    Parameters
    ----------
    x
        (examples, channels, ...) with at least one axis of places, floating.
    weight, bias
        (channels,), or None.

    Raises
    ------
    ShapeError
        If a channel has fewer than two places, or weight or bias are of another shape.
    DtypeError
        If x is not floating.

    References
    ----------
    Ulyanov, Vedaldi and Lempitsky, Instance normalization, arXiv:1607.08022 (2016).

    Examples
    --------
    >>> instance_norm([[[1.0, 3.0], [10.0, 30.0]]], eps=0.0)
    tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """
    out: Tensor = ops.instance_norm(as_tensor(x), _maybe(weight), _maybe(bias), eps)
    return out


# ----------------------------------------------------------------------------------------- of a batch
def batch_norm(
    x: Tensor | ArrayLike,
    running_mean: Running,
    running_var: Running,
    weight: Parameters = None,
    bias: Parameters = None,
    training: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Bring each channel of a batch to mean 0 and deviation 1: (x - mean) / √(variance + ε) · weight + bias.

    In training these are the statistics of the batch, and the running ones move towards them *in place*, by the
    fraction `momentum`: towards the mean, and the variance with n - 1 in place of n. Otherwise they are the running
    ones.

    Parameters
    ----------
    x
        (examples, channels) or (examples, channels, ...), floating.
    running_mean, running_var
        (channels,) floating, Tensors or arrays; None for both to keep none, which is possible in training only.
    weight, bias
        (channels,), or None.
    momentum
        How much of the running statistics is replaced, from 0 to 1; a number, also as a Tensor.

    Raises
    ------
    ShapeError
        If x has fewer than two axes, a parameter is of another shape than (channels,), or a batch to train on holds
        a single value for each channel.
    OptionError
        If there are no running statistics outside training, one without the other, or `momentum` is not in [0, 1].
    DtypeError
        If x or the running statistics are not floating.
    GraphError
        If a running statistic asks for gradients.

    References
    ----------
    Ioffe and Szegedy, Batch normalization: accelerating deep network training by reducing internal covariate shift,
    ICML (2015).

    Examples
    --------
    >>> mean, var = np.zeros(1, np.float32), np.ones(1, np.float32)
    >>> batch_norm([[1.0], [3.0]], mean, var, training=True, eps=0.0)
    tensor([[-1.],
            [ 1.]])
    >>> mean, var
    (array([0.2], dtype=float32), array([1.1], dtype=float32))
    """
    x, weight, bias = as_tensor(x), _maybe(weight), _maybe(bias)
    statistics = _running(running_mean, running_var, training=training)
    _check_batch(x, (*statistics, weight, bias), training=training)
    check(_refuse_no_share, momentum)
    column = (-1, *(1 for _ in x.shape[2:]))
    if training:
        axes = (0, *range(2, x.ndim))
        centered = ops.center(x, axis=axes)
        if statistics:
            _move(statistics, x, centered, axes, momentum)
        y = ops.rms_normalize(centered, axis=axes, eps=eps)
        y = y if weight is None else y * weight.reshape(column)
    else:
        # The mean is taken off first and not folded into the bias: where it is large, less is lost to rounding.
        mean, var = statistics
        scale = 1 / (var + eps).sqrt()
        scale = scale if weight is None else scale * weight
        y = (x - mean.reshape(column)) * scale.reshape(column)
    out: Tensor = y if bias is None else y + bias.reshape(column)
    return out


def _running(mean: Running, var: Running, *, training: bool) -> tuple[Tensor, ...]:
    """Give both running statistics as Tensors on the memory of what was given, or none."""
    if (mean is None) != (var is None):
        raise OptionError("batch_norm keeps a running mean and a running variance. Give both, or None for both.")
    if mean is None or var is None:
        if not training:
            raise OptionError(
                "batch_norm outside training needs running statistics. Give running_mean and running_var, or "
                "training=True."
            )
        return ()
    if not all(isinstance(s, (Tensor, np.ndarray)) for s in (mean, var)):
        raise OptionError("batch_norm changes its running statistics in place: give them as Tensors or arrays.")
    return as_tensor(mean), as_tensor(var)


def _check_batch(x: Tensor, parameters: tuple[Tensor | None, ...], *, training: bool) -> None:
    if x.ndim < 2:
        raise ShapeError(f"batch_norm needs an input (examples, channels, ...), but its shape is {x.shape}.")
    given = [p for p in parameters if p is not None]
    for p in given:
        if p.shape != x.shape[1:2]:
            raise ShapeError(
                f"batch_norm of shape {x.shape} needs statistics, weight and bias of shape {x.shape[1:2]}, one for "
                f"each channel, but was given {p.shape}."
            )
    if wrong := [p.dtype for p in (x, *given) if p.dtype.kind != "f"]:
        raise DtypeError(f"batch_norm computes with floating numbers, but was given {wrong[0]}. Use np.float32.")
    if training and math.prod(x.shape) <= x.shape[1]:
        raise ShapeError(
            f"batch_norm in training needs more than one value for each channel, but the shape is {x.shape}. Train on "
            f"larger batches (drop a last one that is too small), or use layer_norm."
        )


def _refuse_no_share(momentum: float | NDArray[Any]) -> None:
    if not 0 <= momentum <= 1:
        raise OptionError(f"batch_norm needs a momentum in [0, 1], but was given {momentum}.")


def _move(
    running: tuple[Tensor, ...], x: Tensor, centered: Tensor, axes: tuple[int, ...], momentum: float | Tensor
) -> None:
    """Move the running statistics towards those of the batch."""
    mean, var = running
    if mean.tracked or var.tracked:
        raise GraphError("batch_norm changes its running statistics in place, so they cannot ask for gradients.")
    new: tuple[Any, Any]
    if in_force and mode.watchers:  # who looks on has to see Tensors; arrays take half the time
        with no_grad():
            new = _moved(mean, var, x, centered, momentum, axes)
    else:
        share = momentum.array if isinstance(momentum, Tensor) else momentum
        new = _moved(mean.array, var.array, x.array, centered.array, share, axes)
    mean.copy_(new[0])
    var.copy_(new[1])


def _moved(mean: Any, var: Any, x: Any, centered: Any, momentum: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """Compute the new running statistics, on arrays or on Tensors."""
    n = math.prod(x.shape[a] for a in axes)
    batch_mean = ops.mean(x, axis=axes[0] if len(axes) == 1 else axes)
    batch_var = ops.mean_product(centered, centered, axis=axes).reshape(-1) * (n / (n - 1))
    return (1 - momentum) * mean + momentum * batch_mean, (1 - momentum) * var + momentum * batch_var


def _maybe(x: Parameters) -> Tensor | None:
    return None if x is None else as_tensor(x)
