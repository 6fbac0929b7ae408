"""The gradient of a function with a single number as its result."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.autodiff.recording import Recording, check
from tinygrad_edu.errors import DtypeError, ShapeError
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["grad", "value_and_grad"]


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """Make the function that gives both f(x) and its gradient at x.

    Parameters
    ----------
    f
        A function of Tensors that returns a single number. Its arguments may be structures: dicts, lists, tuples
        and namedtuples of arrays and numbers.
    argnums
        Which positional argument to differentiate with respect to; a tuple gives a tuple of gradients. The other
        arguments, and those by keyword, are handed on as they are.
    has_aux
        Whether f returns a pair (number, aux), where aux is whatever else is wanted from inside: it is not
        differentiated.

    Returns
    -------
    A function of the same arguments with result (value, gradient), or ((value, aux), gradient); the gradient has its
    argument's structure, shapes and dtypes, and is 0 where f does not depend on the argument. Python numbers, and
    lists of them, are float32.

    Raises
    ------
    ShapeError
        If f does not return a single number.
    DtypeError
        If f does not return a Tensor of real numbers, or an argument to differentiate by holds integers; the message
        names the place, as in ``params['layers'][0]['n']``.
    OptionError
        If `argnums` names an argument that is not there.
    ArgumentError
        If `f` is no function.
    GraphError
        Under ``no_grad()``, or if f makes a Python number of a traced tensor (``float(x)``), which would drop its
        gradient.

    Examples
    --------
    >>> value, slope = value_and_grad(lambda x: x**2)(-6.0)
    >>> value.item(), slope.item()
    (36.0, -12.0)
    >>> (value, aux), slopes = value_and_grad(lambda p: (p["w"] * p["b"], "aux"), has_aux=True)({"w": 3.0, "b": 2.0})
    >>> value, aux, slopes
    (tensor(6.), 'aux', {'w': tensor(2.), 'b': tensor(3.)})
    """
    check("value_and_grad", f, argnums)

    @functools.wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        run = Recording(f, args, kwargs, argnums, has_aux=has_aux)
        if not run.output_form.is_leaf:
            raise DtypeError(
                f"The function returned a {type(run.value).__name__}, but a gradient needs a Tensor with a single "
                f"number. With has_aux=True it may return a pair (number, aux); jacobian() differentiates structures."
            )
        y = run.outputs[0]
        if y.size != 1:
            raise ShapeError(
                f"A gradient needs a function with a single number as its result, but the shape is {y.shape}. "
                f"Reduce it, as in y.sum(), or take its jacobian()."
            )
        seed = np.ones(y.shape, y.dtype)
        gradients = run.gradients([Tensor(seed) if run.recorded else seed], create_graph=run.recorded)
        return run.with_aux(run.value), run.arrange(gradients)

    return differentiated


def grad(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """Make the function that gives the gradient of f: see `value_and_grad`.

    With ``has_aux=True`` the result is (gradient, aux).

    Examples
    --------
    >>> f = lambda x: x**3
    >>> grad(f)(2.0).item(), grad(grad(f))(2.0).item(), grad(grad(grad(f)))(2.0).item()
    (12.0, 12.0, 6.0)
    >>> grad(lambda p, x: (p["w"] * x).sum() + p["b"])({"w": [1.0, 2.0], "b": 0.0}, [3.0, 4.0])
    {'w': tensor([3., 4.]), 'b': tensor(1.)}
    """
    check("grad", f, argnums)
    both = value_and_grad(f, argnums, has_aux=has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, gradients = both(*args, **kwargs)
        return (gradients, value[1]) if has_aux else gradients

    return gradient
