"""What a compiled step took for granted, and how to notice that it no longer holds.

Numbers that the step read as Python numbers are part of the program: a momentum, a weight in front of a penalty, a
variable of the enclosing function. Each becomes a condition, and all of them one expression, which is looked at
before every step.
"""

from __future__ import annotations

import functools
import sys
from ast import literal_eval
from dataclasses import dataclass
from operator import itemgetter
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import CaptureError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.tape import hooked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import CodeType

    from numpy.typing import NDArray

    from tinygrad_edu.compiler.capture import Capture

__all__ = ["GONE", "SIMPLE", "Guard", "guards_of", "holds", "refuse_changes", "variables_of"]

SIMPLE = (bool, int, float, str, type(None))
# What looking raises where something is not as it was: an item, an attribute or a closure's variable is gone, or an
# array is where a number was.
GONE = (LookupError, AttributeError, ValueError, TypeError)
_FEW = 50  # entries of a container: settings, and not data
_DEPTH = 3  # of functions that the step calls


@dataclass(slots=True, eq=False)  # not frozen, which would take three times as long to make; yet nothing changes it
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
        return _getter(self.spelling)(self.holder)

    def holds(self) -> bool:
        """Tell whether it is as it was."""
        try:
            now = self.now()
        except GONE:
            return False
        if isinstance(self.value, SIMPLE):
            return type(now) is type(self.value) and (
                now is self.value or bool(now == self.value)
            )  # NaN is only itself
        return now is self.value

    def refuse(self) -> None:
        """Say that a number that is part of the program has changed."""
        raise CaptureError(
            f"{self.what} was {self.value!r} when the step was compiled, is a fixed part of it, and is now "
            f"{self.now()!r}. Compile the step anew after such a change, or keep the number in a Tensor, which the "
            f"step reads each time. (The learning rate is read each time if optimizer.step() uses it.)"
        )


@functools.cache
def _getter(spelling: str) -> Callable[[Any], Any]:
    getter: Callable[[Any], Any] = eval(f"lambda holder: holder{spelling}")  # noqa: S307 - spelled here alone
    return getter


_key_of = functools.cache(literal_eval)


def variables_of(function: Callable[..., Any]) -> list[Guard]:
    """List the variables that a function sees, as guards."""
    return [*_variables(function, _DEPTH, set())]


def refuse_changes(guards: Sequence[Guard]) -> None:
    """Raise if a step changed something in Python, which it would do in its recorded calls alone.

    Raises
    ------
    CaptureError
        It names what was changed.
    """
    for guard in guards:
        if guard.kind in ("number", "thing") and not guard.holds():
            raise CaptureError(
                f"The step changes {guard.what[0].lower()}{guard.what[1:]} in Python, which is not recorded: it would "
                f"happen in the first calls alone. Do it where the step is called, with the loss that it returns; what "
                f"takes part in the step belongs in a Tensor."
            )


def guards_of(function: Callable[..., Any], capture: Capture) -> list[Guard]:
    """List what the step took for granted while it was recorded."""
    guards = variables_of(function)
    for module, path in capture.modules.values():
        where = f"model.{path}" if path else type(module).__name__
        guards.append(Guard("mode", module, ".training", module.training, f"training of {where}"))
        guards.append(Guard("thing", vars(module), ".__len__()", len(vars(module)), where))
        for name, value in vars(module).items():
            if name != "training":
                guards += _inside(vars(module), f"[{name!r}]", value, f"{name} of {where}")
    for optimizer in capture.optimizers:
        what = type(optimizer).__name__
        guards.append(Guard("thing", optimizer.parameters, ".__len__()", len(optimizer.parameters), what))
        for name, value in vars(optimizer).items():
            if isinstance(value, (*SIMPLE, tuple)) and name != "batch_size":
                guards += _inside(vars(optimizer), f"[{name!r}]", value, f"{name} of {what}")
    for holder, name, value, line in capture.numbers_read:
        guards.append(Guard("number", holder, f".{name}", value, f"{name} of {type(holder).__name__}, read at {line},"))
    there: Any = hooked  # a hook that is registered later takes part in the gradients
    guards.append(Guard("thing", there.data, ".__len__()", len(there.data), "the hooks"))
    return guards


def _inside(holder: Any, spelling: str, value: Any, what: str) -> list[Guard]:
    """Guard what something holds: a number, a thing, or the numbers in a small container."""
    if isinstance(value, SIMPLE):
        return [Guard("number", holder, spelling, value, what)]
    guards = [Guard("thing", holder, spelling, value, what)]
    if isinstance(value, (list, dict)) and len(value) <= _FEW:
        guards.append(Guard("thing", value, ".__len__()", len(value), what))
        items = value.items() if isinstance(value, dict) else enumerate(value)
        guards += [_item(value, key, x, f"{what}[{key!r}]") for key, x in items if isinstance(key, (str, int))]
    elif hasattr(value, "__dict__") and not (isinstance(value, Module) or _is_known(type(value).__module__)):
        guards += _attributes(value, what)
    return guards


def _attributes(thing: Any, what: str) -> list[Guard]:
    """Guard the settings in an object of the user's."""
    held = vars(thing)
    items = list(held.items())[:_FEW]
    return [Guard("thing", held, ".__len__()", len(held), what), *(_item(held, k, x, f"{what}.{k}") for k, x in items)]


def _item(holder: Any, key: Any, value: Any, what: str) -> Guard:
    return Guard("number" if isinstance(value, SIMPLE) else "thing", holder, f"[{key!r}]", value, what)


def _is_known(module: str) -> bool:
    """Tell whether what is defined in a module is this package's or NumPy's, and not the user's."""
    return module.startswith(("tinygrad_edu.", "numpy"))


def _variables(function: Any, depth: int, seen: set[int]) -> Iterator[Guard]:
    """Go through the numbers that a function sees: of enclosing functions, of its module, of its object."""
    if isinstance(function, MethodType):
        if hasattr(function.__self__, "__dict__") and not _is_known(type(function.__self__).__module__):
            yield from _attributes(function.__self__, "self")
        function = function.__func__
    if not isinstance(function, FunctionType) or id(function) in seen or depth == 0:
        return
    if _is_known(function.__module__):
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
    if isinstance(value, (FunctionType, MethodType)):
        yield from _variables(value, depth - 1, seen)
    if not isinstance(value, (ModuleType, type)):
        yield from _inside(holder, spelling, value, f"The variable {name}")


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
    holders: dict[int, str] = {}
    conditions = []
    for k, array in enumerate(inputs):
        names |= {f"s{k}": array.shape, f"d{k}": array.dtype, f"t{k}": array.strides}
        conditions += [f"type(x{k}) is ndarray", f"x{k}.shape == s{k}", f"x{k}.dtype is d{k}", f"x{k}.strides == t{k}"]
    for k, (holder, spelling, value) in enumerate(_together(guards)):
        h = holders.setdefault(id(holder), f"h{k}")
        names[h] = holder
        v = repr(value) if value is None or isinstance(value, bool) else f"v{k}"
        if v[0] == "v":
            names[v] = value
        if spelling == ".__len__()":
            conditions.append(f"len({h}) == {value}")
        elif callable(spelling):
            names[f"g{k}"] = spelling
            conditions.append(f"g{k}({h}) == {v}")
        else:
            equal = type(value) in (int, float, str) and value == value  # noqa: PLR0124 - NaN is only itself
            conditions.append(f"{h}{spelling} {'==' if equal else 'is'} {v}")
    arguments = ", ".join(f"x{k}" for k in range(len(inputs)))
    text = f"def fits({arguments}):\n    try:\n        return {' and '.join(conditions) or True}\n"
    names = {sys.intern(name): thing for name, thing in names.items()}  # they take no memory that the code's do not
    names["gone"] = GONE
    exec(_code(f"{text}    except gone:\n        return False\n"), names)  # noqa: S102 - spelled here alone
    function: Callable[..., bool] = names["fits"]
    return function


@functools.lru_cache(maxsize=64)
def _code(text: str) -> CodeType:
    """Compile a function; models that are alike, and the last, short batch, need the same one."""
    return compile(text, "<guards>", "exec")


def _together(guards: Sequence[Guard]) -> Iterator[tuple[Any, Any, Any]]:
    """Look at all the numbers that one dictionary holds at once, as tuples."""
    groups: dict[int, list[Guard]] = {}
    for guard in guards:
        if isinstance(guard.value, SIMPLE) and type(guard.holder) is dict and guard.spelling.startswith("["):
            groups.setdefault(id(guard.holder), []).append(guard)
        else:
            yield guard.holder, guard.spelling, guard.value
    for group in groups.values():
        keys = [_key_of(guard.spelling[1:-1]) for guard in group]
        values = tuple(guard.value for guard in group)
        yield group[0].holder, itemgetter(*keys), values if len(keys) > 1 else values[0]
