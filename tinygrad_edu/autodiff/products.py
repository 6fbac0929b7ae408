"""Products with the Jacobian and the Hessian that never build the matrix.

With J the Jacobian of f at x, of as many rows as f has results: ``vjp`` gives vᵀ J (a pull from the results back to
the arguments), ``jvp`` gives J v, and ``hvp`` the Hessian times v. Each costs a few calls of f, whatever the size of J.

References
----------
B. A. Pearlmutter, "Fast exact multiplication by the Hessian", Neural Computation 6 (1994), 147-160.
J. Townsend, "A new trick for calculating Jacobian vector products" (2017): jvp from two vjps.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.autodiff.gradients import grad
from tinygrad_edu.autodiff.recording import Recording, check, matching, own, pull_all
from tinygrad_edu.errors import ArgumentError
from tinygrad_edu.structures import unflatten
from tinygrad_edu.tape import mode
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["hvp", "jvp", "vjp"]


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False, **kwargs: Any) -> tuple[Any, ...]:
    """Compute f at the primals, and make the function that pulls a cotangent v back: v ↦ vᵀ J.

    Parameters
    ----------
    f
        A function of Tensors, or of structures of them, that returns a Tensor of any shape or a structure of Tensors.
    primals
        Its positional arguments, all of which are differentiated by.
    has_aux
        Whether f returns a pair (result, aux), where aux is handed on as it is.
    kwargs
        Handed on to f as they are.

    Returns
    -------
    (value, pullback), or (value, pullback, aux). ``pullback(cotangent)`` takes what is built as the value is, shape by
    shape, and gives a tuple of gradients, one for each primal and built as it is. It may be called as often as wanted,
    and keeps the graph of f alive as long as it lives. A traced cotangent is differentiated through.

    Raises
    ------
    ShapeError
        From the pullback, if the cotangent is built otherwise than the value.
    DtypeError
        If a primal does not hold real numbers, or f does not return Tensors of them.
    ArgumentError
        If `f` is no function, or there are no primals.
    GraphError
        Under ``no_grad()``; and from the pullback, if ``value.backward()`` has freed the graph in between.

    Examples
    --------
    >>> value, pullback = vjp(lambda x, y: x * y, [1.0, 2.0], [3.0, 4.0])
    >>> value
    tensor([3., 8.])
    >>> pullback([1.0, 0.0])
    (tensor([3., 0.]), tensor([1., 0.]))
    >>> pullback([0.0, 1.0])
    (tensor([0., 4.]), tensor([0., 2.]))
    """
    check("vjp", f)
    if not primals:
        raise ArgumentError("vjp needs the arguments of f, as in vjp(f, x).")
    run = Recording(f, primals, kwargs, has_aux=has_aux, copied=True)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        seeds = matching(run.output_form, run.outputs, cotangent, "cotangent")
        gradients: tuple[Any, ...] = run.arrange(_pulled(run, seeds))
        return gradients

    return (run.value, pullback, *run.aux)


def jvp(
    f: Callable[..., Any], primals: Iterable[Any], tangents: Iterable[Any], *, has_aux: bool = False, **kwargs: Any
) -> tuple[Any, ...]:
    """Compute f at the primals, and its derivative along the tangents v: J v.

    Computed by pulling twice. The pullback u ↦ uᵀ J is linear in u, so its own derivative by u is J: pulling v back
    through it gives J v. The value of u does not matter. That asks for gradient rules that can be differentiated
    themselves, as those of all rows can.

    Parameters
    ----------
    f
        A function of Tensors, or of structures of them, that returns a Tensor of any shape or a structure of Tensors.
    primals
        A tuple of its positional arguments, all of which are differentiated by.
    tangents
        A tuple of directions, each built as its primal is, shape by shape.
    has_aux
        Whether f returns a pair (result, aux), where aux is handed on as it is.
    kwargs
        Handed on to f as they are.

    Returns
    -------
    (value, tangent), or (value, tangent, aux); the tangent is built as the value is.

    Raises
    ------
    ShapeError
        If a tangent is built otherwise than its primal.
    DtypeError
        If a primal does not hold real numbers, or f does not return Tensors of them.
    ArgumentError
        If `f` is no function, or `primals` and `tangents` are no tuples of equal length.
    GraphError
        Under ``no_grad()``.

    Examples
    --------
    >>> jvp(lambda x: x**3, (2.0,), (10.0,))
    (tensor(8.), tensor(120.))
    >>> jvp(lambda x, y: x * y, ([1.0, 2.0], 3.0), ([1.0, 0.0], 10.0))[1]
    tensor([13., 20.])
    """
    check("jvp", f)
    if not all(isinstance(them, (tuple, list)) for them in (primals, tangents)) or not primals:
        raise ArgumentError("jvp takes a tuple of primals and a tuple of tangents, as in jvp(f, (x,), (v,)).")
    run = Recording(f, tuple(primals), kwargs, has_aux=has_aux, copied=True)
    directions = matching(run.form, run.targets, tuple(tangents), "tangents")
    cotangents = [Tensor(np.zeros_like(y.array), requires_grad=True) for y in run.outputs]
    pulled = pull_all(run.outputs, cotangents, run.targets, create_graph=True)
    there = [(g, v) for g, v in zip(pulled, directions, strict=True) if isinstance(g, Tensor)]
    recorded = run.recorded or any(v.tracked for v in directions)
    found = pull_all(
        [g for g, _ in there],
        [v if recorded else v.array for _, v in there],
        cotangents,
        create_graph=recorded,
    )
    tangent = unflatten(run.output_form, [own(t, u) for t, u in zip(found, cotangents, strict=True)])
    return (run.value, tangent, *run.aux)


def hvp(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """Make the function that gives the Hessian of f at x times v, called with f's arguments and then v.

    The gradient of (∇f · v), which is one pull back through the recorded gradient: about three times the cost of
    the gradient, and never the matrix. Since the Hessian of a smooth function is symmetric, v times the Hessian is
    the same.

    Parameters
    ----------
    f
        A function of Tensors, or of structures of them, that returns a single number.
    argnums
        Which positional argument to differentiate with respect to; v is built as it is. With a tuple, v is a
        tuple, and the result too.
    has_aux
        Whether f returns a pair (number, aux); the result is then (product, aux).

    Raises
    ------
    ShapeError
        If v is built otherwise than the argument, or f does not return a single number.
    ArgumentError
        If v is missing, or `f` is no function.
    DtypeError, OptionError, GraphError
        As `value_and_grad`.

    Examples
    --------
    >>> f = lambda x: x[0] ** 2 * x[1]  # with the Hessian [[2y, 2x], [2x, 0]]
    >>> hvp(f)([3.0, 5.0], [1.0, 0.0])
    tensor([10.,  6.])
    """
    check("hvp", f, argnums)
    gradient = grad(f, argnums, has_aux=has_aux)

    @functools.wraps(f)
    def product(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 2:
            raise ArgumentError(
                f"hvp(f) takes the arguments of f and then v, as in hvp(f)(x, v), but {len(args)} came."
            )
        *arguments, v = args
        run = Recording(gradient, tuple(arguments), kwargs, argnums, has_aux=has_aux)
        seeds = matching(run.form, run.targets, v, "v")
        return run.with_aux(run.arrange(_pulled(run, seeds)))

    return product


def _pulled(run: Recording, seeds: list[Tensor]) -> list[Tensor]:
    """Pull, and record it if something outside may ask for gradients of the function or of the seeds."""
    recorded = mode.recording and (run.recorded or any(seed.tracked for seed in seeds))
    return run.gradients([seed if recorded else seed.array for seed in seeds], create_graph=recorded)
