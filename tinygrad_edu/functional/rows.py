"""Every row of the table as a function: ``functional.cosh(x)``, ``functional.einsum("ij,jk", x, y)``.

The arguments are those of NumPy's function of that name; arrays and lists are taken as Tensors.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from tinygrad_edu import ops
from tinygrad_edu.conversion import as_array
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["function_of", "names"]


def names() -> list[str]:
    """List the rows and compositions that are functions.

    Examples
    --------
    >>> "cosh" in names()
    True
    """
    return sorted({**ops.TABLE, **ops.COMPOSITIONS})


@functools.cache
def function_of(name: str) -> Callable[..., Tensor]:
    """Make the function of a row or composition.

    Raises
    ------
    AttributeError
        If there is none of that name.

    Examples
    --------
    >>> function_of("cosh")([0.0])
    tensor([1.])
    """
    op = getattr(ops, name)
    joins = getattr(op, "variadic", None) is not None or getattr(op, "sequence", False)

    def function(*args: Any, **kwargs: Any) -> Tensor:
        args = (_with_a_tensor(tuple(args[0])), *args[1:]) if joins and args else _with_a_tensor(args)
        inputs, options = op.bind(args, kwargs)
        out: Tensor = op(*inputs, **options)
        return out

    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.doc
    return function


def _with_a_tensor(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Make the first array among the arguments a Tensor, unless there is one: the result is then a Tensor too."""
    if any(isinstance(x, Tensor) for x in args):
        return args
    first = next((i for i, x in enumerate(args) if not isinstance(x, str)), len(args))
    return tuple(Tensor(as_array(x)) if i == first else x for i, x in enumerate(args))
