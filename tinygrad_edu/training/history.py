"""The record of a training run: every update, every epoch, and why it ended."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.traces.step import StopReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.traces.trace import Trace

__all__ = ["Epoch", "History", "StopReason"]


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the data. NaN stands where nothing was held out."""

    epoch: int
    """Counted from 1."""
    updates: int
    """Made so far."""
    examples: int
    """Seen so far."""
    seconds: float
    """Spent training so far, validation not counted."""
    loss: float
    """The mean over the examples of the epoch, each batch weighted by its size."""
    validation_loss: float = math.nan
    validation_metric: float = math.nan


@dataclass(frozen=True, repr=False)
class History:
    """What happened in a training run.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> model = tg.nn.Linear(1, 1)
    >>> descent = tg.optim.BatchGradientDescent(model.parameters(), lr=0.1)
    >>> X = np.array([[0.0], [1.0]], np.float32)
    >>> history = tg.fit(model, X, 2 * X, loss=tg.nn.MSELoss(), optimizer=descent, epochs=3)
    >>> history.n_updates, history.n_examples, len(history.epochs)
    (3, 6, 3)
    >>> history.message
    'Stopped after 3 epochs (3 updates), the number asked for.'
    >>> history
    <History: 3 updates, 3 epochs, loss ... → ...; max epochs>
    """

    losses: NDArray[Any]
    """The loss of each update's batch, before that update."""
    examples: NDArray[Any]
    """Examples seen after each update."""
    seconds: NDArray[Any]
    """Seconds of training after each update; validation and callbacks are not counted."""
    epochs: tuple[Epoch, ...]
    stop_reason: StopReason
    message: str
    """Why the run ended, as a sentence with the numbers."""
    metric: str = ""
    """What `validation_metric` is."""
    compiled: str = "none"
    """How the steps were made: the compiler's backend, or ``"none"``, and after a colon why not compiled."""
    trace: Trace | None = field(default=None, repr=False)
    """Where the parameters were at each update, if ``fit`` was asked for it; see `tinygrad_edu.traces.Trace`."""

    @property
    def n_updates(self) -> int:
        """How many times the weights were changed."""
        return len(self.losses)

    @property
    def n_examples(self) -> int:
        """How many examples were seen, each counted as often as it was seen."""
        return int(self.examples[-1]) if len(self.examples) else 0

    @property
    def duration(self) -> float:
        """Seconds spent training."""
        return float(self.seconds[-1]) if len(self.seconds) else 0.0

    @property
    def epoch_losses(self) -> NDArray[Any]:
        """The mean loss of each epoch."""
        return np.array([epoch.loss for epoch in self.epochs])

    @property
    def validation_losses(self) -> NDArray[Any]:
        """The loss on the held-out examples after each epoch."""
        return np.array([epoch.validation_loss for epoch in self.epochs])

    @property
    def validation_metrics(self) -> NDArray[Any]:
        """The metric on the held-out examples after each epoch."""
        return np.array([epoch.validation_metric for epoch in self.epochs])

    def plot(self, **options: Any) -> Any:
        """Draw the loss against updates, examples and seconds; see `tinygrad_edu.visualize.plot_regimes`.

        Raises
        ------
        MissingDependencyError
            If matplotlib is not installed.
        """
        return importlib.import_module("tinygrad_edu.visualize").plot_regimes({"training": self}, **options)

    def __repr__(self) -> str:
        # The arrays would fill pages; whoever wants them asks for them.
        losses = [self.epochs[0].loss, self.epochs[-1].loss] if self.epochs else []
        went = f", loss {losses[0]:.6g} → {losses[1]:.6g}" if losses else ""
        return f"<History: {self.n_updates} updates, {len(self.epochs)} epochs{went}; {self.stop_reason.value}>"

    def fluctuation(self) -> float:
        """Say how much the loss jumps from one update to the next: the root mean square of Δloss over the mean loss.

        Computed over the second half of the run, where the descent is no longer steep. 0 is a smooth curve;
        beyond 1 the jumps are larger than the loss itself.

        Examples
        --------
        >>> run = lambda losses: History(np.array(losses), np.arange(4), np.arange(4.0), (), StopReason.MAX_EPOCHS, "")
        >>> run([4.0, 3.0, 2.0, 2.0]).fluctuation(), run([4.0, 3.0, 1.0, 3.0]).fluctuation()
        (0.0, 1.0)
        """
        late = self.losses[len(self.losses) // 2 :]
        if len(late) < 2 or not late.mean():
            return math.nan
        return float(np.sqrt(np.mean(np.diff(late) ** 2)) / late.mean())


@dataclass
class Recorder:
    """What `fit` writes into while it runs; callbacks read it, and may call `stop`."""

    model: Any
    optimizer: Any
    losses: list[float] = field(default_factory=list)
    examples: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)
    stop_reason: StopReason | None = None
    message: str = ""
    metric: str = ""
    compiled: str = "none"
    trace: Trace | None = None

    def record(self, loss: float, n_examples: int, seconds: float) -> None:
        """Note one update, and the examples and seconds that it took."""
        self.losses.append(loss)
        self.examples.append(n_examples + (self.examples[-1] if self.examples else 0))
        self.seconds.append(seconds + (self.seconds[-1] if self.seconds else 0.0))

    def epoch(self, number: int, loss: float, *checked: float) -> Epoch:
        """Sum up an epoch that has just ended; `checked` is its validation loss and metric, if any."""
        return Epoch(number, len(self.losses), self.examples[-1], self.seconds[-1], loss, *checked)

    def stop(self, reason: StopReason, message: str) -> None:
        """Ask the run to end; the first to ask is the one that is named."""
        if self.stop_reason is None:
            self.stop_reason, self.message = reason, message

    def history(self) -> History:
        """Close the record."""
        assert self.stop_reason is not None  # noqa: S101 - fit always ends for a reason
        return History(
            np.array(self.losses),
            np.array(self.examples, dtype=np.int64),
            np.array(self.seconds),
            tuple(self.epochs),
            self.stop_reason,
            self.message,
            self.metric,
            self.compiled,
            self.trace,
        )
