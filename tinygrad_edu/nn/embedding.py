"""Embeddings: a vector for each word, looked up by its number and trained like any weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import functional
from tinygrad_edu.errors import OptionError
from tinygrad_edu.nn.module import Module, Parameter
from tinygrad_edu.random import default_rng

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["Embedding"]


class Embedding(Module):
    """A table of `num_embeddings` vectors of `embedding_dim` numbers, looked up by integers.

    Parameters
    ----------
    num_embeddings, embedding_dim
        How many vectors, and how long.
    padding_idx
        A number whose vector is 0 and is not trained, which fills up short sequences.
    rng
        Where the numbers, drawn from N(0, 1), come from; the package's generator if None.

    Examples
    --------
    >>> Embedding(10, 3)([[1, 2, 4], [4, 3, 9]]).shape
    (2, 3, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        *,
        rng: np.random.Generator | None = None,
    ) -> None:
        if num_embeddings < 1 or embedding_dim < 1:
            raise OptionError(
                f"Embedding needs at least 1 vector of at least 1 number, but was given {num_embeddings} of "
                f"{embedding_dim}."
            )
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise OptionError(f"padding_idx={padding_idx} is none of the {num_embeddings} numbers from 0.")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % num_embeddings
        weight = (rng or default_rng()).standard_normal((num_embeddings, embedding_dim)).astype(np.float32)
        if self.padding_idx is not None:
            weight[self.padding_idx] = 0
        self.weight = Parameter(weight)

    def forward(self, x: Any) -> Tensor:
        """Map integers (...) to vectors (..., embedding_dim)."""
        return functional.embedding(x, self.weight, self.padding_idx)

    def _label(self) -> str:
        return f"Embedding {self.num_embeddings}→{self.embedding_dim}"

    def extra_repr(self) -> str:
        """Word the sizes."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.num_embeddings}, {self.embedding_dim}{padding}"
