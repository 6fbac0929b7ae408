"""Rows of one's own: a forward function and a gradient rule for each input make an operation."""

from __future__ import annotations

import functools
import inspect
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ArgumentError, DtypeError, GraphError
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
        Computes the result from arrays: inputs positional, options by keyword. It may not write into its inputs.
    rules
        ``rule(g, y, *inputs, **options)`` for each input, where g is the gradient of the result y: the gradient of that
        input, or a broadcast form of it. None where no gradient flows. Written in operators, NumPy functions and
        other operations, it serves derivatives of any order: it is then given Tensors. Name an argument with an
        underscore (``_x``) if the rule does not read its values; it may then change in place without harm.
    name
        What messages and drawings call it; by default the function's name.

    Returns
    -------
    A function of Tensors, arrays and numbers that gives a Tensor.

    Raises
    ------
    ArgumentError
        If the rules are not as many as the inputs, or one takes other arguments; and, in the backward pass, if a rule
        returns no array.
    DtypeError
        From the operation, if the result is no array of floating numbers.
    GraphError
        From the operation, if `forward` writes into its inputs; from a backward pass with ``create_graph=True``, if a
        rule makes an array of the Tensors that it is given, so that the gradient could not be differentiated.

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
    for function in (forward, *rules):
        if not (callable(function) or (function is None and forward is not None)):
            raise ArgumentError(f"{name} is made of functions, but was given {function!r}.")
    least, most = _inputs_of(forward)
    if not least <= len(rules) <= most:
        raise ArgumentError(
            f"{name} takes {least} inputs, but was given {len(rules)} rules. Give one for each input, None where no "
            f"gradient flows; make options keyword-only, as in def forward(x, *, axis)."
        )

    def compute(*arrays: Any, **options: Any) -> Any:
        try:
            out = np.asarray(forward(*map(_read_only, arrays), **options))
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise GraphError(
                f"{name} writes into its input ({error}), behind the back of what else was computed from it. Let it "
                f"write into a copy (x = x.copy())."
            ) from error
        if out.dtype.kind != "f":
            raise DtypeError(
                f"{name} returned {out.dtype}, but an operation with gradients gives floating numbers. Write 1.0 "
                f"instead of 1, or let it return a float array."
            )
        # Memory of its own, or a change of the input would go unnoticed in what is computed from the result.
        shared = any(isinstance(a, np.ndarray) and np.may_share_memory(out, a) for a in arrays)
        return out.copy() if shared else out

    op = Op(
        name,
        compute,
        tuple(_checked(name, i, rule, len(rules)) for i, rule in enumerate(rules)),
        doc=forward.__doc__ or "",
    )

    @functools.wraps(forward)
    def operation(*inputs: Any, **options: Any) -> Tensor:
        if len(inputs) != len(rules):
            raise ArgumentError(
                f"{name} takes {len(rules)} inputs, but was given {len(inputs)}. Give options by keyword."
            )
        known = any(isinstance(x, Tensor) for x in inputs)
        return apply(op, inputs if known else tuple(map(Tensor, inputs)), options)

    operation.__name__ = operation.__qualname__ = name
    return operation


def _read_only(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


def _inputs_of(forward: Callable[..., Any]) -> tuple[float, float]:
    """Count the positional parameters: those without a default, and all."""
    if isinstance(forward, np.ufunc):
        return forward.nin, forward.nin
    try:
        parameters = inspect.signature(forward).parameters.values()
    except (TypeError, ValueError):
        return 0, math.inf
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    several = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return sum(p.default is p.empty for p in positional), math.inf if several else len(positional)


def _checked(name: str, i: int, rule: Rule | None, n_inputs: int) -> Rule | None:
    if rule is None:
        return None

    @functools.wraps(rule)
    def call(g: Any, *values: Any, **options: Any) -> Any:
        gradient = rule(g, *values, **options)
        # Memory of its own, and not that of an input, the result or a constant: a gradient is kept and added to.
        if isinstance(gradient, Tensor):
            return gradient + 0
        if isinstance(gradient, (np.ndarray, np.generic)):
            if isinstance(g, Node):
                raise GraphError(
                    f"The rule of {name} for input {i} was given Tensors, because its gradient is to be "
                    f"differentiated, but returned {type(gradient).__name__}, through which no derivative flows. "
                    f"Compute with g itself, in operators and NumPy functions, which work on it; of a constant write "
                    f"g * 0 + constant."
                )
            return np.array(gradient)
        raise ArgumentError(
            f"The rule of {name} for input {i} returned {type(gradient).__name__}, but a gradient is an array. Build "
            f"it from g, as in g * 2."
        )

    # The parameters' names tell the tape which values the rule reads.
    parameters = [inspect.Parameter(n, inspect.Parameter.POSITIONAL_ONLY) for n in _names(name, i, rule, n_inputs)]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _names(name: str, i: int, rule: Rule, n_inputs: int) -> list[str]:
    """Name what a rule is given: g, the result and each input; what its signature does not name counts as read."""
    wanted = 2 + n_inputs
    try:
        parameters = list(inspect.signature(rule).parameters.values())
    except (TypeError, ValueError):
        return [f"x{k}" for k in range(wanted)]
    named = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    if rest is None and len(named) < wanted:
        form = ", ".join(["g", "y", *(["x"] if n_inputs == 1 else [f"x{k}" for k in range(n_inputs)])])
        raise ArgumentError(
            f"The rule of {name} for input {i} takes {len(named)} arrays, but is given {wanted}: the gradient, the "
            f"result and each input. Write it as lambda {form}: ..."
        )
    names = [p.name for p in named[:wanted]]
    return names + [f"{rest}{k}" for k in range(wanted - len(names))]
