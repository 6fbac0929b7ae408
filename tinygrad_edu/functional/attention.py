"""Attention: each query takes the average of the values, weighted by how well their keys answer it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu import ops
from tinygrad_edu.functional.arguments import as_generator
from tinygrad_edu.functional.basic import as_tensor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from tinygrad_edu.tensor import Tensor

__all__ = ["scaled_dot_product_attention"]


def scaled_dot_product_attention(
    query: Tensor | ArrayLike,
    key: Tensor | ArrayLike,
    value: Tensor | ArrayLike,
    attn_mask: Tensor | ArrayLike | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,  # noqa: FBT001, FBT002 - PyTorch's signature
    scale: float | None = None,
    *,
    rng: np.random.Generator | None = None,
) -> Tensor:
    """Average values by how well their keys answer each query: softmax(s q kᵀ + mask) v.

    A query whose keys are all ruled out by the mask gets 0, and no gradient flows from it.

    Parameters
    ----------
    query, key, value
        (..., n, d), (..., m, d) and (..., m, e), floating; leading axes broadcast. The result is (..., n, e).
    attn_mask
        Broadcasts to (..., n, m). Booleans: True where the key takes part. Floats: added to the scores, and -inf rules
        a key out.
    dropout_p
        With which probability a weight is replaced by 0, the others being scaled by 1 / (1 - p). It is applied whenever
        it is given: pass 0 outside training.
    is_causal
        The i-th query takes the first i keys alone.
    scale
        The factor s; 1/√d if None.
    rng
        Where dropout draws from; the package's generator if None.

    Raises
    ------
    ShapeError
        If the shapes do not fit together.
    DtypeError
        If the inputs are not floating, or the mask holds whole numbers.
    OptionError
        If there are both a mask and ``is_causal=True``, or `dropout_p` is not in [0, 1).

    References
    ----------
    Vaswani et al., Attention is all you need, NeurIPS (2017).

    Examples
    --------
    >>> scaled_dot_product_attention([[0.0]], [[1.0], [2.0]], [[10.0], [20.0]])
    tensor([[15.]])
    >>> scaled_dot_product_attention([[0.0]], [[1.0], [2.0]], [[10.0], [20.0]], attn_mask=[[True, False]])
    tensor([[10.]])
    """
    mask = None if attn_mask is None else as_tensor(attn_mask)
    out: Tensor = ops.scaled_dot_product_attention(
        as_tensor(query),
        as_tensor(key),
        as_tensor(value),
        attn_mask=mask,
        dropout_p=dropout_p,
        is_causal=is_causal,
        scale=scale,
        rng=as_generator(rng) if dropout_p else None,
    )
    return out
