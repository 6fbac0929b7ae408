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
    """List the rows and compositions, and PyTorch's names for some of them.

    Examples
    --------
    >>> "cosh" in names()
    True
    """
    return sorted({**ops.TABLE, **ops.COMPOSITIONS, **ops.torch_names.ALIASES})


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
    op = getattr(ops, ops.torch_names.ALIASES.get(name, name))
    sequence = getattr(op, "sequence", False)

    def function(*args: Any, **kwargs: Any) -> Tensor:
        inputs, options = op.bind(args, kwargs)
        inputs = (_with_a_tensor(tuple(inputs[0])), *inputs[1:]) if sequence else _with_a_tensor(inputs)
        out: Tensor = op(*inputs, **options)
        return out

    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.doc
    return function


def _with_a_tensor(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Make the first array of numbers among the arguments a Tensor, unless there is one: so is the result then."""
    if any(isinstance(x, Tensor) for x in args):
        return args
    for i, x in enumerate(args):
        if not isinstance(x, str) and (array := as_array(x)).dtype != bool:  # a mask says where, not what
            return (*args[:i], Tensor(array), *args[i + 1 :])
    return (Tensor(as_array(args[0])), *args[1:]) if args else args
