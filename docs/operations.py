"""Write docs/operations.md, the table of all operations, from the rows themselves: python docs/operations.py.

A gradient rule is a formula in operators and functions. Called with symbols instead of arrays it writes itself
down, so that the documentation cannot say anything else than the code. Rules that are no plain formula carry their
words with them (`Op.gradient`).
"""

from __future__ import annotations

import inspect
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.ops import Composition

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_NAMES = {"absolute": "abs", "arcsin": "asin", "arccos": "acos", "arctan": "atan"}


class Symbol:
    """A name or a formula that writes down what is done with it."""

    def __init__(self, text: str, binds: int = _ATOM) -> None:
        self.text, self.binds = text, binds

    def within(self, binds: int) -> str:
        """Write it as a part of something that binds so tightly."""
        return self.text if self.binds >= binds else f"({self.text})"

    def __add__(self, other: Any) -> Symbol:
        return Symbol(f"{_text(self, _SUM)} + {_text(other, _SUM)}", _SUM)

    def __radd__(self, other: Any) -> Symbol:
        return _symbol(other) + self

    def __sub__(self, other: Any) -> Symbol:
        return Symbol(f"{_text(self, _SUM)} - {_text(other, _PRODUCT)}", _SUM)

    def __rsub__(self, other: Any) -> Symbol:
        return _symbol(other) - self

    def __mul__(self, other: Any) -> Symbol:
        return Symbol(f"{_text(self, _PRODUCT)} · {_text(other, _PRODUCT)}", _PRODUCT)

    def __rmul__(self, other: Any) -> Symbol:
        return _symbol(other) * self

    def __truediv__(self, other: Any) -> Symbol:
        return Symbol(f"{_text(self, _PRODUCT)} / {_text(other, _POWER)}", _PRODUCT)

    def __rtruediv__(self, other: Any) -> Symbol:
        return _symbol(other) / self

    def __neg__(self) -> Symbol:
        return Symbol(f"-{_text(self, _PRODUCT)}", _PRODUCT)

    def __pow__(self, other: Any) -> Symbol:
        power = str(other).translate(_SUPERSCRIPT) if isinstance(other, int) else f"^{_text(other, _ATOM)}"
        return Symbol(f"{_text(self, _ATOM)}{power}", _POWER)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Symbol:
        operator = {np.add: "__add__", np.subtract: "__sub__", np.multiply: "__mul__", np.divide: "__truediv__"}
        if ufunc in operator:
            first, second = inputs
            return getattr(_symbol(first), operator[ufunc])(second)
        if ufunc is np.square:
            return inputs[0] ** 2
        return _call(ufunc.__name__, inputs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Symbol:
        return _call(function.__name__, args)

    def __apply_op__(self, op: Any, inputs: Any, options: Any) -> Symbol:
        return _call(op.name, inputs)


for _name, _sign in {
    "__gt__": ">",
    "__ge__": "≥",
    "__lt__": "<",
    "__le__": "≤",
    "__eq__": "=",
    "__and__": "and",
}.items():
    setattr(
        Symbol,
        _name,
        lambda self, other, sign=_sign: Symbol(f"{_text(self, _SUM)} {sign} {_text(other, _SUM)}", _SUM - 1),
    )


def _symbol(value: Any) -> Symbol:
    if isinstance(value, Symbol):
        return value
    if isinstance(value, (int, float, np.generic)):
        return Symbol(f"{value:g}")
    raise TypeError(f"no formula for {type(value).__name__}")


def _text(value: Any, binds: int) -> str:
    return _symbol(value).within(binds)


def _call(name: str, args: Any) -> Symbol:
    return Symbol(f"{_NAMES.get(name, name)}({', '.join(_text(a, _SUM - 1) for a in args)})")


def formula(rule: Any) -> str:
    """Write down a rule: "g cos(x)".

    Raises
    ------
    TypeError, AttributeError
        If it is no plain formula.
    """
    if rule is None:
        return "none"
    parameters = list(inspect.signature(rule).parameters.values())
    options = {p.name: Symbol(p.name) for p in parameters if p.default is not p.empty}
    symbols = [Symbol(p.name.lstrip("_")) for p in parameters if p.default is p.empty]
    return _symbol(rule(*symbols, **options)).text


def gradient(op: ops.Op) -> str:
    """Give the gradient of a row in words or formulas, one for each input."""
    return op.gradient or "; ".join(formula(rule) for rule in op.rules)


def parts(composition: Composition) -> str:
    """Name the operations that a composition is made of, beside operators: its gradient is theirs."""
    found: set[str] = set()
    pending, seen = [composition.formula], set()
    while pending:
        function = pending.pop()
        seen.add(function)
        for name in function.__code__.co_names:
            used = function.__globals__.get(name) or ops.BY_FUNCTION.get(vars(np).get(name))
            if isinstance(used, (ops.Op, Composition)):
                found.add(used.name)
            elif inspect.isfunction(used) and used.__module__ == function.__module__ and used not in seen:
                pending.append(used)
    return "that of its parts" + (f": {', '.join(sorted(found - {composition.name}))}" if found else "")


def table() -> str:
    """Write the page."""
    lines = [
        "# Operations",
        "",
        "Written by `python docs/operations.py` from the rows in `tinygrad_edu/ops/`; do not edit by hand.",
        "",
        "In a gradient, g is the gradient of the result; the letters are the inputs and the result, as the code of the",
        "rule names them. There is one formula for each input. Every row with a gradient can be differentiated to any",
        "order; where a domain is given, inside it.",
        "",
        f"There are {len(ops.TABLE)} rows, and {len(ops.COMPOSITIONS)} compositions of rows.",
    ]
    for module, entries in _by_module().items():
        lines += ["", f"## {module.replace('_', ' ').capitalize()}", "", _summary(module), ""]
        lines += ["| operation | what it computes | gradient | domain |", "|---|---|---|---|"]
        lines += [_row(entry) for entry in entries]
    return "\n".join(lines) + "\n"


def _by_module() -> dict[str, list[Any]]:
    modules: dict[str, list[Any]] = {}
    for entry in (*ops.TABLE.values(), *ops.COMPOSITIONS.values()):
        modules.setdefault(_home(entry), []).append(entry)
    return {name: sorted(entries, key=lambda e: e.name) for name, entries in sorted(modules.items())}


def _home(entry: Any) -> str:
    """Find the module of ops whose text defines a row; others may hold it because they use it."""
    modules = {name: module for name, module in vars(ops).items() if inspect.ismodule(module)}
    for name, module in modules.items():
        held = [attribute for attribute, value in vars(module).items() if value is entry]
        if held and re.search(rf"^({held[0]}(: Op)? = |def {held[0]}\()", inspect.getsource(module), re.MULTILINE):
            return name
    raise LookupError(f"No module of ops defines {entry.name} under a name of its own.")


def _summary(module: str) -> str:
    return (inspect.getdoc(getattr(ops, module)) or "").split("\n\n")[0].replace("\n", " ")


def _row(entry: Any) -> str:
    numpys = f" (`{_dotted(entry.function)}`)" if entry.function is not None else ""
    slope = parts(entry) if isinstance(entry, Composition) else gradient(entry)
    cells = [f"`{entry.name}`{numpys}", entry.doc, slope, entry.domain]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _dotted(function: Any) -> str:
    home = "np.linalg" if "linalg" in (getattr(function, "__module__", "") or "") else "np"
    return f"{home}.{function.__name__}"


if __name__ == "__main__":
    path = Path(__file__).parent / "operations.md"
    path.write_text(table(), encoding="utf-8")
    sys.stdout.write(f"{path}: {len(ops.TABLE)} rows, {len(ops.COMPOSITIONS)} compositions\n")
