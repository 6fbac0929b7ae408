"""The main lesson: batch, stochastic and mini-batch gradient descent side by side, beside scikit-learn.

``contestants`` lists who takes part; each runs when it is called, so that a caller can show progress and
stop between two. ``compare`` simply runs them all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import metrics
from tinygrad_edu.learn.baselines import baselines
from tinygrad_edu.learn.preparation import REGIMES, Prepared, Regime, Settings, prepare
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.training import History, StopReason, fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from tinygrad_edu.data import Dataset
    from tinygrad_edu.learn.baselines import Baseline
    from tinygrad_edu.training import Callback

__all__ = ["Comparison", "Contestant", "Result", "compare", "contestants"]


@dataclass(frozen=True)
class Result:
    """How one contestant did on the test data. NaN stands for what it does not have."""

    name: str
    library: str
    regime: Regime | None
    score: float
    """Accuracy, or R²."""
    rmse: float
    """Root mean squared error in the target's own units; NaN for classification."""
    loss: float
    """Cross-entropy, or the mean squared error of the standardised target."""
    epochs: int | None
    updates: int | None
    seconds: float
    learning_rate: float = math.nan
    history: History | None = field(default=None, repr=False)

    @property
    def updates_per_second(self) -> float:
        """How fast it learned, in updates."""
        return self.updates / self.seconds if self.updates and self.seconds else math.nan

    @property
    def fluctuation(self) -> float:
        """How much the loss jumps between updates; see `History.fluctuation`."""
        return self.history.fluctuation() if self.history else math.nan

    @property
    def diverged(self) -> bool:
        """Whether the loss stopped being a number."""
        return self.history is not None and self.history.stop_reason is StopReason.DIVERGED


@dataclass(frozen=True)
class Contestant:
    """A model to be trained and tested; call `run` to do so."""

    name: str
    library: str
    regime: Regime | None
    epochs: int | None
    """Passes it will make over the data, where that is known before."""
    run: Callable[..., Result]
    """``run(callbacks=())``: train, test, and give the result; callbacks are for the regimes alone."""


@dataclass(frozen=True)
class Comparison:
    """The results, and what they were measured on."""

    prepared: Prepared
    results: tuple[Result, ...]

    @property
    def best_baseline(self) -> Result | None:
        """The scikit-learn model with the highest score."""
        others = [r for r in self.results if r.library == "scikit-learn" and not math.isnan(r.score)]
        return max(others, key=lambda r: r.score, default=None)

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the curves, ready for JSON (no NaN: null)."""
        prepared, metric = self.prepared, "test_accuracy" if self.prepared.classification else "test_r2"
        return {
            "dataset": prepared.dataset.name,
            "task": prepared.dataset.task,
            "n_train": len(prepared.X_train),
            "n_test": len(prepared.X_test),
            "seed": prepared.settings.seed,
            "results": [
                {
                    "name": r.name,
                    "library": r.library,
                    "regime": r.regime,
                    metric: _or_none(r.score),
                    "test_loss": _or_none(r.loss),
                    "epochs": r.epochs,
                    "updates": r.updates,
                    "seconds": r.seconds,
                }
                for r in self.results
            ],
        }


def contestants(prepared: Prepared) -> list[Contestant]:
    """List the three regimes, then scikit-learn's models for the same task.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed.
    """
    regimes = [
        Contestant(
            f"{regime} gradient descent",
            "tinygrad_edu",
            regime,
            prepared.settings.epochs,
            _regime(prepared, regime),
        )
        for regime in REGIMES
    ]
    others = [Contestant(b.name, "scikit-learn", None, None, _baseline(prepared, b)) for b in baselines(prepared)]
    return [*regimes, *others]


def compare(dataset: Dataset, settings: Settings | None = None) -> Comparison:
    """Run all contestants on a data set.

    Examples
    --------
    >>> from tinygrad_edu import data
    >>> comparison = compare(data.moons(n=80), Settings(epochs=2, hidden=(4,)))
    >>> [result.name for result in comparison.results][:3]
    ['batch gradient descent', 'stochastic gradient descent', 'mini-batch gradient descent']
    """
    prepared = prepare(dataset, settings)
    return Comparison(prepared, tuple(contestant.run() for contestant in contestants(prepared)))


def _regime(prepared: Prepared, regime: Regime) -> Callable[..., Result]:
    def run(callbacks: Iterable[Callback] = ()) -> Result:
        model = prepared.model()
        optimizer = prepared.optimizer(model, regime)
        history = fit(
            model,
            prepared.X_train,
            prepared.y_train,
            loss=prepared.loss,
            optimizer=optimizer,
            epochs=prepared.settings.epochs,
            seed=prepared.settings.seed,
            callbacks=callbacks,
            compile=prepared.settings.compile,
        )
        model.eval()
        with no_grad(), np.errstate(over="ignore", invalid="ignore"):
            prediction = model(Tensor(prepared.X_test))
            loss = float(prepared.loss(prediction, prepared.y_test))
        score, rmse = _score(prepared, prediction.numpy())
        if history.stop_reason is StopReason.DIVERGED:  # its weights may be finite still, and are of no use
            score = rmse = loss = math.nan
        return Result(
            name=f"{regime} gradient descent",
            library="tinygrad_edu",
            regime=regime,
            score=score,
            rmse=rmse,
            loss=loss,
            epochs=len(history.epochs),
            updates=history.n_updates,
            seconds=history.duration,
            learning_rate=prepared.learning_rate(regime),
            history=history,
        )

    return run


def _baseline(prepared: Prepared, baseline: Baseline) -> Callable[..., Result]:
    def run(callbacks: Iterable[Callback] = ()) -> Result:  # noqa: ARG001 - scikit-learn's models take none
        trained = baseline.train()
        score, rmse = _score(prepared, trained.prediction)
        return Result(
            name=baseline.name,
            library="scikit-learn",
            regime=None,
            score=score,
            rmse=rmse,
            loss=trained.loss,
            epochs=trained.epochs,
            updates=trained.updates,
            seconds=trained.seconds,
        )

    return run


def _score(prepared: Prepared, prediction: NDArray[Any]) -> tuple[float, float]:
    """Compute accuracy and NaN, or R² and the RMSE in the target's own units."""
    if not np.isfinite(prediction).all():
        return math.nan, math.nan
    if prepared.classification:
        return float(metrics.accuracy(prepared.y_test, prediction.argmax(axis=1))), math.nan
    scale = float(prepared.y_scaler.scale[0]) if prepared.y_scaler else 1.0
    r2 = metrics.r2_score(prepared.y_test, prediction)
    return float(r2), float(metrics.root_mean_squared_error(prepared.y_test, prediction)) * scale


def _or_none(number: float) -> float | None:
    return number if math.isfinite(number) else None
