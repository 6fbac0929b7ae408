"""Clipping: gradients made no larger than a bound, between ``loss.backward()`` and ``optimizer.step()``."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import GraphError, OptionError
from tinygrad_edu.functional import stack
from tinygrad_edu.tape import check, no_grad
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

__all__ = ["clip_grad_norm_", "clip_grad_value_"]


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
) -> Tensor:
    """Scale all gradients by one factor, so that their common norm is `max_norm` at most: the direction stays.

    Each gradient g becomes g · min(1, max_norm / (norm + 10⁻⁶)). The tensors in ``parameter.grad`` are new ones; the
    old ones stay as they are.

    Parameters
    ----------
    parameters
        Tensors with gradients, such as ``model.parameters()``; those without one are left out.
    max_norm
        The largest norm; ``math.inf`` only measures.
    norm_type
        Which norm of all the gradients' entries together: 2 for the usual length, ``math.inf`` for the largest size.
    error_if_nonfinite
        Raise where the norm is infinite or NaN; otherwise the gradients become 0 or NaN there.

    Returns
    -------
    The norm before, a Tensor of one number.

    Raises
    ------
    GraphError
        If no parameter has a gradient.
    OptionError
        If `max_norm` or `norm_type` is not above 0; or if the norm is not finite and `error_if_nonfinite` is set.

    References
    ----------
    Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks, ICML (2013).

    Examples
    --------
    >>> x = Tensor([3.0, 4.0], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> clip_grad_norm_([x], max_norm=1.0)
    tensor(5.)
    >>> x.grad
    tensor([0.5999999 , 0.79999983])
    """
    for name, number in (("max_norm", max_norm), ("norm_type", norm_type)):
        _refuse_not_above_0("clip_grad_norm_", name, number)
    clipped = _with_gradients("clip_grad_norm_", parameters)
    with no_grad():
        norms = [ops.vector_norm(p.grad, ord=norm_type) for p in clipped if p.size]
        total: Tensor = ops.vector_norm(stack(norms), ord=norm_type) if norms else Tensor(0.0)
        if error_if_nonfinite:
            check(_refuse_not_finite, total, norm_type)
        factor = ops.minimum(max_norm / (total + 1e-6), 1.0)
        for p in clipped:
            p.grad = p.grad * (factor if factor.dtype == p.dtype else factor.astype(p.dtype))
    return total


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Cut every entry of the gradients off at ±`clip_value`: each by itself, so that the direction may change.

    The tensors in ``parameter.grad`` are new ones; the old ones stay as they are.

    Parameters
    ----------
    parameters
        Tensors with gradients, such as ``model.parameters()``; those without one are left out.
    clip_value
        The largest size of an entry.

    Raises
    ------
    GraphError
        If no parameter has a gradient.
    OptionError
        If `clip_value` is not above 0.

    Examples
    --------
    >>> x = Tensor([3.0, -0.25], requires_grad=True)
    >>> (x * x / 2).sum().backward()
    >>> clip_grad_value_([x], 1.0)
    >>> x.grad
    tensor([ 1.  , -0.25])
    """
    _refuse_not_above_0("clip_grad_value_", "clip_value", clip_value)
    with no_grad():
        for p in _with_gradients("clip_grad_value_", parameters):
            p.grad = ops.clip(p.grad, -clip_value, clip_value)


def _with_gradients(name: str, parameters: Tensor | Iterable[Tensor]) -> list[Any]:
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    if wrong := [p for p in given if not isinstance(p, Tensor)]:
        raise OptionError(f"{name} clips the gradients of Tensors, but was given a {type(wrong[0]).__name__}.")
    found = [p for p in given if p.grad is not None]
    if not found:
        remedy = "Call loss.backward() before it." if given else "An iterator gives its items once: call it anew."
        raise GraphError(f"{name} found no gradient on any of {len(given)} parameters. {remedy}")
    return found


def _refuse_not_above_0(function: str, name: str, number: Any) -> None:
    if not isinstance(number, (int, float, np.number)) or not number > 0:
        raise OptionError(f"{function} needs a {name} > 0, but was given {number!r}.")


def _refuse_not_finite(total: NDArray[Any], norm_type: float) -> None:
    if not math.isfinite(total):
        raise OptionError(
            f"The norm of the gradients, of norm_type={norm_type:g}, is {total!s}: nothing can be scaled to fit. "
            f"Lower the learning rate, or look for the cause with tg.detect_anomaly()."
        )
