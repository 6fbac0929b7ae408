"""Compositions: NumPy's functions that are written in rows, and therefore need no rule.

``ptp(x)`` is ``max(x) - min(x)``, and its gradient follows. A row of its own is for what cannot be composed, or
is composed less exactly or too slowly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tinygrad_edu.ops import signatures
from tinygrad_edu.ops.table import BY_FUNCTION, TABLE

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COMPOSITIONS", "Composition", "compose"]

COMPOSITIONS: dict[str, Composition] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Composition:
    """A function of arrays and Tensors alike that is written in rows.

    Examples
    --------
    >>> from tinygrad_edu import ops
    >>> ops.COMPOSITIONS["ptp"]([1.0, 4.0])
    np.float64(3.0)
    """

    name: str
    formula: Callable[..., Any]
    function: Callable[..., Any] | None
    """The NumPy function that it stands for, if there is one."""
    domain: str
    sequence: bool
    """Whether the first argument is a sequence of arrays."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Compute.

        Raises
        ------
        ArgumentError
            If the arguments are not those of the formula.
        """
        try:
            return self.formula(*args, **kwargs)
        except TypeError:
            signatures.check(self.name, self.formula, args, kwargs)
            raise

    def __repr__(self) -> str:
        return f"<composition {self.name}>"

    @property
    def doc(self) -> str:
        """What it computes, in one line."""
        return (self.formula.__doc__ or "").strip().split("\n")[0]

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort the arguments of a NumPy call; PyTorch's names of options are read as NumPy's.

        Raises
        ------
        ArgumentError
            If there are no arguments, too many, or options that it does not have. Calling it tells of all else.

        Examples
        --------
        >>> from tinygrad_edu import ops
        >>> ops.COMPOSITIONS["median"].bind(("x", 0, None, False, True), {})
        (('x', 0), {'keepdims': True})
        """
        names, positional, agreed, axis, aliases, numpys = signatures.layout(self.formula, self.function)
        if agreed is not None and len(args) > agreed:
            # What comes after the positions that are NumPy's, too, means what it means for NumPy: out=None, say.
            if len(args) > max(len(numpys), agreed):
                signatures.check(self.name, self.formula, args, {})
            kwargs = signatures.merge(self.name, numpys[agreed:], args[agreed:], names, kwargs)
            args = args[:agreed]
        options = signatures.fit(self.name, kwargs, names, self.function, aliases) if kwargs else kwargs
        if not args and positional and positional[0] in options:
            args = (options[positional[0]],)
            options = {name: value for name, value in options.items() if name != positional[0]}
        if axis < len(args) and type(args[axis]) is list:
            args = (*args[:axis], tuple(args[axis]), *args[axis + 1 :])
        if not args:
            signatures.check(self.name, self.formula, args, options)
        return args, options


def compose(
    function: Callable[..., Any] | str,
    *,
    domain: str = "",
    sequence: bool = False,
    also: tuple[Callable[..., Any], ...] = (),
) -> Callable[[Callable[..., Any]], Composition]:
    """Make a formula in rows the composition that stands for `function`; its docstring says what it computes.

    Parameters
    ----------
    function
        The NumPy function that it stands for, which then also works on Tensors; or a name. The formula takes its
        arguments under NumPy's names.
    domain
        Where it is defined and smooth; empty for everywhere.
    sequence
        Whether the first argument is a sequence of arrays.
    also
        Further NumPy functions that it stands for.

    Raises
    ------
    ValueError
        If there is a row or a composition of that name.
    """
    name = function if isinstance(function, str) else function.__name__
    if name in TABLE or name in COMPOSITIONS:
        raise ValueError(f"There is a row or composition {name!r} already. Choose another name.")
    numpys = None if isinstance(function, str) else function

    def register(formula: Callable[..., Any]) -> Composition:
        composition = COMPOSITIONS[name] = Composition(name, formula, numpys, domain, sequence)
        BY_FUNCTION.update(dict.fromkeys((*((numpys,) if numpys else ()), *also), composition))
        return composition

    return register
