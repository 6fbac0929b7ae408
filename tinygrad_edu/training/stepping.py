"""Which way the updates of a run are made: each as it is written, or compiled. Both give the same numbers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from tinygrad_edu.data.batches import Batches
from tinygrad_edu.errors import OptionError
from tinygrad_edu.tape import hooked, mode
from tinygrad_edu.training.eager import Eager
from tinygrad_edu.training.undoing import changed_tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.optim.optimizer import Optimizer
    from tinygrad_edu.tensor import Tensor
    from tinygrad_edu.training.compiled import Compiled

__all__ = ["Compile", "check_compile", "stepping"]

Compile: TypeAlias = Literal["auto", "none", "numpy", "numba"]

_PAYS_FROM = 100  # updates by one program: below, recording and comparing take longer than they save


def check_compile(value: Any) -> None:
    """Refuse what is no way to make a step.

    Raises
    ------
    OptionError
        It names the ways that there are.

    Examples
    --------
    >>> check_compile("jit")
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: compile must be 'auto', 'none', 'numpy' or 'numba', but is 'jit'.
    """
    if value not in get_args(Compile):
        raise OptionError(f"compile must be 'auto', 'none', 'numpy' or 'numba', but is {value!r}.")


def stepping(
    how: Compile,
    model: Module,
    loss: Callable[[Tensor, Any], Tensor],
    optimizer: Optimizer,
    *,
    epochs: int,
    batches: Batches,
) -> Eager | Compiled:
    """Choose how the updates of a run are made.

    Parameters
    ----------
    how
        ``"auto"`` compiles where that pays and goes on eagerly where it cannot be done, ``"none"`` never compiles, and
        the name of a backend compiles or raises.
    epochs, batches
        How often each batch is dealt, at most: a program has to be recorded for each size of a batch.

    Examples
    --------
    >>> import numpy as np
    >>> from tinygrad_edu import data, nn, optim
    >>> model = nn.Linear(1, 1)
    >>> descent = optim.SGD(model.parameters(), lr=0.1)
    >>> batches = data.batches(np.zeros((10, 1)), np.zeros((10, 1)), 4)
    >>> stepping("auto", model, nn.MSELoss(), descent, epochs=99, batches=batches).used
    'numpy'
    >>> stepping("auto", model, nn.MSELoss(), descent, epochs=3, batches=batches).used
    'none: At most 6 updates see 4 examples, and compiling pays from 100 on.'
    """
    if how == "none":
        return Eager(model, loss, optimizer)
    if how != "auto":
        return _compiled(model, loss, optimizer, backend=how, must=True)
    reason, size, short = "", 0, 0
    if type(batches) is Batches:
        size, short = batches.batch_size, batches.n_examples % batches.batch_size
    updates = epochs * (batches.n_examples // size) if size else _PAYS_FROM
    if mode.watchers:
        reason = "What each operation does is watched, by debug() or detect_anomaly()."
    elif any(tensor.order in hooked for tensor in changed_tensors(model, optimizer)):
        reason = "A parameter has a hook, which is to be called in each update."
    elif updates < _PAYS_FROM:
        reason = f"At most {updates} updates see {size} examples, and compiling pays from {_PAYS_FROM} on."
    if reason:
        return Eager(model, loss, optimizer, used=f"none: {reason}")
    rare = short if epochs < _PAYS_FROM else 0
    return _compiled(model, loss, optimizer, backend="numpy", must=False, rare=rare)


def _compiled(*args: Any, **options: Any) -> Compiled:
    """Make a compiled step; the compiler is loaded only where it is needed."""
    made: Compiled = importlib.import_module("tinygrad_edu.training.compiled").Compiled(*args, **options)
    return made
