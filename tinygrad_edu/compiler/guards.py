"""What a compiled step took for granted, and how to notice that it no longer holds.

Numbers that the step read as Python numbers are part of the program: a momentum, a weight in front of a penalty, a
variable of the enclosing function. Each becomes a condition, and all of them one expression, which is looked at
before every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import CaptureError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.tape import Node

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from tinygrad_edu.compiler.capture import Capture

__all__ = ["Guard", "guards_of", "holds"]

_SIMPLE = (bool, int, float, str, type(None))
_DEPTH = 3  # of functions that the step calls


@dataclass(frozen=True, slots=True)
class Guard:
    """One thing that has to stay as it is."""

    kind: str
    """``number``: the program is wrong without it; ``mode``: another program is needed; ``memory``: it has moved;
    ``thing``: it was replaced; ``gradient``: what ``parameter.grad`` shows."""
    holder: Any
    spelling: str
    """How to get at the value from the holder, as in ``.momentum`` or ``["alpha"]``."""
    value: Any
    what: str
    """What messages call it."""

    def now(self) -> Any:
        """Give the value as it is now."""
        return eval(f"holder{self.spelling}", {"holder": self.holder})  # noqa: S307 - spelled in this file alone

    def holds(self) -> bool:
        """Tell whether it is as it was."""
        now = self.now()
        if isinstance(self.value, _SIMPLE):
            return type(now) is type(self.value) and bool(now == self.value)
        return now is self.value

    def refuse(self) -> None:
        """Say that a number that is part of the program has changed."""
        raise CaptureError(
            f"{self.what} was {self.value!r} when the step was compiled, is a fixed part of it, and is now "
            f"{self.now()!r}. Compile the step anew after such a change, or keep the number in a Tensor, which the "
            f"step reads each time. (The learning rate is read each time if optimizer.step() uses it.)"
        )


def guards_of(function: Callable[..., Any], capture: Capture) -> list[Guard]:
    """List what the step took for granted while it was recorded."""
    guards = [*_variables(function, _DEPTH, set())]
    for module, path in capture.modules.values():
        where = f"model.{path}" if path else type(module).__name__
        guards.append(Guard("mode", module, ".training", module.training, f"training of {where}"))
        for name, value in vars(module).items():
            if name != "training" and name.isidentifier():
                guards += _attribute(module, name, value, f"{name} of {where}")
    for optimizer in capture.optimizers:
        for name, value in vars(optimizer).items():
            if isinstance(value, _SIMPLE) and name != "batch_size":
                guards += _attribute(optimizer, name, value, f"{name} of {type(optimizer).__name__}")
    for holder, name, value, line in capture.numbers_read:
        guards.append(Guard("number", holder, f".{name}", value, f"{name} of {type(holder).__name__}, read at {line},"))
    return guards


def _attribute(holder: Any, name: str, value: Any, what: str) -> list[Guard]:
    if isinstance(value, _SIMPLE):
        return [Guard("number", holder, f".{name}", value, what)]
    if isinstance(value, (Node, Module, np.random.Generator)):
        return [Guard("thing", holder, f".{name}", value, what)]
    return []


def _variables(function: Any, depth: int, seen: set[int]) -> Iterator[Guard]:
    """Go through the numbers that a function sees: of enclosing functions, of its module, of its object."""
    if isinstance(function, MethodType):
        for name, value in vars(function.__self__).items() if hasattr(function.__self__, "__dict__") else ():
            if isinstance(value, _SIMPLE):
                yield Guard("number", function.__self__, f".{name}", value, f"self.{name}")
        function = function.__func__
    if not isinstance(function, FunctionType) or id(function) in seen or depth == 0:
        return
    if function.__module__.startswith("tinygrad_edu."):
        return
    seen.add(id(function))
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
        yield from _variable(cell, ".cell_contents", name, value, depth, seen)
    for name in code.co_names:
        if name in function.__globals__:
            value = function.__globals__[name]
            yield from _variable(function.__globals__, f"[{name!r}]", name, value, depth, seen)


def _variable(holder: Any, spelling: str, name: str, value: Any, depth: int, seen: set[int]) -> Iterator[Guard]:
    if isinstance(value, _SIMPLE):
        yield Guard("number", holder, spelling, value, f"The variable {name}")
    elif isinstance(value, (FunctionType, MethodType)):
        yield from _variables(value, depth - 1, seen)
    if not isinstance(value, (*_SIMPLE, ModuleType, type)):
        yield Guard("thing", holder, spelling, value, f"The variable {name}")


def holds(guards: Sequence[Guard], inputs: Sequence[NDArray[Any]] = ()) -> Callable[..., bool]:
    """Make one function of a batch that tells whether it is as the inputs were, and everything else as it was.

    Examples
    --------
    >>> settings = {"alpha": 0.5}
    >>> as_before = holds([Guard("number", settings, "['alpha']", 0.5, "alpha")])
    >>> as_before(), settings.update(alpha=0.25), as_before()
    (True, None, False)
    """
    names: dict[str, Any] = {"ndarray": np.ndarray}
    conditions = []
    for k, array in enumerate(inputs):
        names.update({f"s{k}": array.shape, f"d{k}": array.dtype})
        conditions += [f"type(x{k}) is ndarray", f"x{k}.shape == s{k}", f"x{k}.dtype is d{k}"]
    for k, guard in enumerate(guards):
        names.update({f"h{k}": guard.holder, f"v{k}": guard.value})
        is_one = guard.value is None or isinstance(guard.value, bool) or not isinstance(guard.value, _SIMPLE)
        conditions.append(f"h{k}{guard.spelling} {'is' if is_one else '=='} v{k}")
    arguments = ", ".join(f"x{k}" for k in range(len(inputs)))
    expression = " and ".join(conditions) or "True"
    function: Callable[..., bool] = eval(f"lambda {arguments}: {expression}", names)  # noqa: S307 - spelled here alone
    return function
