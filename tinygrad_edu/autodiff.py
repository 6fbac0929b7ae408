"""Gradients of functions: ``grad(f)(x)`` is the slope of f at x.

Built on the tape's ``pull``. Nothing is stored on the arguments, so these are free of side effects, and
because a rule handed Tensors is recorded, ``grad(grad(f))`` is the second derivative.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, GraphError, OptionError, ShapeError
from tinygrad_edu.tape import Node, mode, pull
from tinygrad_edu.tensor import Tensor, apply

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["grad", "value_and_grad"]


def value_and_grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., tuple[Tensor, Any]]:
    """Make the function that gives both f(x) and its gradient at x.

    Parameters
    ----------
    f
        A function of Tensors that returns a single number.
    argnums
        Which positional argument to differentiate with respect to; a tuple gives a tuple of gradients.

    Returns
    -------
    A function of the same arguments (numbers, lists, arrays or Tensors) with result (value, gradient);
    each gradient has its argument's shape, and is 0 where f does not depend on the argument.

    Raises
    ------
    ShapeError
        If f does not return a single number.
    DtypeError
        If f does not return a Tensor, or an argument to differentiate by holds integers.
    OptionError
        If `argnums` names an argument that is not there.

    Examples
    --------
    >>> value, slope = value_and_grad(lambda x: x**2)(-6.0)
    >>> value.item(), slope.item()
    (36.0, -12.0)
    """
    wanted = argnums if isinstance(argnums, tuple) else (argnums,)

    @functools.wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        if not mode.recording:
            raise GraphError("A gradient cannot be computed under no_grad(). Move the call out of the block.")
        if not all(-len(args) <= i < len(args) for i in wanted):
            raise OptionError(f"argnums={argnums} names an argument that is not there: {len(args)} were given.")
        # A fresh node for each argument: a function that also captures the same tensor from outside
        # is not differentiated with respect to what it captured.
        arguments = list(args)
        for i in wanted:
            arguments[i] = _fresh(args[i])
        targets = tuple(arguments[i] for i in wanted)
        value = f(*arguments, **kwargs)
        if not isinstance(value, Tensor):
            raise DtypeError(f"The function returned {type(value).__name__}, but a gradient needs a Tensor.")
        if value.size != 1:
            raise ShapeError(
                f"A gradient needs a function with a single number as its result, but the shape is {value.shape}. "
                f"Reduce it, as in y.sum()."
            )
        # Recorded only if something outside may ask: an outer grad(), or a model whose weights f uses.
        recorded = _reaches_beyond(value, targets)
        gradients = _gradients(value, targets, create_graph=recorded)
        return value if recorded else value.detach(), gradients if isinstance(argnums, tuple) else gradients[0]

    return differentiated


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Make the function that gives the gradient of f: see `value_and_grad`.

    Examples
    --------
    >>> f = lambda x: x**3
    >>> grad(f)(2.0).item(), grad(grad(f))(2.0).item(), grad(grad(grad(f)))(2.0).item()
    (12.0, 12.0, 6.0)
    """
    both = value_and_grad(f, argnums)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return gradient


def _fresh(x: Any) -> Tensor:
    if isinstance(x, Tensor) and x.tracked:
        return apply(ops.identity, (x,))
    array = as_array(x)
    return Tensor(array.astype(np.float32) if isinstance(x, int) else array, requires_grad=True)


def _reaches_beyond(value: Tensor, targets: tuple[Tensor, ...]) -> bool:
    """Whether a gradient of `value` may be asked for by something that was there before the targets."""
    oldest = min(t.order for t in targets)
    seen: set[int] = set()
    pending: list[Node] = [value]
    while pending:
        node = pending.pop()
        if node.order in seen or not node.tracked:
            continue
        seen.add(node.order)
        if node.order < oldest:
            return True
        if all(node is not t for t in targets):
            pending.extend(x for x in node.inputs if isinstance(x, Node))
    return any(t.op is not None for t in targets)


def _gradients(value: Tensor, targets: tuple[Tensor, ...], *, create_graph: bool) -> tuple[Tensor, ...]:
    seed = np.ones(value.shape, value.dtype)
    found: dict[int, Any] = {}
    if value.tracked:
        pulled = pull(value, Tensor(seed) if create_graph else seed, targets=targets, create_graph=create_graph)
        found = {node.order: g for node, g in pulled}
    return tuple(_own(found.get(t.order), t) for t in targets)


def _own(g: Any, target: Tensor) -> Tensor:
    """Make a found gradient a Tensor that shares memory with no other; 0 where nothing was found."""
    if g is None:
        return Tensor(np.zeros_like(target.array))
    return g + 0 if isinstance(g, Tensor) else Tensor(np.array(g))
