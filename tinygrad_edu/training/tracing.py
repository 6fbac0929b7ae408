"""``fit(..., trace=True)``: where the parameters were at each update, and which way the slope of its batch went."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.data.batches import Batches
from tinygrad_edu.errors import OptionError
from tinygrad_edu.optim.optimizer import Optimizer, check_whole
from tinygrad_edu.traces import (
    LEAST,
    MAX_BYTES,
    Part,
    Step,
    StopReason,
    Trace,
    TraceRecorder,
    bytes_of_step,
    check_keep,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.nn.module import Module
    from tinygrad_edu.tensor import Tensor

__all__ = ["Tracer", "Tracing", "as_tracing"]


@dataclass(frozen=True)
class Tracing:
    """How much of a training run its trace keeps; a longer run leaves steps out, as `Trace` describes.

    Parameters
    ----------
    keep
        How many steps at most, 8 or more.
    max_bytes
        How much memory they may take: a step holds the parameters and the gradient, which is twice the size of the
        model, and the indices of its batch.

    Raises
    ------
    OptionError
        If a number is out of range.

    Examples
    --------
    >>> Tracing(keep=100).max_bytes
    268435456
    """

    keep: int = 10_000
    max_bytes: int = MAX_BYTES

    def __post_init__(self) -> None:
        check_keep(self.keep)
        check_whole("max_bytes", self.max_bytes)


def as_tracing(value: Any) -> Tracing | None:
    """Read the argument of ``fit``: None or False for no trace, True for one by default, or a `Tracing`.

    Raises
    ------
    OptionError
        If it is anything else.

    Examples
    --------
    >>> as_tracing(True)
    Tracing(keep=10000, max_bytes=268435456)
    """
    if value is None or value is False:
        return None
    if value is True:
        return Tracing()
    if not isinstance(value, Tracing):
        raise OptionError(f"trace must be True, False or such as training.Tracing(keep=1000), but is {value!r}.")
    return value


class Tracer:
    """Writes the trace of one training run.

    Parameters
    ----------
    tracing
        How much to keep.
    model, optimizer
        The parameters that the optimizer changes are traced, in the order in which the model defines them.
    batches
        What the optimizer deals.
    rows
        Where the examples that are dealt stand in the data as they were given, (n,).

    Raises
    ------
    OptionError
        If the memory does not hold the fewest steps that there must be.
    """

    def __init__(
        self, tracing: Tracing, model: Module, optimizer: Optimizer, batches: Batches, rows: NDArray[np.intp]
    ) -> None:
        self._optimizer, self._batches, self._rows = optimizer, batches, rows
        self._rows.flags.writeable = False  # steps that see all examples share them
        # An optimizer of the user's may deal what it likes, and only it knows which examples those are.
        deals_as_all = type(optimizer).batches is Optimizer.batches and type(batches) is Batches
        self._rows_known = deals_as_all and batches.n_examples == len(rows)
        named = _named(model, optimizer)
        self._parameters = [parameter for _, parameter in named]
        self._dtype = np.result_type(*(parameter.dtype for parameter in self._parameters))
        self.parts = tuple(Part(name, parameter.shape, str(parameter.dtype)) for name, parameter in named)
        self._recorder = TraceRecorder(self._affordable(tracing))
        self._point: NDArray[Any] = np.zeros(0)
        self._rate, self._k, self._ended = math.nan, 0, False

    def _affordable(self, tracing: Tracing) -> int:
        """Give how many steps may be kept."""
        size = self._batches.batch_size if self._rows_known else 0
        indices = 8 * size if size < len(self._rows) else 0
        each = bytes_of_step(2 * sum(part.size for part in self.parts) * self._dtype.itemsize + indices)
        if each * LEAST > tracing.max_bytes:
            raise OptionError(
                f"A step of this model's trace takes {each:,} bytes, and max_bytes={tracing.max_bytes:,} does not hold "
                f"the {LEAST} that are the least. Write trace=Tracing(max_bytes={each * LEAST}), or leave trace out."
            )
        return min(tracing.keep, tracing.max_bytes // each)

    # ------------------------------------------------------------------------------- around each update
    def before(self) -> None:
        """Note where the parameters are, before they are changed."""
        self._point, self._rate = self._flat([p.array for p in self._parameters]), self._optimizer.lr

    def after(self, place: int, loss: float, n_examples: int) -> None:
        """Write the step down: the update with the batch at this place of the epoch has been made."""
        gradients = [
            np.zeros(p.shape, p.dtype) if p.grad is None else p.grad.array  # the loss does not depend on it
            for p in self._parameters
        ]
        self._write(loss, self._flat(gradients), self._batch(place, n_examples))

    def diverged(self, place: int, loss: float, n_examples: int) -> None:
        """Write down the step whose loss was no number, so that no slope was computed; it is the last."""
        self._write(loss, None, self._batch(place, n_examples))
        self._ended = True

    def trace(self, stop_reason: StopReason, message: str) -> Trace:
        """Close the record with the point that the last update led to, where nothing was computed any more."""
        if not self._ended:
            self.before()
            self._write(math.nan, None, None)
        return self._recorder.trace(stop_reason, message, parts=self.parts)

    def _write(self, loss: float, gradient: NDArray[Any] | None, batch: NDArray[np.intp] | None) -> None:
        self._recorder.add(Step(self._k, self._point, loss, gradient, batch, self._rate))
        self._k += 1

    def _flat(self, arrays: list[NDArray[Any]]) -> NDArray[Any]:
        flat = np.concatenate([array.reshape(-1) for array in arrays], dtype=self._dtype)
        flat.flags.writeable = False
        return flat

    def _batch(self, place: int, n_examples: int) -> NDArray[np.intp] | None:
        if not self._rows_known:
            return None
        order, begin = self._batches.order, place * self._batches.batch_size
        if order is None:  # one batch of all examples, in the order of the data
            return self._rows
        return self._rows[order[begin : begin + n_examples]]


def _named(model: Module, optimizer: Optimizer) -> list[tuple[str, Tensor]]:
    """List what the optimizer changes: first the model's parameters by their paths, then any others."""
    changed = {id(p): (p.name or f"parameter {i}", p) for i, p in enumerate(optimizer.parameters) if p.requires_grad}
    of_model = [(name, p) for name, p in model.named_parameters() if id(p) in changed]
    known = {id(p) for _, p in of_model}
    return [*of_model, *(pair for key, pair in changed.items() if key not in known)]
