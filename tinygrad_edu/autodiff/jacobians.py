"""The matrices of first and second derivatives, entry by entry."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import ops
from tinygrad_edu.autodiff.gradients import grad
from tinygrad_edu.autodiff.recording import Recording, check, own, pull_all
from tinygrad_edu.errors import GraphError, ShapeError
from tinygrad_edu.structures import unflatten
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["hessian", "jacobian"]


def jacobian(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, batched: bool = False, has_aux: bool = False
) -> Callable[..., Any]:
    """Make the function that gives the Jacobian of f at x: the slope of each result by each entry of x.

    The function is computed once; then each of the m entries of its result is pulled back through the same graph.

    Parameters
    ----------
    f
        A function of Tensors, or of structures of them, that returns a Tensor of any shape or a structure of Tensors.
    argnums
        Which positional argument to differentiate with respect to; a tuple gives a tuple of Jacobians.
    batched
        Say that axis 0 of the argument and of the result counts examples that f treats independently. One pull then
        serves all of B examples: m of them instead of B · m. Two more make sure, on halves of the batch, that no
        example's result depends on another example.
    has_aux
        Whether f returns a pair (result, aux); the outcome is then (jacobian, aux).

    Returns
    -------
    A function of the same arguments. For an argument of shape (n, ...) and a result of shape (m, ...) the Jacobian has
    shape (m, ..., n, ...), and (B, m, ..., n, ...) if `batched`; and the argument's dtype. A dict of arguments gives a
    dict of blocks, and a dict of results a dict of those: ``J["result"]["argument"]``.

    Raises
    ------
    ShapeError
        If `batched`, and axis 0 is not of one length everywhere.
    GraphError
        If `batched`, and an example's result depends on another example. Under ``no_grad()``.
    DtypeError
        If an argument to differentiate by does not hold real numbers, or f does not return Tensors of them.
    OptionError
        If `argnums` names an argument that is not there.
    ArgumentError
        If `f` is no function.

    Examples
    --------
    >>> jacobian(lambda x: x**2)([1.0, 2.0])
    tensor([[2., 0.],
            [0., 4.]])
    >>> jacobian(lambda p, x: {"y": p["a"] * x + p["b"]})({"a": 1.0, "b": 0.0}, [3.0, 4.0])
    {'y': {'a': tensor([3., 4.]), 'b': tensor([1., 1.])}}
    >>> jacobian(lambda x: x**2, batched=True)([[1.0], [2.0], [3.0]]).shape
    (3, 1, 1)
    """
    check("jacobian", f, argnums)

    @functools.wraps(f)
    def matrix(*args: Any, **kwargs: Any) -> Any:
        run = Recording(f, args, kwargs, argnums, has_aux=has_aux)
        if batched:
            _check_batch(run)
            _check_independence(run)
        rows = [run.arrange(_blocks(run, y, int(batched))) for y in run.outputs]
        return run.with_aux(unflatten(run.output_form, rows))

    return matrix


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """Make the function that gives the Hessian of f at x: the Jacobian of its gradient.

    The gradient is computed once, and each of its n entries is pulled back through it. For the product with a vector
    alone, `hvp` needs one pull.

    Parameters
    ----------
    f
        A function of Tensors, or of structures of them, that returns a single number.
    argnums
        Which positional argument to differentiate with respect to, twice; a tuple gives a tuple of tuples of blocks.
    has_aux
        Whether f returns a pair (number, aux); the outcome is then (hessian, aux).

    Returns
    -------
    A function of the same arguments. For an argument of shape (n, ...) the Hessian has shape (n, ..., n, ...); for a
    dict it is a dict of dicts of blocks: ``H["a"]["b"]`` is the slope by ``b`` of the slope by ``a``.

    Raises
    ------
    ShapeError
        If f does not return a single number.
    DtypeError, OptionError, ArgumentError, GraphError
        As `value_and_grad`.

    Examples
    --------
    >>> hessian(lambda x: x[0] ** 2 * x[1])([3.0, 5.0])
    tensor([[10.,  6.],
            [ 6.,  0.]])
    >>> hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 3.0, "b": 5.0})["a"]
    {'a': tensor(10.), 'b': tensor(6.)}
    """
    check("hessian", f, argnums)
    return jacobian(grad(f, argnums, has_aux=has_aux), argnums, has_aux=has_aux)


def _blocks(run: Recording, y: Tensor, axis: int) -> list[Tensor]:
    """Compute the Jacobian of one output by each target, with the output's entries along `axis` of it."""
    batch, m = y.shape[:axis], math.prod(y.shape[axis:])
    shapes = [(*y.shape, *x.shape[axis:]) for x in run.targets]
    if run.recorded and y.tracked and m:
        rows = list(_rows(run, y, axis))
        return [
            ops.stack(*(own(row[k], x) for row in rows), axis=axis).reshape(shape)
            for k, (x, shape) in enumerate(zip(run.targets, shapes, strict=True))
        ]
    blocks = [np.zeros((*batch, m, *x.shape[axis:]), x.dtype) for x in run.targets]
    for e, row in enumerate(_rows(run, y, axis)):
        for block, g in zip(blocks, row, strict=True):
            if g is not None:
                block[(slice(None),) * axis + (e,)] = g
    return [Tensor(block.reshape(shape)) for block, shape in zip(blocks, shapes, strict=True)]


def _rows(run: Recording, y: Tensor, axis: int) -> Iterator[list[Any]]:
    """Pull each entry of an output back to the targets, or the same entry of every example at once."""
    batch, m = y.shape[:axis], math.prod(y.shape[axis:])
    for e in range(m if y.tracked else 0):
        seed = np.zeros((*batch, m), y.dtype)
        seed[..., e] = 1
        seed = seed.reshape(y.shape)
        yield pull_all([y], [Tensor(seed) if run.recorded else seed], run.targets, create_graph=run.recorded)


def _check_batch(run: Recording) -> None:
    shapes = [x.shape for x in (*run.targets, *run.outputs)]
    if any(shape[:1] != shapes[0][:1] or not shape for shape in shapes):
        raise ShapeError(
            f"batched=True needs arguments and results with one entry of axis 0 for each example, but "
            f"{_shapes(run.targets)} became {_shapes(run.outputs)}. Name the arguments that are batched with argnums, "
            f"or leave batched out."
        )


def _check_independence(run: Recording) -> None:
    """Pull from one half of the examples, then from the other: no gradient may arrive at those left out."""
    n = len(run.outputs[0])
    rng = np.random.default_rng(0)
    half = rng.permutation(n) < n // 2
    for chosen in (half, ~half):
        seeds = []
        for y in run.outputs:
            seed = rng.standard_normal(y.shape).astype(y.dtype)
            seed[~chosen] = 0
            seeds.append(seed)
        for g in pull_all(run.outputs, seeds, run.targets, create_graph=False):
            if g is not None and np.any(np.abs(g[~chosen]) > 0):  # a NaN, from 0 times infinity, says nothing
                raise GraphError(
                    "batched=True needs a function that treats the examples along axis 0 independently, but here the "
                    "result of one depends on another, as it does where axis 0 is averaged over. Leave batched out."
                )


def _shapes(tensors: list[Tensor]) -> str:
    return ", ".join(str(x.shape) for x in tensors)
