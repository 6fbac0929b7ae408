"""Callbacks: what else should happen while ``fit`` runs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import OptionError
from tinygrad_edu.training.history import StopReason

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.training.history import Recorder

__all__ = ["Callback", "EarlyStopping"]


class Callback:
    """The base of all callbacks: each method does nothing until it is overridden.

    ``run`` is the record so far (``run.losses``, ``run.epochs``, ``run.model``, ``run.optimizer``);
    ``run.stop(reason, message)`` ends the run.

    Whatever a callback changes holds from the next update on. A compiled step writes its gradients over those of the
    update before: copy what is to be kept.

    Examples
    --------
    >>> class Print(Callback):
    ...     def on_epoch_end(self, run):
    ...         print(run.epochs[-1].epoch)
    """

    def on_fit_begin(self, run: Recorder) -> None:
        """Run before the first update."""

    def on_update_end(self, run: Recorder) -> None:
        """Run after each update."""

    def on_epoch_end(self, run: Recorder) -> None:
        """Run after each epoch and its validation."""

    def on_fit_end(self, run: Recorder) -> None:
        """Run when the run has ended, for whatever reason."""


class EarlyStopping(Callback):
    """Stop when the validation loss no longer falls, and give the best weights back.

    Watches the training loss where nothing is held out.

    Parameters
    ----------
    patience
        How many epochs in a row may pass without a new best.
    min_delta
        By how much a loss must fall to count as a new best.
    restore_best
        Whether the model gets the weights of its best epoch back.

    Examples
    --------
    >>> EarlyStopping(patience=5).patience
    5
    """

    def __init__(self, patience: int = 10, *, min_delta: float = 0.0, restore_best: bool = True) -> None:
        if patience < 1:
            raise OptionError(f"EarlyStopping needs patience of at least 1 epoch, but was given {patience}.")
        self.patience, self.min_delta, self.restore_best = patience, min_delta, restore_best

    def on_fit_begin(self, run: Recorder) -> None:
        """Forget an earlier run."""
        self.best_loss, self.best_epoch = math.inf, 0
        self._best_state: dict[str, NDArray[Any]] | None = None

    def on_epoch_end(self, run: Recorder) -> None:
        """Compare the epoch with the best so far."""
        epoch = run.epochs[-1]
        loss = epoch.validation_loss if run.metric else epoch.loss  # NaN is never a new best
        if loss < self.best_loss - self.min_delta:
            self.best_loss, self.best_epoch = loss, epoch.epoch
            self._best_state = run.model.state_dict() if self.restore_best else None
        elif epoch.epoch - self.best_epoch >= self.patience:
            run.stop(
                StopReason.EARLY_STOPPING,
                f"Stopped after {epoch.epoch} epochs: the loss has not fallen below {self.best_loss:.6g}, "
                f"reached in epoch {self.best_epoch}, for {self.patience} epochs.",
            )

    def on_fit_end(self, run: Recorder) -> None:
        """Give the best weights back."""
        if self._best_state is not None:
            run.model.load_state_dict(self._best_state)
