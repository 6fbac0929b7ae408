"""Looking up vectors by number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, OptionError, ShapeError
from tinygrad_edu.functional.basic import as_tensor, where
from tinygrad_edu.tape import check
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["embedding"]


def embedding(x: Tensor | ArrayLike, weight: Tensor | ArrayLike, padding_idx: int | None = None) -> Tensor:
    """Look up row x of a table for each integer in x; a row that is looked up twice receives both gradients.

    Parameters
    ----------
    x
        Integers (...), from 0 to the number of rows - 1.
    weight
        (rows, features).
    padding_idx
        A row that receives no gradient.

    Returns
    -------
    (..., features).

    Raises
    ------
    DtypeError
        If x does not hold integers.
    OptionError
        If one of them is no row.
    ShapeError
        If the weight is no matrix.

    Examples
    --------
    >>> embedding([0, 1, 0], [[1.0, 2.0], [3.0, 4.0]])
    tensor([[1., 2.],
            [3., 4.],
            [1., 2.]])
    """
    index, weight = x if isinstance(x, Tensor) else as_array(x), as_tensor(weight)
    if weight.ndim != 2:
        raise ShapeError(f"embedding needs a weight of (rows, features), but was given shape {weight.shape}.")
    if index.dtype.kind not in "iu":
        raise DtypeError(f"embedding looks rows up by integers, but was given {index.dtype}. Write x.astype(np.int64).")
    check(_refuse_no_row, index, len(weight))
    rows = weight[index]
    if padding_idx is None or not rows.requires_grad:
        return rows
    return where((index == padding_idx)[..., None], rows.detach(), rows)


def _refuse_no_row(index: NDArray[Any], n_rows: int) -> None:
    wrong = index[(index < 0) | (index >= n_rows)]
    if wrong.size:
        raise OptionError(f"embedding has rows from 0 to {n_rows - 1}, but was asked for {wrong[0]}.")
