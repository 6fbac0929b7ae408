"""The length of vectors and the angle between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu import ops
from tinygrad_edu.functional.basic import as_tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from tinygrad_edu.tensor import Tensor

__all__ = ["cosine_similarity", "normalize"]


def normalize(
    x: Tensor | ArrayLike,
    p: float = 2.0,
    axis: int | tuple[int, ...] | None = 1,
    eps: float = 1e-12,
    *,
    dim: int | tuple[int, ...] | None = None,
) -> Tensor:
    """Bring vectors along `axis` to length 1: x / max(‖x‖ₚ, ε).

    Parameters
    ----------
    x
        Floating, of any shape that has the axis.
    p
        Which norm: 2 for the usual length, 1 for the sum of sizes, ``math.inf`` for the largest size; at least 1.
    axis
        Along which the vectors lie; PyTorch calls it `dim`, which is read too.
    eps
        The least that is divided by: a vector of zeros stays one, and its gradient is 0 / ε.

    Raises
    ------
    OptionError
        If p < 1.
    ShapeError
        If there is no such axis.
    DtypeError
        If x is not floating.

    Examples
    --------
    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    tensor([[0.6, 0.8],
            [0. , 0. ]])
    """
    out: Tensor = ops.normalize(as_tensor(x), p, axis if dim is None else dim, eps)
    return out


def cosine_similarity(
    x1: Tensor | ArrayLike, x2: Tensor | ArrayLike, axis: int = 1, eps: float = 1e-8, *, dim: int | None = None
) -> Tensor:
    """Compute the cosine of the angle between vectors: x·y / (max(‖x‖, ε) max(‖y‖, ε)), from -1 to 1 up to rounding.

    Parameters
    ----------
    x1, x2
        Floating; their shapes broadcast, but along the axis they are of one length.
    axis
        Along which the vectors lie; PyTorch calls it `dim`, which is read too. It is gone from the result.
    eps
        The least length: the similarity to a vector of zeros is 0.

    Raises
    ------
    ShapeError
        If the lengths along the axis differ, or there is no such axis.
    DtypeError
        If x1 or x2 are not floating.

    Examples
    --------
    >>> cosine_similarity([[1.0, 0.0], [1.0, 0.0]], [[0.0, 2.0], [3.0, 0.0]])
    tensor([0., 1.])
    """
    out: Tensor = ops.cosine_similarity(as_tensor(x1), as_tensor(x2), axis if dim is None else dim, eps)
    return out
