"""What happens inside a network while it trains: activations, gradients and the size of updates, layer by layer.

Everything is computed anew from the weights that a trace kept, by a copy of the model.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.conversion import as_array
from tinygrad_edu.errors import DataError, OptionError, ShapeError
from tinygrad_edu.landscapes.checks import check_model, check_trace
from tinygrad_edu.landscapes.layer_records import Dead, Histograms, LayerHistory, Updates
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.traces.spreading import spread
from tinygrad_edu.training.given import check_finite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.traces import Step, Trace

__all__ = ["layer_history"]

_PASSED_OVER = (nn.Dropout, nn.Flatten, nn.Identity)
_SMALLEST = -10.0  # of the powers of ten that gradients are sorted into; what is smaller counts as 0


def layer_history(model: Module, trace: Trace, X: ArrayLike, *, steps: int = 40, bins: int = 40) -> LayerHistory:
    """Compute what happened in each layer during a descent.

    Parameters
    ----------
    model
        The model that was trained; it is copied, and left as it is.
    trace
        Of its training, by ``fit(..., trace=True)``.
    X
        Examples that the activations are computed on.
    steps
        How many steps of the trace to look at, evenly chosen; at least 2. The ratios of updates to weights are
        computed from all that the trace kept.
    bins
        How many bins a histogram has, at least 2.

    Raises
    ------
    OptionError
        If `steps` or `bins` is too small, or the model or the trace is none.
    ShapeError
        If the trace is not that of this model.
    DataError
        If there are no examples, or values in them are missing or infinite.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> model, X = tg.nn.MLP(1, [4], 1), np.linspace(-1, 1, 8, dtype=np.float32).reshape(-1, 1)
    >>> descent = tg.optim.BatchGradientDescent(model.parameters(), lr=0.1)
    >>> run = tg.fit(model, X, X**2, loss=tg.nn.MSELoss(), optimizer=descent, epochs=3, trace=True)
    >>> history = layer_history(model, run.trace, X)
    >>> history.activations.names, history.gradients.names
    (('0 Linear', '1 ReLU', '2 Linear'), ('0.weight', '2.weight'))
    >>> history.updates.ratios.shape, history.updates.exact
    ((4, 3), True)
    """
    check_model(model)
    check_trace(trace)
    for name, number in (("steps", steps), ("bins", bins)):
        if isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 2:
            raise OptionError(f"{name} must be a whole number of at least 2, but is {number!r}.")
    inputs = as_array(X)
    if not (inputs.ndim and len(inputs)):
        raise DataError(f"The activations need examples, but X has shape {inputs.shape}.")
    if inputs.dtype.kind == "f":
        check_finite(X=inputs)
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}
    if {part.name: tuple(part.shape) for part in trace.parts} != shapes:
        raise ShapeError(
            f"The trace is not that of this {type(model).__name__}: its parameters are other ones. Give the model that "
            f"was trained, and the trace of fit(..., trace=True)."
        )
    if inputs.dtype.kind == "f":
        inputs = inputs.astype(next(model.parameters()).dtype)
    finite = [step for step in trace if np.isfinite(step.point).all()]
    chosen = [finite[i] for i in spread(len(finite), steps)]
    activations, dead = _activations(model, trace, chosen, inputs, bins)
    return LayerHistory(activations, _gradients(trace, chosen, bins), _updates(trace, finite), dead, len(inputs))


# ------------------------------------------------------------------------------------------ activations
def _activations(
    model: Module, trace: Trace, chosen: list[Step], X: NDArray[Any], bins: int
) -> tuple[Histograms, Dead]:
    """Run the model at each step twice: first to find the range of each layer, then to count."""
    watched = _Watched(model)

    def outputs() -> Iterator[dict[str, NDArray[Any]]]:
        for step in chosen:
            yield watched.run(trace.unflatten(step.point), X)

    lows: dict[str, float] = {}
    highs: dict[str, float] = {}
    for given in outputs():
        for name, values in given.items():
            lows[name] = min(float(values.min()), lows.get(name, np.inf))
            highs[name] = max(float(values.max()), highs.get(name, -np.inf))
    names = tuple(lows)
    edges = np.array([np.linspace(lows[n], highs[n] if highs[n] > lows[n] else lows[n] + 1, bins + 1) for n in names])
    rectified = tuple(name for name in names if isinstance(watched.modules[name], nn.ReLU))
    counted = _Counter(names, edges)
    shares: list[list[float]] = []
    n_units: tuple[int, ...] = ()
    for given in outputs():
        counted.add(given)
        # A unit is one feature of a vector, or one channel of an image.
        silent = [(given[n] <= 0).all(axis=(0, *range(2, given[n].ndim))) for n in rectified]
        shares.append([float(unit.mean()) for unit in silent])
        n_units = tuple(unit.size for unit in silent)
    ks = np.array([step.k for step in chosen])
    return counted.histograms(ks), Dead(rectified, ks, np.array(shares).T.reshape(len(rectified), len(ks)), n_units)


class _Watched:
    """A copy of a model that notes what each of its innermost layers gives."""

    def __init__(self, model: Module) -> None:
        self.model = copy.deepcopy(model).eval()
        self.modules: dict[str, Module] = {}
        self._given: dict[str, NDArray[Any]] = {}
        inner = [(p, m) for p, m in self.model.named_modules() if len(list(m.named_modules())) == 1]
        for path, module in inner:
            if not isinstance(module, _PASSED_OVER):
                name = f"{path} {type(module).__name__}".strip()
                self.modules[name] = module
                vars(module)["forward"] = self._noting(name, module.forward)

    def _noting(self, name: str, forward: Callable[..., Any]) -> Callable[..., Any]:
        def forward_and_note(*inputs: Any) -> Any:
            output = forward(*inputs)
            if isinstance(output, Tensor) and output.dtype.kind == "f" and output.ndim > 1:
                # A layer that is used twice is one layer: what it gives is put together.
                before = self._given.get(name)
                now = output.numpy()
                self._given[name] = (
                    now if before is None or before.shape != now.shape else np.concatenate([before, now])
                )
            return output

        return forward_and_note

    def run(self, weights: dict[str, NDArray[Any]], X: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Compute with the given weights, and give what each layer gave; NaN counts as 0."""
        for name, parameter in self.model.named_parameters():
            parameter.array[...] = weights[name]
        self._given = {}
        with no_grad(), np.errstate(all="ignore"):
            self.model(Tensor(X))
        return {name: np.nan_to_num(values, nan=0.0) for name, values in self._given.items()}


# -------------------------------------------------------------------------------------------- gradients
def _gradients(trace: Trace, chosen: list[Step], bins: int) -> Histograms:
    """Sort the gradients of the weights by their powers of ten; a step without a gradient is left out."""
    known = [step for step in chosen if step.gradient is not None]
    names = tuple(part.name for part in trace.parts if len(part.shape) >= 2) or trace.variables
    taken = [{n: g[n] for n in names} for g in (trace.unflatten(s.gradient) for s in known if s.gradient is not None)]
    top = max((float(np.abs(g).max()) for each in taken for g in each.values() if np.isfinite(g).all()), default=1.0)
    highest = np.ceil(np.log10(top)) if top > 10**_SMALLEST else _SMALLEST + 1
    lowest = max(_SMALLEST, highest - 10)
    edges = np.tile(np.linspace(lowest, highest, bins + 1), (len(names), 1))
    counted = _Counter(names, edges, powers=True)
    for each in taken:
        counted.add(each)
    return counted.histograms(np.array([step.k for step in known], np.int64))


class _Counter:
    """Sorts the values of each layer into bins, step by step."""

    def __init__(self, names: tuple[str, ...], edges: NDArray[np.float64], *, powers: bool = False) -> None:
        self.names, self.edges, self.powers = names, edges, powers
        self._rows: list[list[tuple[NDArray[np.float64], float, float, float]]] = []

    def add(self, values: dict[str, NDArray[Any]]) -> None:
        """Count the values of one step."""
        self._rows.append([self._count(values[n], e) for n, e in zip(self.names, self.edges, strict=True)])

    def _count(
        self, values: NDArray[Any], edges: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], float, float, float]:
        flat = values.ravel().astype(np.float64)
        sizes = np.abs(flat)
        zeros = float((sizes <= 10**_SMALLEST).mean()) if self.powers else float((flat == 0).mean())
        sorted_by = np.log10(sizes[sizes > 10**_SMALLEST]) if self.powers else flat[flat != 0]
        counts, _ = np.histogram(np.clip(sorted_by, edges[0], edges[-1]), edges)
        return counts / flat.size, float(flat.mean()), float(flat.std()), zeros

    def histograms(self, ks: NDArray[np.int64]) -> Histograms:
        """Close the count."""
        n, steps = len(self.names), len(self._rows)
        columns = [[np.asarray(row[i][part]) for row in self._rows] for part in range(4) for i in range(n)]
        stacked = [np.array(columns[part * n : (part + 1) * n], np.float64) for part in range(4)]
        shares = stacked[0].reshape(n, steps, self.edges.shape[1] - 1 if n else 0)
        means, stds, zeros = (part.reshape(n, steps) for part in stacked[1:])
        return Histograms(self.names, ks, self.edges, shares, means, stds, zeros)


# ---------------------------------------------------------------------------------------------- updates
def _updates(trace: Trace, steps: list[Step]) -> Updates:
    """Compare each step with the one before it that was kept."""
    names, rows = trace.variables, []
    before: dict[str, NDArray[Any]] | None = None
    gaps = np.diff([step.k for step in steps]).astype(np.int64)
    for i, step in enumerate(steps):
        now = {name: np.asarray(array, np.float64) for name, array in trace.unflatten(step.point).items()}
        if before is not None:
            rows.append([_ratio(before[n], now[n]) / gaps[i - 1] for n in names])
        before = now
    ratios = np.array(rows, np.float64).reshape(len(rows), len(names)).T
    return Updates(names, np.array([step.k for step in steps[1:]], np.int64), gaps, ratios)


def _ratio(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    length = float(np.linalg.norm(before)) or float(np.linalg.norm(after))
    return float(np.linalg.norm(after - before)) / length if length else 0.0
