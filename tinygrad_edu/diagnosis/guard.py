"""Looking without touching: whatever is measured, model, optimizer and generators are afterwards as they were."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backward import last_root
from tinygrad_edu.tape import hooked, mode
from tinygrad_edu.training.undoing import Snapshot, changed_tensors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.optim.optimizer import Optimizer
    from tinygrad_edu.tensor import Tensor

__all__ = ["unchanged"]


@contextmanager
def unchanged(model: Module, loss: Any, optimizer: Optimizer) -> Iterator[None]:
    """Put everything back at the end of the block, after an exception too.

    That is: weights and buffers and the clock's stamps on them, so that a graph recorded before stays valid;
    gradients; modes; attributes of modules and loss, the lists, dicts and arrays among them included; the optimizer's
    state; the generators that modules hold, the package's, NumPy's and Python's. Hooks are not called within the
    block, and watchers such as ``debug()`` do not look on. What else a model writes to, such as a file, is its own.

    Examples
    --------
    >>> from tinygrad_edu import nn, optim
    >>> model = nn.Linear(2, 1)
    >>> before = model.weight.numpy().copy()
    >>> with unchanged(model, nn.MSELoss(), optim.SGD(model.parameters())):
    ...     model.eval()
    ...     model.weight.data = before + 1
    Linear(2, 1)
    >>> bool((model.weight.numpy() == before).all()), model.training
    (True, True)
    """
    tensors = changed_tensors(model, optimizer)
    own = [_Kept(tensor) for tensor in tensors]
    snapshot = Snapshot(model, loss, optimizer)
    holders = [vars(part) for part in (loss, *(m for _, m in model.named_modules())) if hasattr(part, "__dict__")]
    contents = [_content(value) for holder in holders for value in holder.values()]
    options, root, watchers = dict(vars(optimizer)), last_root.reference, mode.watchers
    hooks = {tensor.order: tensor for tensor in tensors if tensor.order in hooked}
    for order in hooks:
        hooked.pop(order, None)
    mode.watchers = ()
    try:
        # What overflows shows in what is measured; NumPy need not warn of it as well.
        with np.errstate(all="ignore"):
            yield
    finally:
        for kept in own:
            kept.restore_array()
        vars(optimizer).clear()
        vars(optimizer).update(options)
        snapshot.restore()
        for value, content in contents:
            _restore(value, content)
        for kept in own:
            kept.restore()
        hooked.update(hooks)
        last_root.reference, mode.watchers = root, watchers


class _Kept:
    """What belongs to one tensor besides its numbers."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor, self._array, self._name = tensor, tensor.array, tensor.name
        self._owner, self._changed, self._tracked = tensor.owner, tensor.owner.changed, tensor.tracked
        self._grad = tensor.grad
        self._gradient = None if tensor.grad is None else tensor.grad.array.copy()

    def restore_array(self) -> None:
        """Give it the array that it had: ``p.data = ...`` puts another there."""
        self._tensor.array = self._array

    def restore(self) -> None:
        """Give it the rest, its gradient's numbers too: clipping changes those in place."""
        self._tensor.name, self._tensor.tracked, self._owner.changed = self._name, self._tracked, self._changed
        self._tensor.grad = self._grad
        if self._grad is not None and self._gradient is not None:
            self._grad.array[...] = self._gradient


def _content(value: Any) -> tuple[Any, Any]:
    """Copy what a list, dict or array holds; None for anything else."""
    if isinstance(value, np.ndarray):
        return value, value.copy()
    return value, type(value)(value) if type(value) in (list, dict, set) else None


def _restore(value: Any, content: Any) -> None:
    if content is None:
        return
    if isinstance(value, np.ndarray):
        if value.flags.writeable:
            value[...] = content
    elif isinstance(value, list):
        value[:] = content
    else:
        value.clear()
        value.update(content)
