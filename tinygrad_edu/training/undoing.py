"""Going back: what a training step may have changed before it turned out that it cannot be compiled."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.random import default_rng

if TYPE_CHECKING:
    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.optim.optimizer import Optimizer
    from tinygrad_edu.tensor import Tensor

__all__ = ["Snapshot", "changed_tensors"]


def changed_tensors(model: Module, optimizer: Optimizer) -> list[Tensor]:
    """List what training changes, parameters and buffers, each once."""
    buffers = (tensor for _, tensor in model._named_tensors())  # noqa: SLF001 - a friend
    return [*{id(tensor): tensor for tensor in (*optimizer.parameters, *buffers)}.values()]


class Snapshot:
    """A model, a loss and an optimizer as they are now.

    The compiler undoes what it sees. This is for what it does not see: arrays that were changed straight in memory,
    attributes and lists that Python code changed, numbers that were drawn outside of operations.

    Examples
    --------
    >>> from tinygrad_edu import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> weights = model.weight.numpy().copy()
    >>> snapshot = Snapshot(model, nn.MSELoss(), optim.SGD(model.parameters()))
    >>> model.weight.numpy()[...] = 0
    >>> model.calls = 1
    >>> snapshot.restore()
    >>> bool((model.weight.numpy() == weights).all()), hasattr(model, "calls")
    (True, False)
    """

    def __init__(self, model: Module, loss: Any, optimizer: Optimizer) -> None:
        self._tensors = [(tensor, tensor.array.copy()) for tensor in changed_tensors(model, optimizer)]
        self._optimizer, self._state = optimizer, optimizer.state_dict()
        holders = [vars(part) for part in (loss, *(m for _, m in model.named_modules())) if hasattr(part, "__dict__")]
        self._holders = [(holder, dict(holder)) for holder in holders]
        values = [value for holder in holders for value in holder.values()]
        self._lists = [(value, len(value)) for value in values if isinstance(value, list)]
        generators = {id(g): g for g in (default_rng(), *values) if isinstance(g, np.random.Generator)}
        self._generators = [(generator, generator.bit_generator.state) for generator in generators.values()]
        self._numpy, self._python = np.random.get_state(), random.getstate()  # noqa: NPY002 - users draw from it

    def restore(self) -> None:
        """Go back to it."""
        for tensor, array in self._tensors:
            tensor.array[...] = array
        for name, array in self._state.items():
            self._optimizer.state[name][...] = array
        for holder, before in self._holders:
            if list(map(id, holder.values())) != list(map(id, before.values())):
                holder.clear()
                holder.update(before)
        for values, length in self._lists:
            del values[length:]
        for generator, state in self._generators:
            generator.bit_generator.state = state
        np.random.set_state(self._numpy)  # noqa: NPY002 - the same
        random.setstate(self._python)
