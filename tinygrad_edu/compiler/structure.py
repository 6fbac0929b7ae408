"""What a model and a loss are made of, as guards: which layers and tensors there are, and the numbers they read.

A compiled step looks by itself, before each update, at what it read while it was recorded. What is looked at here can
only be changed by code that runs between updates, such as a callback that exchanges a layer or freezes a parameter,
or by Python code in a forward pass, such as one that adds to a list: it has to be looked at after such code ran.
"""

from __future__ import annotations

import math
from types import FunctionType, MethodType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.compiler.guards import SIMPLE, Guard, guards_of, holds
from tinygrad_edu.nn.module import Module
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["same_structure", "structure_guards"]

_LONG = 200  # items: data, not parts of a model
# What guards_of asks of a recording; only the function itself is of interest here.
_NO_RECORDING: Any = SimpleNamespace(modules={}, optimizers=[], numbers_read=[])


def structure_guards(*parts: Any) -> list[Guard]:
    """List what models, losses and functions are made of.

    Parameters
    ----------
    parts
        Modules, and the functions or objects that are called besides, such as the loss.
    """
    seen: set[int] = set()
    guards = [guard for part in parts for guard in _guards(part, seen)]
    # NaN differs from itself: whatever it is for, it cannot be looked at.
    return [guard for guard in guards if not (isinstance(guard.value, float) and math.isnan(guard.value))]


def same_structure(*parts: Any) -> Callable[[], bool]:
    """Make a function that tells whether models and losses are still made of the same things.

    Examples
    --------
    >>> from tinygrad_edu import nn
    >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> as_before = same_structure(model)
    >>> as_before()
    True
    >>> model[0].weight.requires_grad = False
    >>> as_before()
    False
    """
    return holds(structure_guards(*parts))


def _guards(part: Any, seen: set[int]) -> Iterator[Guard]:
    """Go through what a model, a loss or a function reads."""
    if isinstance(part, Module):
        for path, module in part.named_modules():
            if id(module) not in seen:
                seen.add(id(module))
                yield from _contents(vars(module), path or type(module).__name__, seen)
                yield from _seen_by(type(module).forward)
    elif isinstance(part, (FunctionType, MethodType)):
        owner = getattr(part, "__self__", None)
        if isinstance(owner, Module):
            yield from _guards(owner, seen)
        yield from (guard for guard in _seen_by(part) if guard.spelling != ".training")
    elif hasattr(part, "__dict__"):
        yield from _contents(vars(part), type(part).__name__, seen)
        yield from _seen_by(type(part).__call__)


def _contents(holder: Any, what: str, seen: set[int]) -> Iterator[Guard]:
    """Go through the attributes of an object, or the items of a list; containers are looked into."""
    if id(holder) in seen:
        return
    seen.add(id(holder))
    items = list(holder.items() if isinstance(holder, dict) else enumerate(holder))
    yield Guard("structure", holder, ".__len__()", len(items), f"the number of parts of {what}")
    for key, value in items if len(items) < _LONG else ():
        spelling, name = f"[{key!r}]", f"{what}.{key}"
        if not isinstance(key, (str, int)) or key == "training":  # a step has a program for each mode
            continue
        if isinstance(value, (list, tuple, dict)):
            yield Guard("structure", holder, spelling, value, name)
            yield from _contents(value, name, seen)
        elif isinstance(value, (Module, Tensor, np.ndarray, np.generic, *SIMPLE)) or callable(value):
            yield Guard("structure", holder, spelling, value, name)
        if isinstance(value, Tensor):
            yield Guard("structure", value, ".tracked", value.tracked, name)


def _seen_by(function: Any) -> Iterator[Guard]:
    """Go through the numbers that a function sees around it, and the lengths of what it may add to."""
    yield from guards_of(function, _NO_RECORDING)
    function = getattr(function, "__func__", function)
    if not isinstance(function, FunctionType) or function.__module__.startswith("tinygrad_edu."):
        return
    code, around = function.__code__, function.__globals__
    outside = [(name, around[name]) for name in code.co_names if name in around]
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            outside.append((name, cell.cell_contents))
        except ValueError:  # not assigned yet
            continue
    for name, value in outside:
        if isinstance(value, (list, dict, set)):
            yield Guard("structure", value, ".__len__()", len(value), f"the length of {name}")
