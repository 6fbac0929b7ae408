"""Compare gradients with numerical ones, to first, second or any order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.autodiff.recording import differentiating, pull_all
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DtypeError, GradcheckError, OptionError
from tinygrad_edu.structures import Form, flatten, unflatten
from tinygrad_edu.tape import Node
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["gradcheck"]

# Central differences err by h² from the curvature and by 1e-16 / h from rounding; this h balances them.
_STEP = float(np.cbrt(np.finfo(np.float64).eps))
# Two calls of the same function may round a sum differently, if memory lies differently. More than that is chance:
# dropout, or noise drawn anew.
_ROUNDING = 1e-12


def gradcheck(
    f: Callable[..., Any],
    *inputs: Any,
    order: int = 1,
    rtol: float = 1e-6,
    atol: float = 1e-7,
    seed: int = 0,
) -> bool:
    """Check the gradient of f against central differences, in float64.

    The result of f is projected on random directions, so that one number stands for all its entries; at
    order 2 the gradient of the first order is projected and checked in the same way, and so on. The slope by each
    entry of x is compared with (f(x + h) - f(x - h)) / 2h, where h is 6e-6 · max(1, |x|).

    Parameters
    ----------
    f
        A function of Tensors that returns a Tensor of any shape, or a structure of Tensors. It must be smooth at the
        inputs, and give the same result each time.
    inputs
        Arrays, numbers, and structures of them: dicts, lists, tuples and namedtuples. What is floating is checked, each
        entry of it; integers are handed on as they are.
    order
        Up to which derivative to check.
    rtol, atol
        Allowed: atol + rtol · the largest gradient of that input.
    seed
        Where the random directions come from.

    Returns
    -------
    True; anything else raises.

    Raises
    ------
    GradcheckError
        If a gradient differs; the message names the order, the input, the worst entry and both values, and says what
        else than a wrong rule could be behind it: a kink, or float32. If two calls of f give different results.
    DtypeError
        If no input is floating, or f does not return Tensors.
    OptionError
        If `order` is less than 1.

    Examples
    --------
    >>> gradcheck(lambda x, y: (x * y).sum(), [1.0, 2.0], [3.0, 4.0], order=2)
    True
    >>> gradcheck(lambda p: np.tanh(p["w"]) * p["b"], {"w": [1.0, 2.0], "b": 3.0})
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
    point = _take_apart(inputs)
    function = _on_leaves(f, point.form)
    _check_repeatable(function, point)
    rng = np.random.default_rng(seed)
    for current in range(1, order + 1):
        scalar = _projected(function, point, rng)
        _check(scalar, point, current, rtol, atol)
        function = _gradient_along(scalar, point, rng)
    return True


# ------------------------------------------------------------------------------------------- what is given
class _Point(NamedTuple):
    """Where the check is made: the leaves of all inputs, as float64."""

    arrays: list[NDArray[Any]]
    form: Form
    names: list[str]

    def tensors(self, *, tracked: bool = False) -> tuple[Tensor, ...]:
        """Give the leaves as Tensors that share no memory with them."""
        return tuple(Tensor(a.copy(), requires_grad=tracked and a.dtype.kind == "f") for a in self.arrays)


def _take_apart(inputs: tuple[Any, ...]) -> _Point:
    parts = [flatten(x) for x in inputs]
    form = Form(tuple, tuple(range(len(parts))), tuple(part for _, part in parts))
    arrays = [as_array(leaf) for leaves, _ in parts for leaf in leaves]
    arrays = [a.astype(np.float64) if a.dtype.kind == "f" else a for a in arrays]
    if not any(a.dtype.kind == "f" for a in arrays):
        raise DtypeError("gradcheck needs at least one floating input. Write 1.0 instead of 1.")
    return _Point(arrays, form, [path for i, (_, part) in enumerate(parts) for path in part.paths(f"input {i}")])


def _on_leaves(f: Callable[..., Any], form: Form) -> Callable[..., list[Tensor]]:
    """Make f a function of leaves that gives a list of Tensors."""

    def function(*xs: Tensor) -> list[Tensor]:
        result = f(*unflatten(form, xs))
        outputs, output_form = flatten(result)
        for k, y in enumerate(outputs or [result]):
            if not isinstance(y, Tensor):
                where = "" if output_form.is_leaf or not outputs else f" at {output_form.paths('result')[k]}"
                raise DtypeError(
                    f"gradcheck needs a function that returns a Tensor, but this one returned "
                    f"{type(y).__name__}{where}."
                )
        return outputs

    return function


def _check_repeatable(function: Callable[..., list[Tensor]], point: _Point) -> None:
    first, second = ([y.array for y in function(*point.tensors())] for _ in range(2))
    if [y.shape for y in first] != [y.shape for y in second]:
        raise GradcheckError("Two calls of the function gave results of different shapes. Make it give the same.")
    for a, b in zip(first, second, strict=True):
        if not np.allclose(a, b, rtol=_ROUNDING, atol=_ROUNDING, equal_nan=True):
            apart = np.abs(np.subtract(a, b, dtype=float)).max()
            raise GradcheckError(
                f"Two calls of the function gave different results, apart by up to {apart:.2g}, so that differences "
                f"say nothing. Let it draw its random numbers from a generator made anew in each call, as in "
                f"np.random.default_rng(0), and switch dropout off."
            )


# ----------------------------------------------------------------------------------------- gradients, exact
def _projected(function: Callable[..., list[Tensor]], point: _Point, rng: np.random.Generator) -> Callable[..., Tensor]:
    """Make it a function with one number as its result: the sum of its products with random directions."""
    directions = [rng.standard_normal(y.shape) for y in function(*point.tensors())]

    def scalar(*xs: Tensor) -> Tensor:
        parts = [(y * d).sum() for y, d in zip(function(*xs), directions, strict=True)]
        return sum(parts[1:], start=parts[0])

    return scalar


def _gradients(scalar: Callable[..., Tensor], xs: tuple[Tensor, ...]) -> list[Any]:
    """Differentiate with respect to the floating inputs, recorded; None where an input is not reached."""
    with differentiating():
        out = scalar(*xs)
    found = pull_all([out], [Tensor(np.ones(out.shape))], [x for x in xs if x.tracked], create_graph=True)
    remaining = iter(found)
    return [next(remaining) if x.tracked else None for x in xs]


def _gradient_along(
    scalar: Callable[..., Tensor], point: _Point, rng: np.random.Generator
) -> Callable[..., list[Tensor]]:
    """Make the function whose result is the gradient's product with a random direction."""
    directions = [rng.standard_normal(a.shape) for a in point.arrays]

    def along(*xs: Tensor) -> list[Tensor]:
        # Called with the tensors of the next order, or with plain ones for its central differences.
        tracked = tuple(x if x.tracked or x.dtype.kind != "f" else Tensor(x.array, requires_grad=True) for x in xs)
        parts = [(g * d).sum() for g, d in zip(_gradients(scalar, tracked), directions, strict=True) if g is not None]
        return [sum(parts, start=Tensor(np.zeros(())))]

    return along


# --------------------------------------------------------------------------------------- gradients, compared
def _check(scalar: Callable[..., Tensor], point: _Point, order: int, rtol: float, atol: float) -> None:
    for i, gradient in enumerate(_gradients(scalar, point.tensors(tracked=True))):
        array = point.arrays[i]
        if array.dtype.kind != "f" or not array.size:
            continue
        exact = np.zeros_like(array) if gradient is None else gradient.array
        numerical = _central_differences(scalar, point, i)
        allowed = atol + rtol * float(np.abs(numerical).max())
        error = np.abs(exact - numerical)
        if not np.all(error <= allowed):  # NaN is never allowed
            worst = np.unravel_index(np.argmax(np.where(np.isnan(error), np.inf, error)), array.shape)
            index = tuple(int(k) for k in worst)
            raise GradcheckError(
                f"The gradient of order {order} of {point.names[i]} is wrong at index {index}: the rule gives "
                f"{exact[index]:.10g}, central differences {numerical[index]:.10g} (of the result's product with a "
                f"random direction; allowed difference {allowed:.2g})."
                f"{_roughness(scalar, point, i, index, exact[index], order)}{_float32(scalar, point)}"
            )


def _central_differences(scalar: Callable[..., Tensor], point: _Point, i: int) -> NDArray[Any]:
    out = np.empty_like(point.arrays[i])
    for index in np.ndindex(out.shape):
        h = _step(point, i, index)
        out[index] = (_moved(scalar, point, i, index, h) - _moved(scalar, point, i, index, -h)) / (2 * h)
    return out


def _step(point: _Point, i: int, index: tuple[int, ...]) -> float:
    return _STEP * max(1.0, abs(float(point.arrays[i][index])))


def _moved(scalar: Callable[..., Tensor], point: _Point, i: int, index: tuple[int, ...], h: float) -> float:
    xs = point.tensors()
    xs[i].array[index] += h
    value: float = scalar(*xs).item()
    return value


# --------------------------------------------------------------------------- what else could be behind it
def _roughness(
    scalar: Callable[..., Tensor], point: _Point, i: int, index: tuple[int, ...], exact: float, order: int
) -> str:
    """Say so if the function is not smooth there, so that the rule may be right.

    On a smooth function the slopes to both sides differ by h times the second derivative, by a quarter of that with
    a quarter of the step, and central differences hardly change.
    """
    what = "The function" if order == 1 else f"The derivative of order {order - 1}"
    h, here = _step(point, i, index), _moved(scalar, point, i, index, 0.0)
    sides = [[(_moved(scalar, point, i, index, s) - here) / s for s in (-step, step)] for step in (h, h / 4)]
    apart, apart_closer = (abs(right - left) for left, right in sides)
    central, closer = (sum(pair) / 2 for pair in sides)
    low, high = sorted(sides[0])
    noise = max(1e-6 * max(1.0, abs(low), abs(high)), 1e-14 * abs(here) / h)
    shrinks = apart / 8 < apart_closer < apart / 2
    if apart > noise and not shrinks and (low - noise <= exact <= high + noise or np.isnan(exact)):
        return (
            f" {what} may have a kink there: to one side its slope is {low:.6g}, to the other {high:.6g}. If so, "
            f"move the input away from it."
        )
    if abs(central - closer) > abs(exact - central) / 2:
        return (
            f" {what} may be too rough there, or too large, to be compared with: with a quarter of the step, "
            f"differences give {closer:.10g}."
        )
    return ""


def _float32(scalar: Callable[..., Tensor], point: _Point) -> str:
    """Say so if the function computes with float32, whose rounding central differences make 1e5 times larger."""
    with differentiating():
        pending: list[Node] = [scalar(*point.tensors(tracked=True))]
    seen: set[int] = set()
    while pending:
        node = pending.pop()
        if node.order in seen or node.op is None:
            continue
        seen.add(node.order)
        for k, a in enumerate(node.arrays):
            if getattr(a, "dtype", None) == np.float32:
                return (
                    f" Note that float32 takes part, which rounds at 6e-8 (input {k} of {node.op.name}, of shape "
                    f"{a.shape}): check with float64 alone, as in w.astype(np.float64)."
                )
        pending.extend(x for x in node.inputs if isinstance(x, Node))
    return ""
