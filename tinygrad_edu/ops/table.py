"""The table of operations: what a row is, and the two ways to find one.

A row has a name, a forward function on NumPy arrays and one gradient rule per input. Everything that
computes is a row; everything that walks a computation (backward, drawing, compiling) reads rows. What can be
written in rows needs no row of its own: see ``composition.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tinygrad_edu.ops import signatures

__all__ = ["BY_FUNCTION", "TABLE", "Op", "Rule", "define"]

# rule(g, out, *inputs, **options) -> the gradient of one input, given `g`, the gradient of `out`.
#
# A rule is a formula in what arrays and Tensors share: operators, NumPy functions, other rows. Handed
# arrays it runs at NumPy speed; handed Tensors it is recorded, so it can be differentiated again.
# - It may return a gradient of the *broadcast* shape: the tape sums it back, in one place.
# - It never branches on values, and never writes into what it is given.
# - An argument whose values it does not read starts with an underscore: the tape then knows that this
#   value may change between forward and backward without harm.
Rule = Callable[..., Any]

_array = np.ndarray  # looked up once

TABLE: dict[str, Op] = {}
# Rows and compositions by the NumPy functions that they stand for.
BY_FUNCTION: dict[Callable[..., Any], Any] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Op:
    """One row of the table.

    Called with arrays it computes at once. Called with anything whose class has a method
    ``__apply_op__(op, inputs, options)``, such as a Tensor, it hands itself over: the row does not
    know what a Tensor is.

    Examples
    --------
    >>> from tinygrad_edu import ops
    >>> ops.tanh(0.0)
    np.float64(0.0)
    >>> ops.tanh.name, len(ops.tanh.rules)
    ('tanh', 1)
    """

    name: str
    forward: Callable[..., Any]
    rules: tuple[Rule | None, ...]
    """One per input; ``None`` where no gradient flows."""
    variadic: Rule | None = None
    """For any number of inputs, instead of `rules`: ``variadic(i, g, out, *inputs, **options)``."""
    view: bool = False
    """The result may share memory with the first input."""
    function: Callable[..., Any] | None = None
    """The NumPy function that the row stands for, if there is one."""
    doc: str = ""
    """What it computes, in one line."""
    domain: str = ""
    """Where it is defined and smooth, as in ``x > 0``; empty for everywhere."""
    gradient: str = ""
    """The gradient rules in words or formulas, where the code of the rules is no formula; or why there is none."""
    differentiable: bool = field(init=False)
    """Whether a gradient can flow through the row to any input."""

    def __post_init__(self) -> None:
        differentiable = self.variadic is not None or any(rule is not None for rule in self.rules)
        object.__setattr__(self, "differentiable", differentiable)

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Compute, or hand over to the first input that knows how."""
        for x in inputs:
            if type(x) is not _array and hasattr(x, "__apply_op__"):
                return x.__apply_op__(self, inputs, options)
        return self.forward(*inputs, **options)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def rules_for(self, n_inputs: int) -> tuple[Rule | None, ...]:
        """Give one rule per input, for a row of any number of inputs too."""
        if self.variadic is None:
            return self.rules
        return tuple(functools.partial(self.variadic, i) for i in range(n_inputs))

    @property
    def option_names(self) -> tuple[str, ...]:
        """The keywords of `forward`."""
        return signatures.names_after(self.forward, 0 if self.variadic else len(self.rules))

    @property
    def numpy_names(self) -> tuple[str, ...]:
        """The parameters of the NumPy function after its arrays, in its order: they tell what a position means."""
        told = () if self.function is None else signatures.names_after(self.function, len(self.rules) or 1)
        return told or self.option_names

    def reads(self, i: int, n_inputs: int) -> tuple[bool, ...]:
        """Tell whether the rule of input `i` reads the values of each input, and last, of the output."""
        if self.variadic is not None:
            return signatures.reads_variadic(self.variadic, i, n_inputs)
        rule = self.rules[i]
        if rule is None:
            return ()
        _, out, *rest = (not name.startswith("_") for name in signatures.names_after(rule, 0))
        return (*rest[: len(self.rules)], out)

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Sort the arguments of a NumPy call into inputs and options; PyTorch's ``dim`` is read as ``axis``.

        Raises
        ------
        ArgumentError
            If there are fewer arrays than inputs, options that the row does not have, or too few that it needs.

        Examples
        --------
        >>> from tinygrad_edu import ops
        >>> ops.sum.bind(("x", 0), {"keepdims": True})
        (('x',), {'axis': 0, 'keepdims': True})
        >>> ops.sum.bind(("x",), {"dim": 0})
        (('x',), {'axis': 0})
        """
        if self.variadic is not None:
            args, kwargs = (args, kwargs) if args else self._arrays_first(args, kwargs)
            if not args or not hasattr(args[0], "__iter__"):
                raise signatures.no_list(self.name, self.forward, args, kwargs)
            inputs, rest, n = tuple(args[0]), args[1:], 0
        else:
            n = len(self.rules)
            if len(args) < n:
                args, kwargs = self._arrays_first(args, kwargs)
            inputs, rest = args[:n], args[n:]
            if len(inputs) < n:
                raise signatures.misuse(self.name, f"{len(inputs)} arrays", f"{n}")
        names = signatures.names_after(self.forward, n)
        given = signatures.merge(self.name, self.numpy_names, rest, names, kwargs) if rest else kwargs
        options = signatures.fit(self.name, given, names, self.function)
        for name in signatures.needed(self.forward, n):
            if name not in options:
                signatures.check(self.name, self.forward, inputs, options)
        return inputs, options

    def _arrays_first(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        joins = self.variadic is not None
        return signatures.arrays_first(
            self.function or self.forward, 1 if joins else len(self.rules), args, kwargs, joins=joins
        )


def define(
    function: Callable[..., Any] | str,
    *rules: Rule | None,
    forward: Callable[..., Any] | None = None,
    variadic: Rule | None = None,
    view: bool = False,
    doc: str = "",
    domain: str = "",
    gradient: str = "",
    also: tuple[Callable[..., Any], ...] = (),
) -> Op:
    """Add a row to the table.

    Parameters
    ----------
    function
        The NumPy function that the row stands for, which then also works on Tensors; or a name, for
        an operation that NumPy does not have.
    rules
        One gradient rule per input, ``rule(g, out, *inputs, **options)``; ``None`` for no gradient. Name an
        argument whose values the rule does not read with an underscore, as in ``lambda g, y, _x: g * y``: the tape
        then allows it to change in between. `gradcheck` tells whether a rule is right.
    forward
        What computes the result, where it is not `function` itself: inputs positional, options by keyword.
    variadic
        One rule for any number of inputs, ``variadic(i, g, out, *inputs, **options)``.
    view
        Whether the result may share memory with the first input.
    doc
        What it computes, in one line; the method of a Tensor and the function take it as their docstring.
    domain
        Where it is defined and smooth; empty for everywhere.
    gradient
        What the documentation says of the gradient where a rule is no plain formula: the formula, or, for a row
        without a gradient, why there is none.
    also
        Further NumPy functions that the row stands for.

    Raises
    ------
    ValueError
        If there is a row of that name.
    TypeError
        If there is nothing to compute with.

    Examples
    --------
    >>> import numpy as np
    >>> cube = define("cube", lambda g, _y, x: g * 3 * x**2, forward=lambda x: x**3)
    >>> cube(np.array([2.0]))
    array([8.])
    >>> del TABLE["cube"]
    """
    name = function if isinstance(function, str) else function.__name__
    if name in TABLE:
        raise ValueError(f"There is a row {name!r} already. Choose another name; a row is never replaced.")
    compute = forward or function
    if isinstance(compute, str):
        raise TypeError(f"define({name!r}, ...) needs forward=, the function that computes it.")
    numpys = None if isinstance(function, str) else function
    op = Op(name, compute, rules, variadic, view, numpys, doc, domain, gradient)
    TABLE[name] = op
    BY_FUNCTION.update(dict.fromkeys((*((numpys,) if numpys else ()), *also), op))
    return op
