"""The layers of every network: Linear, Sequential, Flatten, Dropout."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import functional
from tinygrad_edu.errors import OptionError, ShapeError
from tinygrad_edu.functional.basic import as_tensor
from tinygrad_edu.nn import init as initializers
from tinygrad_edu.nn.module import Module, Parameter, as_data
from tinygrad_edu.random import default_rng

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_edu.nn.init import Initializer
    from tinygrad_edu.tensor import Tensor

__all__ = ["Dropout", "Flatten", "Identity", "Linear", "Sequential"]


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
        x = as_data(x, self.weight)
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
    >>> from tinygrad_edu.nn import ReLU
    >>> model = Sequential(Linear(4, 8), ReLU(), Linear(8, 3))
    >>> [name for name, _ in model.named_parameters()]
    ['0.weight', '0.bias', '2.weight', '2.bias']
    """

    def __init__(self, *layers: Module) -> None:
        for layer in layers:
            self.append(layer)

    def append(self, layer: Any) -> None:
        """Add a layer at the end."""
        if not isinstance(layer, Module):
            remedy = "Write nn.ReLU() with its parentheses, and a function as the module that computes it."
            if isinstance(layer, (list, tuple)):
                remedy = "Write Sequential(*layers)."
            raise OptionError(f"Sequential takes modules, but was given {layer!r}. {remedy}")
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


class Flatten(Module):
    """Merge the axes from `start_dim` to `end_dim` into one: from images to features.

    Examples
    --------
    >>> import numpy as np
    >>> Flatten()(np.zeros((32, 3, 8, 8), np.float32)).shape
    (32, 192)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Tensor:
        """Merge the axes."""
        return as_tensor(x).flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """Word the axes."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """x itself: stands where a layer may be left out.

    Examples
    --------
    >>> Identity()([1.0])
    tensor([1.])
    """

    def forward(self, x: Any) -> Tensor:
        """Hand x on."""
        return as_tensor(x)


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
