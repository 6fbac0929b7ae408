"""Many weights at once for plain networks: Linear layers with activations between them, one after another.

At the weights θ = θ₀ + a d₁ + b d₂ the first layer computes

    X W(θ)ᵀ = X W₀ᵀ + a X D₁ᵀ + b X D₂ᵀ

so its three products are made once, and each point of a slice only adds them up. The arrays have the examples along
their last axis, where they are many: sums over features and classes then run along whole rows of memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tinygrad_edu.nn.module import Module

__all__ = ["Affine", "Chain", "Points"]

_BY_ENTRY: tuple[type[Module], ...] = (
    *(nn.ELU, nn.GELU, nn.SELU, nn.Hardtanh, nn.LeakyReLU, nn.Mish),
    *(nn.ReLU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.Tanh),
)
_NOTHING = (nn.Dropout, nn.Identity)  # what prediction passes over
_PART = 1024  # examples whose activations fit into the processor's cache


@dataclass(frozen=True)
class Affine:
    """Where in the vector of all weights a Linear layer finds its own, and the activations that follow it."""

    weight: slice
    shape: tuple[int, int]
    bias: slice | None
    activations: tuple[Module, ...]

    def of(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Give its weight (out, in), a view."""
        return weights[self.weight].reshape(self.shape)

    def apply(self, weights: NDArray[Any], x: NDArray[Any]) -> NDArray[Any]:
        """Compute W x + b, without the activations: (in, examples) to (out, examples)."""
        y: NDArray[Any] = self.of(weights) @ x
        if self.bias is not None:
            y += weights[self.bias][:, None]
        return y

    def activate(self, x: NDArray[Any]) -> NDArray[Any]:
        """Apply the activations; x may be overwritten."""
        for activation in self.activations:
            if type(activation) is nn.ReLU:
                np.maximum(x, 0, out=x)
            else:
                x = activation(Tensor(x)).numpy()
        return x


@dataclass(frozen=True)
class Points:
    """Weights to be tried: origin + coordinates · directions, in this order.

    Parameters
    ----------
    origin
        (n,).
    directions
        (d, n).
    coordinates
        (points, d); where all but the first stay the same from one point to the next, work is saved.
    """

    origin: NDArray[Any]
    directions: NDArray[Any]
    coordinates: NDArray[Any]

    def __len__(self) -> int:
        return len(self.coordinates)

    def __getitem__(self, chosen: slice) -> Points:
        return Points(self.origin, self.directions, self.coordinates[chosen])

    def combined(self, parts: Sequence[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """Go through parts[0] + Σ coordinate · parts[1 + ...], one for each point; the array is used again."""
        first, *moves = parts
        base, total = np.empty_like(first), np.empty_like(first)
        before: list[Any] | None = None
        for coordinates in self.coordinates.astype(first.dtype, copy=False):
            if before != (rest := coordinates[1:].tolist()):
                np.copyto(base, first)
                for c, move in zip(coordinates[1:], moves[1:], strict=True):
                    base += c * move
                before = rest
            np.multiply(moves[0], coordinates[0], out=total)
            np.add(total, base, out=total)
            yield total


class Chain:
    """A network that is Linear layers and activations, entry by entry, in a row.

    Parameters
    ----------
    layers
        The Linear layers, in their order.

    Examples
    --------
    >>> chain = Chain.of(nn.MLP(4, [8, 8], 3))
    >>> [layer.shape for layer in chain.layers]
    [(8, 4), (8, 8), (3, 8)]
    >>> Chain.of(nn.Sequential(nn.Conv2d(1, 2, 3))) is None
    True
    """

    def __init__(self, layers: tuple[Affine, ...]) -> None:
        self.layers = layers

    @classmethod
    def of(cls, model: Module) -> Chain | None:
        """Read a model as a chain; None if it is something else."""
        flat = list(_in_a_row(model))
        if flat and type(flat[0]) is nn.Flatten and (flat[0].start_dim, flat[0].end_dim) == (1, -1):
            flat = flat[1:]
        begins, begin = {}, 0
        for parameter in model.parameters():
            begins[id(parameter)] = slice(begin, begin := begin + parameter.size)
        layers: list[Affine] = []
        for module in flat:
            if type(module) is nn.Linear:
                bias = None if module.bias is None else begins.get(id(module.bias))
                shape = (module.out_features, module.in_features)
                layers.append(Affine(begins[id(module.weight)], shape, bias, ()))
            elif layers and type(module) in _BY_ENTRY:
                last = layers[-1]
                layers[-1] = Affine(last.weight, last.shape, last.bias, (*last.activations, module))
            else:
                return None
        used = sum(prod(layer.shape) + (layer.shape[0] if layer.bias else 0) for layer in layers)
        return cls(tuple(layers)) if layers and used == begin else None

    def outputs(self, points: Points, X: NDArray[Any]) -> Iterator[NDArray[Any]]:
        """Compute the outputs (outputs, examples) at each point.

        Parameters
        ----------
        X
            The examples, (examples, features).
        """
        parts = [np.ascontiguousarray(X[i : i + _PART].T) for i in range(0, len(X), _PART)]
        first, *rest = self.layers
        products = [self._products(first, points, x) for x in parts]
        begins = [points.combined(list(p)) for p in products]
        with no_grad():
            for weights in points.combined([points.origin, *points.directions]):
                pieces = []
                for begin in begins:
                    h = first.activate(next(begin))
                    for layer in rest:
                        h = layer.activate(layer.apply(weights, h))
                    pieces.append(h)
                yield pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)

    @staticmethod
    def _products(first: Affine, points: Points, x: NDArray[Any]) -> list[NDArray[Any]]:
        return [first.apply(weights, x) for weights in (points.origin, *points.directions)]


def _in_a_row(model: Module) -> Iterator[Module]:
    """Go through the layers in the order in which they compute, Sequentials within Sequentials unpacked."""
    if isinstance(model, nn.Sequential) and type(model).forward is nn.Sequential.forward:
        for layer in model:
            yield from _in_a_row(layer)
    elif type(model) not in _NOTHING:
        yield model
