"""The multilayer perceptron: linear layers with an activation between them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from tinygrad_edu.errors import OptionError, suggest
from tinygrad_edu.nn import init as initializers
from tinygrad_edu.nn.activations import ReLU, Sigmoid, Tanh
from tinygrad_edu.nn.layers import Linear, Sequential
from tinygrad_edu.random import default_rng

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from tinygrad_edu.nn.init import Initializer
    from tinygrad_edu.nn.module import Module

__all__ = ["ACTIVATIONS", "MLP"]

ACTIVATIONS: dict[str, type[Module]] = {"relu": ReLU, "sigmoid": Sigmoid, "tanh": Tanh}


class MLP(Sequential):
    """Linear layers of the given sizes, with an activation after each but the last.

    Parameters
    ----------
    n_inputs, n_outputs
        Features in, numbers out.
    hidden
        Units of each hidden layer; none makes a linear model.
    activation
        "relu", "sigmoid" or "tanh".
    init, rng
        As for `Linear`.

    Examples
    --------
    >>> MLP(64, [32], 10)
    MLP(
      (0): Linear(64, 32)
      (1): ReLU()
      (2): Linear(32, 10)
    )
    """

    def __init__(
        self,
        n_inputs: int,
        hidden: Sequence[int],
        n_outputs: int,
        *,
        activation: str = "relu",
        init: Initializer = initializers.fan_in_uniform,
        rng: np.random.Generator | None = None,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise OptionError(f"There is no activation {activation!r}. {suggest(activation, ACTIVATIONS)}")
        rng = rng or default_rng()
        sizes = [n_inputs, *hidden, n_outputs]
        for i, (n_in, n_out) in enumerate(pairwise(sizes)):
            if i:
                self.append(ACTIVATIONS[activation]())
            self.append(Linear(n_in, n_out, init=init, rng=rng))
