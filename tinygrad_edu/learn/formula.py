"""Formulas as text: ``formula("x**2 + sin(3*x)")`` is a function that can be differentiated.

Text is never executed: `formula_text` makes of it a list of numbers, variables and rows of the table of operations, in
the order in which a pocket calculator would take them, and this is worked through here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.errors import FormulaError, OptionError
from tinygrad_edu.learn.formula_text import CONSTANTS, FUNCTIONS, MAX_VARIABLES, read, refuse
from tinygrad_edu.learn.values import as_float64
from tinygrad_edu.ops import Op
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike

__all__ = ["CONSTANTS", "FUNCTIONS", "MAX_CHARACTERS", "Formula", "formula"]

MAX_CHARACTERS = 1000


@dataclass(frozen=True)
class Formula:
    """A function written as a formula; parsed once, called often.

    A formula has numbers, variables, ``pi``, ``e``, ``+ - * / **``, brackets and the functions in
    ``FUNCTIONS``. It computes in float64, without a warning: what overflows is inf, what is undefined nan.

    Parameters
    ----------
    text
        The formula, in Python's notation: ``2*x**2``, not ``2x²``. At most 1000 characters.

    Attributes
    ----------
    text
        The formula, with each run of white space as one blank.
    variables
        The names of its variables, sorted; the order in which a call takes their values.

    Raises
    ------
    FormulaError
        If the text is no formula.

    Examples
    --------
    >>> f = Formula("x**2 + sin(3*x) / y")
    >>> f.variables
    ('x', 'y')
    >>> f(2.0, 1.0).item() == f(y=1.0, x=2.0).item() == 4.0 + float(np.sin(6.0))
    True
    >>> from tinygrad_edu import grad
    >>> grad(Formula("x**2"))(-6.0).item()
    -12.0
    """

    text: str
    variables: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _entries: tuple[float | str | Op, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.text, str):
            raise FormulaError(f"A formula is text, such as 'x**2', but is {type(self.text).__name__}.")
        if len(self.text) > MAX_CHARACTERS:
            raise FormulaError(
                f"The formula has {len(self.text)} characters, but {MAX_CHARACTERS} are the most. "
                "Write a longer one as a Python function."
            )
        text = " ".join(self.text.split())
        entries = read(text)
        variables = tuple(sorted({entry for entry in entries if isinstance(entry, str)}))
        if len(variables) > MAX_VARIABLES:
            refuse(text, f"there are {len(variables)} variables, but {MAX_VARIABLES} are the most")
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "variables", variables)
        object.__setattr__(self, "_entries", entries)

    def __call__(self, /, *values: ArrayLike | Tensor, **named: ArrayLike | Tensor) -> Tensor:
        """Compute the formula, entry by entry where values are arrays.

        Parameters
        ----------
        values
            A value for each of `variables`, in that order.
        named
            Or a value for each variable by its name.

        Raises
        ------
        OptionError
            If a variable has no value, or a value no variable.
        """
        names = {name: _as_tensor(value) for name, value in self._bind(values, named).items()}
        with np.errstate(all="ignore"):
            out = _compute(self._entries, names)
        return out if isinstance(out, Tensor) else Tensor(np.asarray(out, dtype=np.float64))

    def __reduce__(self) -> tuple[type[Formula], tuple[str]]:
        # The text says it all; the rows of the table hold functions that cannot be pickled.
        return Formula, (self.text,)

    def _bind(self, values: tuple[Any, ...], named: Mapping[str, Any]) -> Mapping[str, Any]:
        """Find the value of each variable."""
        if not named and len(values) == len(self.variables):
            return dict(zip(self.variables, values, strict=True))
        if not values and set(named) == set(self.variables):
            return named
        example = ", ".join(f"{name}=..." for name in self.variables)
        given = ", ".join(named) or f"{len(values)} value{'s' if len(values) != 1 else ''}"
        raise OptionError(f"The formula {self.text!r} was given {given}. Call it as f({example}).")


def formula(text: str | Formula) -> Formula:
    """Read a formula, such as ``"x**2 + sin(3*x)"``: see `Formula`.

    Examples
    --------
    >>> formula("x**2")(np.array([-6.0, 0.0, 6.0]))
    tensor([36.,  0., 36.], dtype=float64)
    >>> formula("2x")
    Traceback (most recent call last):
    tinygrad_edu.errors.FormulaError: In '2x', write 2*x instead of 2x: a product needs its sign.
    """
    return text if isinstance(text, Formula) else Formula(text)


def _as_tensor(value: ArrayLike | Tensor) -> Tensor:
    if isinstance(value, Tensor):
        return value if value.dtype == np.float64 else value.astype(np.float64)
    return Tensor(as_float64(value))


def _compute(entries: Iterable[float | str | Op], values: Mapping[str, Tensor]) -> Tensor | float:
    """Work through the entries with a stack, as a calculator with reverse Polish notation does."""
    stack: list[Tensor | float] = []
    for entry in entries:
        if isinstance(entry, Op):
            arguments = stack[-len(entry.rules) :]
            del stack[-len(entry.rules) :]
            stack.append(_power(*arguments) if entry is ops.power else entry(*arguments))
        else:
            stack.append(values[entry] if isinstance(entry, str) else entry)
    return stack.pop()


def _power(base: Tensor | float, exponent: Tensor | float) -> Tensor | float:
    # A Tensor's own operator has a row for constant exponents, so that x**2 needs no logarithm. A float's is
    # of no use: 9.0**9.0**9.0 raises OverflowError, and (-8.0)**0.5 is complex.
    out: Tensor | float = base**exponent if isinstance(base, Tensor) else ops.power(base, exponent)
    return out
