"""Layers: a row of the table, and the parameters that go with it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import functional
from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.nn import init as initializers
from tinygrad_edu.nn.module import Module, Parameter
from tinygrad_edu.random import default_rng
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_edu.nn.init import Initializer

__all__ = ["Dropout", "Linear", "ReLU", "Sequential", "Sigmoid", "Softmax", "Tanh"]


class Linear(Module):
    """x Wᵀ + b.

    Parameters
    ----------
    in_features, out_features
        Lengths of the last axis before and after.
    bias
        Whether there is a b.
    init
        What draws the weights; by default from U(±1/√in_features), as PyTorch does. The bias is drawn from there
        in any case.
    rng
        Where the numbers come from; the package's generator if None.

    Examples
    --------
    >>> import numpy as np
    >>> Linear(3, 2, rng=np.random.default_rng(0))(np.zeros((5, 3), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,  # noqa: FBT001, FBT002 - PyTorch's signature
        *,
        init: Initializer = initializers.fan_in_uniform,
        rng: np.random.Generator | None = None,
    ) -> None:
        if not all(isinstance(n, (int, np.integer)) and n >= 1 for n in (in_features, out_features)):
            raise OptionError(
                f"Linear needs whole numbers, at least 1 input and 1 output, but was given {in_features} and "
                f"{out_features}."
            )
        rng = rng or default_rng()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(init((out_features, in_features), rng))
        bound = 1 / math.sqrt(in_features)
        self.bias = Parameter(rng.uniform(-bound, bound, out_features).astype(np.float32)) if bias else None

    def forward(self, x: Any) -> Tensor:
        """Map (..., in_features) to (..., out_features)."""
        x = x if isinstance(x, Tensor) else Tensor(x)
        if x.array.dtype is not self.weight.array.dtype and not x.tracked:
            x = x.astype(self.weight.dtype)  # data in float64, or counts, do not change what the layer computes in
        if x.array.shape[-1:] != (self.in_features,):
            raise ShapeError(
                f"{self!r} takes {self.in_features} features in the last axis, but was given shape {x.shape}. "
                f"Check the layer before it, or the number of columns of the data."
            )
        return functional.linear(x, self.weight, self.bias)

    def _label(self) -> str:
        return f"Linear {self.in_features}→{self.out_features}"

    def extra_repr(self) -> str:
        """Word the sizes."""
        return f"{self.in_features}, {self.out_features}" + ("" if self.bias is not None else ", bias=False")


class Sequential(Module):
    """Layers one after another.

    Examples
    --------
    >>> model = Sequential(Linear(4, 8), ReLU(), Linear(8, 3))
    >>> [name for name, _ in model.named_parameters()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers: Module) -> None:
        for layer in layers:
            self.append(layer)

    def append(self, layer: Module) -> None:
        """Add a layer at the end."""
        if not isinstance(layer, Module):
            raise OptionError(
                f"Sequential takes modules, but was given {layer!r}. Write nn.ReLU() with its parentheses."
            )
        # Under its number as an attribute, so that the parameter's path is "0.weight", as in PyTorch.
        vars(self)[str(len(self))] = layer

    def __iter__(self) -> Iterator[Module]:
        return (value for value in vars(self).values() if isinstance(value, Module))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __getitem__(self, i: int | slice) -> Any:
        layers = list(self)[i]
        return Sequential(*layers) if isinstance(layers, list) else layers

    def forward(self, x: Any) -> Any:
        """Hand x through the layers."""
        for layer in vars(self).values():
            if isinstance(layer, Module):
                x = layer(x)
        return x


class ReLU(Module):
    """max(x, 0).

    Examples
    --------
    >>> ReLU()([-1.0, 2.0])
    tensor([0., 2.])
    """

    def forward(self, x: Any) -> Tensor:
        """Replace negative entries by 0."""
        return functional.relu(x)


class Tanh(Module):
    """tanh(x), in (-1, 1).

    Examples
    --------
    >>> Tanh()([0.0])
    tensor([0.])
    """

    def forward(self, x: Any) -> Tensor:
        """Squash each entry."""
        return functional.tanh(x)


class Sigmoid(Module):
    """1 / (1 + exp(-x)), in (0, 1).

    Examples
    --------
    >>> Sigmoid()([0.0])
    tensor([0.5])
    """

    def forward(self, x: Any) -> Tensor:
        """Squash each entry."""
        return functional.sigmoid(x)


class Softmax(Module):
    """Scores to probabilities along axis `dim`. Not before CrossEntropyLoss, which has it inside.

    Examples
    --------
    >>> Softmax()([[0.0, 0.0]])
    tensor([[0.5, 0.5]])
    """

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Tensor:
        """Turn scores into probabilities."""
        return functional.softmax(x, self.dim)

    def extra_repr(self) -> str:
        """Word the axis."""
        return f"dim={self.dim}"


class Dropout(Module):
    """While training, replace entries by 0 with probability p and scale the rest by 1 / (1 - p).

    Examples
    --------
    >>> Dropout(0.5).eval()([1.0, 1.0])
    tensor([1., 1.])
    """

    def __init__(self, p: float = 0.5, *, rng: np.random.Generator | None = None) -> None:
        if not 0 <= p < 1:
            raise OptionError(f"Dropout needs a probability with 0 <= p < 1, but was given p={p}.")
        self.p, self.rng = p, rng

    def forward(self, x: Any) -> Tensor:
        """Drop some entries, or none outside training."""
        return functional.dropout(x, self.p, training=self.training, rng=self.rng)

    def extra_repr(self) -> str:
        """Word the probability."""
        return f"p={self.p}"
