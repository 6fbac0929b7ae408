"""scikit-learn's models for the same task, on the same standardised data."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import optional_import

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tinygrad_edu.learn.preparation import Prepared

__all__ = ["Baseline", "Trained", "baselines"]


@dataclass(frozen=True)
class Trained:
    """What a baseline did: probabilities (n, classes) or numbers (n, 1), the test loss, and what it took."""

    prediction: NDArray[Any]
    loss: float
    epochs: int | None
    updates: int | None
    seconds: float


@dataclass(frozen=True)
class Baseline:
    """One of scikit-learn's models, not trained yet."""

    name: str
    estimator: Any
    prepared: Prepared

    def train(self) -> Trained:
        """Train and test it; only the training is timed."""
        p, model = self.prepared, self.estimator
        start = perf_counter()
        finished = _fit(model, p.X_train, p.y_train if p.classification else p.y_train[:, 0])
        seconds = perf_counter() - start
        if not finished:
            nothing = np.full((len(p.X_test), p.dataset.n_outputs), np.nan)
            return Trained(nothing, math.nan, None, None, seconds)
        prediction = model.predict_proba(p.X_test) if p.classification else model.predict(p.X_test).reshape(-1, 1)
        epochs, updates = _effort(model, len(p.X_train), p.batch_size)
        return Trained(prediction, _loss(p, prediction), epochs, updates, seconds)


def _fit(estimator: Any, X: NDArray[Any], y: NDArray[Any]) -> bool:
    """Fit an estimator, and tell whether it came to an end: the multilayer perceptron raises where it diverges."""
    with warnings.catch_warnings():
        # A model that has not converged after the epochs asked for is a result, not a fault.
        warnings.simplefilter("ignore")
        # The multilayer perceptron takes Ctrl-C for the end of its training; for us it is Ctrl-C.
        warnings.filterwarnings("error", message="Training interrupted")
        try:
            estimator.fit(X, y)
        except UserWarning:
            raise KeyboardInterrupt from None
        except ValueError as error:
            if "non-finite" not in str(error):
                raise
            return False
    return True


def baselines(prepared: Prepared) -> list[Baseline]:
    """List scikit-learn's dummy, linear, stochastic linear and multilayer models for the task.

    The multilayer perceptron has the same layers, update rule, learning rate, batch size and number of epochs
    as our mini-batch run, so that the two differ in the library alone.

    Raises
    ------
    MissingDependencyError
        If scikit-learn is not installed.
    """

    def module(name: str) -> Any:
        return optional_import(f"sklearn.{name}", extra="cli", purpose="Comparing with scikit-learn")

    dummy, linear, neural = module("dummy"), module("linear_model"), module("neural_network")
    seed = prepared.settings.seed
    if prepared.classification:
        models = [
            dummy.DummyClassifier(strategy="prior"),
            linear.LogisticRegression(max_iter=1000),
            linear.SGDClassifier(loss="log_loss", random_state=seed),
            neural.MLPClassifier(**_same_shape(prepared)),
        ]
    else:
        models = [
            dummy.DummyRegressor(),
            linear.LinearRegression(),
            linear.SGDRegressor(random_state=seed),
            neural.MLPRegressor(**_same_shape(prepared)),
        ]
    return [Baseline(type(model).__name__, model, prepared) for model in models]


def _same_shape(prepared: Prepared) -> dict[str, Any]:
    s = prepared.settings
    return {
        "hidden_layer_sizes": s.hidden,
        "activation": "logistic" if s.activation == "sigmoid" else s.activation,
        "solver": "adam" if s.optimizer == "adam" else "sgd",
        "momentum": 0.9 if s.optimizer == "momentum" else 0.0,
        "nesterovs_momentum": False,
        "alpha": 0.0,
        "batch_size": prepared.batch_size,
        "learning_rate_init": prepared.learning_rate("mini-batch"),
        "max_iter": s.epochs,
        "n_iter_no_change": s.epochs,
        "tol": 0.0,
        "random_state": s.seed,
    }


def _effort(estimator: Any, n_examples: int, batch_size: int) -> tuple[int | None, int | None]:
    """Read off how many passes and updates the training took, where the model says so."""
    if not hasattr(estimator, "n_iter_"):
        return None, None
    epochs = int(np.max(estimator.n_iter_))
    if hasattr(estimator, "hidden_layer_sizes"):
        return epochs, epochs * -(-n_examples // batch_size)
    if hasattr(estimator, "t_"):  # stochastic: one update for each example
        return epochs, epochs * n_examples
    return epochs, None


def _loss(prepared: Prepared, prediction: NDArray[Any]) -> float:
    if prepared.classification:
        chosen = prediction[np.arange(len(prediction)), prepared.y_test]
        return float(-np.log(np.clip(chosen, np.finfo(chosen.dtype).tiny, None)).mean())
    return float(np.mean((prediction - prepared.y_test) ** 2))
