"""Compare gradients with numerical ones, to first, second or any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, GradcheckError, OptionError
from tinygrad_edu.tape import no_grad, pull
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

__all__ = ["gradcheck"]

# Central differences err by h² from the curvature and by 1e-16 / h from rounding; this h balances them.
_STEP = float(np.cbrt(np.finfo(np.float64).eps))


def gradcheck(
    f: Callable[..., Tensor],
    *inputs: ArrayLike | Tensor,
    order: int = 1,
    rtol: float = 1e-6,
    atol: float = 1e-7,
    seed: int = 0,
) -> bool:
    """Check the gradient of f against central differences, in float64.

    The result of f is projected on random directions, so that one number stands for all its entries; at
    order 2 the gradient of the first order is projected and checked in the same way, and so on.

    Parameters
    ----------
    f
        A function of Tensors that returns a Tensor of any shape. It must be smooth at the inputs.
    inputs
        Floating inputs are checked, each entry of them; integers are handed on as they are.
    order
        Up to which derivative to check.
    rtol, atol
        Allowed: atol + rtol · the largest gradient of that input.

    Returns
    -------
    True; anything else raises.

    Raises
    ------
    GradcheckError
        If a gradient differs; the message names the order, the input, the worst entry and both values.

    Examples
    --------
    >>> gradcheck(lambda x, y: (x * y).sum(), [1.0, 2.0], [3.0, 4.0], order=2)
    True
    >>> from tinygrad_edu.ops import TABLE, define
    >>> wrong = define("wrong_square", lambda g, _y, x: g * 2.001 * x, forward=lambda x: x * x)
    >>> gradcheck(lambda x: wrong(x), [1.0, 2.0])
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.GradcheckError: The gradient of order 1 of input 0 is wrong at index ...
    >>> del TABLE["wrong_square"]
    """
    if order < 1:
        raise OptionError(f"gradcheck needs an order of at least 1, but was given {order}.")
    arrays = [as_array(x) for x in inputs]
    arrays = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    if not any(a.dtype.kind == "f" for a in arrays):
        raise DtypeError("gradcheck needs at least one floating input. Write 1.0 instead of 1.")
    rng = np.random.default_rng(seed)
    for current in range(1, order + 1):
        scalar = _projected(f, arrays, rng)
        _check(scalar, arrays, current, rtol, atol)
        f = _gradient_along(scalar, arrays, rng)
    return True


def _projected(f: Callable[..., Tensor], arrays: list[NDArray[Any]], rng: np.random.Generator) -> Callable[..., Tensor]:
    """Make f a function with one number as its result: its product with a random direction."""
    with no_grad():
        out = f(*map(Tensor, arrays))
    if not isinstance(out, Tensor):
        raise DtypeError(
            f"gradcheck needs a function that returns a Tensor, but this one returned {type(out).__name__}."
        )
    direction = rng.standard_normal(out.shape)
    return lambda *xs: (f(*xs) * direction).sum()


def _gradients(scalar: Callable[..., Tensor], xs: tuple[Tensor, ...]) -> list[Any]:
    """Differentiate with respect to the floating inputs, recorded; None where an input is not reached."""
    out = scalar(*xs)
    targets = tuple(x for x in xs if x.tracked)
    if not out.tracked:
        return [None] * len(xs)
    found = dict(pull(out, Tensor(np.ones(out.shape)), targets=targets, create_graph=True))
    return [found.get(x) for x in xs]


def _leaves(arrays: list[NDArray[Any]]) -> tuple[Tensor, ...]:
    return tuple(Tensor(a.copy(), requires_grad=a.dtype.kind == "f") for a in arrays)


def _gradient_along(
    scalar: Callable[..., Tensor], arrays: list[NDArray[Any]], rng: np.random.Generator
) -> Callable[..., Tensor]:
    """Make the function whose result is the gradient's product with a random direction."""
    directions = [rng.standard_normal(a.shape) for a in arrays]

    def along(*xs: Tensor) -> Tensor:
        # Called with the tensors of the next order, or with plain ones for its central differences.
        tracked = tuple(x if x.tracked or x.dtype.kind != "f" else Tensor(x.array, requires_grad=True) for x in xs)
        parts = [(g * d).sum() for g, d in zip(_gradients(scalar, tracked), directions, strict=True) if g is not None]
        total = Tensor(np.zeros(()))
        for part in parts:
            total = total + part
        return total

    return along


def _check(scalar: Callable[..., Tensor], arrays: list[NDArray[Any]], order: int, rtol: float, atol: float) -> None:
    for i, (array, gradient) in enumerate(zip(arrays, _gradients(scalar, _leaves(arrays)), strict=True)):
        if array.dtype.kind != "f" or not array.size:
            continue
        exact = np.zeros_like(array) if gradient is None else gradient.array
        numerical = _central_differences(scalar, arrays, i)
        allowed = atol + rtol * float(np.abs(numerical).max())
        error = np.abs(exact - numerical)
        if not np.all(error <= allowed):  # NaN is never allowed
            worst = np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), array.shape)
            index = tuple(int(k) for k in worst)
            raise GradcheckError(
                f"The gradient of order {order} of input {i} is wrong at index {index}: the rule gives "
                f"{exact[index]:.10g}, central differences {numerical[index]:.10g} (of the result's product with a "
                f"random direction; allowed difference {allowed:.2g})."
            )


def _central_differences(scalar: Callable[..., Tensor], arrays: list[NDArray[Any]], i: int) -> NDArray[Any]:
    out = np.empty_like(arrays[i])
    for index in np.ndindex(arrays[i].shape):
        h = _STEP * max(1.0, abs(float(arrays[i][index])))
        values = []
        for sign in (1, -1):
            moved = [a.copy() if k == i else a for k, a in enumerate(arrays)]
            moved[i][index] += sign * h
            values.append(scalar(*map(Tensor, moved)).item())
        out[index] = (values[0] - values[1]) / (2 * h)
    return out
