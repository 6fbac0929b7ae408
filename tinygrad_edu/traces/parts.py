"""What a point is made of: the variables of a formula or the parameters of a model, in one flat vector and apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ShapeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Part", "take_apart"]


@dataclass(frozen=True, slots=True)
class Part:
    """A variable or parameter: its name, shape and dtype.

    Examples
    --------
    >>> Part("0.weight", (16, 2), "float32").size
    32
    """

    name: str
    shape: tuple[int, ...] = ()
    dtype: str = "float64"

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


def take_apart(point: ArrayLike, parts: Sequence[Part]) -> dict[str, NDArray[Any]]:
    """Cut a point, or a gradient, into the arrays that it is made of, by name; they are copies.

    Raises
    ------
    ShapeError
        If it has not as many numbers as the parts together.

    Examples
    --------
    >>> take_apart([1.0, 2.0, 3.0], [Part("w", (1, 2)), Part("b")])
    {'w': array([[1., 2.]]), 'b': array(3.)}
    """
    numbers, needed = np.asarray(point).reshape(-1), sum(part.size for part in parts)
    if len(numbers) != needed:
        raise ShapeError(
            f"unflatten was given {len(numbers)} numbers, but a point of this trace has {needed}. "
            f"Pass the point or the gradient of one of its steps."
        )
    apart, begin = {}, 0
    for part in parts:
        piece = numbers[begin : begin + part.size]
        apart[part.name] = piece.reshape(part.shape).astype(part.dtype)
        begin += part.size
    return apart
