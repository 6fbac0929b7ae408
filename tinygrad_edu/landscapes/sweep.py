"""Along a whole line at once, by machine code: networks whose first layer is followed by ReLU.

Along a line, at the weights θ₀ + a d, what goes into a unit of the first layer is p + a q for each example: a straight
line in a, so that its ReLU switches at most once. While nothing switches, what goes into the second layer is a
polynomial in a,

    Σ (p + a q) (w + a d) = Σ p w + a Σ (p d + q w) + a² Σ q d,

summed over the units that are on. So the three sums are made once for the start of the line, and changed by one unit's
share wherever it switches. A product of matrices at every point would cost several times as much.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.errors import optional_import
from tinygrad_edu.landscapes.evaluation import losses_of_outputs
from tinygrad_edu.tape import no_grad

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tinygrad_edu.landscapes.chains import Chain
    from tinygrad_edu.landscapes.evaluation import Task

__all__ = ["can_sweep", "sweep_losses"]

_PART = 100  # examples whose outputs along a whole line fit into the processor's cache
_compiled: list[Callable[..., None]] = []


def can_sweep(chain: Chain | None, dtype: np.dtype[Any]) -> bool:
    """Tell whether the losses along a line can be computed this way.

    Examples
    --------
    >>> from tinygrad_edu.landscapes.chains import Chain
    >>> [can_sweep(Chain.of(nn.MLP(2, [8], 1, activation=name)), np.dtype("f4")) for name in ("relu", "tanh")]
    [True, False]
    """
    if chain is None or len(chain.layers) < 2 or dtype not in (np.float32, np.float64):
        return False
    return tuple(map(type, chain.layers[0].activations)) == (nn.ReLU,)


def sweep_losses(
    chain: Chain, task: Task, origin: NDArray[Any], directions: NDArray[Any], axes: tuple[NDArray[np.float64], ...]
) -> NDArray[np.float64]:
    """Compute the loss at every point of a grid, line by line, by as many threads as there are processors.

    Parameters
    ----------
    chain
        The model, for which `can_sweep` holds.
    task
        What it is judged by.
    origin, directions
        (n,) and (1, n) or (2, n), of the dtype of the model.
    axes
        The coordinates along each direction; the first is evenly spaced, and the lines go along it.

    Returns
    -------
    (points,) for one axis, (second, first) for two.

    Raises
    ------
    MissingDependencyError
        If Numba is not installed.
    """
    X = task.X.reshape(len(task.X), -1)
    parts = [X[i : i + _PART] for i in range(0, len(X), _PART)]
    first = chain.layers[0]
    with np.errstate(all="ignore"):
        products = [[np.ascontiguousarray(first.apply(w, x.T).T) for w in (origin, *directions)] for x in parts]
    kernel, along = _kernel(), axes[0].astype(origin.dtype)

    def row(coordinate: float | None) -> NDArray[np.float64]:
        with np.errstate(all="ignore"), no_grad():  # which are each thread's own
            c = None if coordinate is None else origin.dtype.type(coordinate)
            base = origin if c is None else origin + c * directions[1]
            begins = [(p[0] if c is None else p[0] + c * p[2], p[1]) for p in products]
            outputs = [_outputs(chain, kernel, begin, base, directions[0], along) for begin in begins]
            return losses_of_outputs(task, np.concatenate(outputs, axis=2))

    lines: list[float | None] = [None] if len(axes) == 1 else [float(b) for b in axes[1]]
    losses = np.stack(_side_by_side(row, lines))
    return losses[0] if len(axes) == 1 else losses


def _side_by_side(row: Callable[[float | None], Any], lines: list[float | None]) -> list[NDArray[np.float64]]:
    may_use = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = ThreadPoolExecutor(min(len(lines), may_use))
    try:
        return list(threads.map(row, lines))
    finally:
        threads.shutdown(cancel_futures=True)


def _outputs(
    chain: Chain,
    kernel: Callable[..., None],
    begin: tuple[NDArray[Any], NDArray[Any]],
    base: NDArray[Any],
    move: NDArray[Any],
    along: NDArray[Any],
) -> NDArray[Any]:
    """Compute the outputs along a line, (points, outputs, examples)."""
    _, second, *rest = chain.layers
    constant, linear = begin
    # Copies, all of one kind: the machine code for arrays that may not be written to would be compiled by itself.
    w, d = (np.array(second.of(weights).T, order="C") for weights in (base, move))
    width = second.shape[0]
    b, e = (np.zeros(width, w.dtype) if second.bias is None else np.array(v[second.bias]) for v in (base, move))
    given = np.empty((len(along), len(constant), width), w.dtype)
    rectified = bool(second.activations) and type(second.activations[0]) is nn.ReLU
    kernel(constant, linear, w, d, b, e, along, given.dtype.type(0 if rectified else -np.inf), given)
    h: NDArray[Any] = given.transpose(0, 2, 1)
    if not rectified:
        h = second.activate(np.ascontiguousarray(h))
    for activation in second.activations[1:] if rectified else ():
        h = activation(h).numpy()
    step = along[:, None, None]
    for layer in rest:
        h = np.matmul(layer.of(base) + step * layer.of(move), h)
        if layer.bias is not None:
            h += base[layer.bias][:, None] + step * move[layer.bias][:, None]
        h = layer.activate(h)
    return h


def _kernel() -> Callable[..., None]:
    """Compile the loop; Numba keeps the machine code for the next process."""
    if not _compiled:
        numba = optional_import("numba", extra="jit", purpose='compile="numba"')
        options = {"nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
        try:
            _compiled.append(numba.njit(cache=True, **options)(_sweep))
        except RuntimeError:  # there is no folder that may be written to
            _compiled.append(numba.njit(**options)(_sweep))
    return _compiled[0]


def _sweep(  # noqa: C901 - one loop of machine code
    begin: Any, slope: Any, w: Any, d: Any, b: Any, e: Any, along: Any, least: Any, given: Any
) -> None:
    """Fill `given` (points, examples, units) with what the second layer gives along a line.

    `begin` and `slope` (examples, inputs) are the p and q above, w and d (inputs, units) are as there, and the bias is
    b + a e; what is below `least` is replaced by it.
    """
    n_points, n_inputs, n_units = along.shape[0], w.shape[0], w.shape[1]
    first, last = along[0], along[n_points - 1]
    spacing = (last - first) / (n_points - 1)
    constant, linear, square = np.empty_like(b), np.empty_like(b), np.empty_like(b)
    switching = np.empty(n_points, np.int64)  # the first unit that switches before a point,
    another = np.empty(n_inputs, np.int64)  # and after it the others
    for i in range(begin.shape[0]):
        for k in range(n_units):  # an assignment to [:] takes four seconds more to compile
            constant[k], linear[k], square[k] = b[k], e[k], 0
        for s in range(n_points):
            switching[s] = -1
        for j in range(n_inputs):
            p, q = begin[i, j], slope[i, j]
            on = p + first * q > 0
            if on:
                for k in range(n_units):
                    constant[k] += p * w[j, k]
                    linear[k] += p * d[j, k] + q * w[j, k]
                    square[k] += q * d[j, k]
            if on != (p + last * q > 0):
                # A switch is seen at the next point. One that rounding puts a point off changes next to nothing,
                # since p + a q is 0 where it happens.
                at = min(max(int(np.ceil((-p / q - first) / spacing)), 1), n_points - 1)
                another[j] = switching[at]
                switching[at] = j
        for s in range(n_points):
            j = switching[s]
            while j >= 0:
                p, q = begin[i, j], slope[i, j]
                if q < 0:  # it goes off
                    p, q = -p, -q
                for k in range(n_units):
                    constant[k] += p * w[j, k]
                    linear[k] += p * d[j, k] + q * w[j, k]
                    square[k] += q * d[j, k]
                j = another[j]
            a = along[s]
            for k in range(n_units):
                given[s, i, k] = max(constant[k] + a * (linear[k] + a * square[k]), least)
