"""Rows of one's own: a forward function and a gradient rule for each input make an operation."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ArgumentError, DtypeError
from tinygrad_edu.ops import Op
from tinygrad_edu.tape import Node
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_edu.ops import Rule

__all__ = ["custom_op"]


def custom_op(forward: Callable[..., Any], *rules: Rule | None, name: str | None = None) -> Callable[..., Tensor]:
    """Make an operation of a function of arrays and one gradient rule for each of its inputs.

    Parameters
    ----------
    forward
        Computes the result from arrays: inputs positional, options by keyword.
    rules
        ``rule(g, y, *inputs, **options)`` for each input, where g is the gradient of the result y: the gradient of that
        input, or a broadcast form of it. None where no gradient flows. Written in operators, NumPy functions and
        other operations, it serves derivatives of any order. Name an argument with an underscore (``_x``) if the rule
        does not read its values; it may then change in place without harm.
    name
        What messages and drawings call it; by default the function's name.

    Returns
    -------
    A function of Tensors, arrays and numbers that gives a Tensor.

    Raises
    ------
    ArgumentError
        If the rules are not as many as the inputs; and, in the backward pass, if a rule returns no array.
    DtypeError
        From the operation, if the result is no array of floating numbers.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> cube = custom_op(lambda x: x**3, lambda g, _y, x: g * 3 * x**2)
    >>> tg.grad(cube)(2.0)
    tensor(12.)
    >>> tg.gradcheck(cube, [1.0, 2.0], order=2)
    True
    """
    name = name or getattr(forward, "__name__", "custom").replace("<lambda>", "custom")
    taken = _inputs_of(forward)
    if taken is not None and taken != len(rules):
        raise ArgumentError(
            f"{name} takes {taken} inputs, but was given {len(rules)} rules. Give one for each input, None where no "
            f"gradient flows; make options keyword-only, as in def forward(x, *, axis)."
        )

    def compute(*arrays: Any, **options: Any) -> Any:
        out = np.asarray(forward(*arrays, **options))
        if out.dtype.kind != "f":
            raise DtypeError(f"{name} returned {out.dtype}, but an operation with gradients gives floating numbers.")
        return out

    op = Op(name, compute, tuple(_checked(name, i, rule) for i, rule in enumerate(rules)), doc=forward.__doc__ or "")

    @functools.wraps(forward)
    def operation(*inputs: Any, **options: Any) -> Tensor:
        if len(inputs) != len(rules):
            raise ArgumentError(f"{name} takes {len(rules)} inputs, but was given {len(inputs)}.")
        known = any(isinstance(x, Tensor) for x in inputs)
        return apply(op, inputs if known else tuple(map(Tensor, inputs)), options)

    return operation


def _inputs_of(forward: Callable[..., Any]) -> int | None:
    """Count the positional parameters; None where that cannot be told."""
    try:
        parameters = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):
        return getattr(forward, "nin", None)  # a ufunc says so itself
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty for p in parameters)


def _checked(name: str, i: int, rule: Rule | None) -> Rule | None:
    if rule is None:
        return None

    @functools.wraps(rule)  # its parameters' names tell what it reads
    def call(g: Any, *values: Any, **options: Any) -> Any:
        gradient = rule(g, *values, **options)
        if isinstance(gradient, (Node, np.ndarray, np.generic)):
            return gradient
        raise ArgumentError(
            f"The rule of {name} for input {i} returned {type(gradient).__name__}, but a gradient is an array. Build "
            f"it from g, as in g * 2."
        )

    return call
