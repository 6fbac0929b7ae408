"""scikit-learn: its MLP and its SGD models, by ``partial_fit``, which is a loop of theirs over a whole epoch."""

from __future__ import annotations

import warnings
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier

from benchmarks.peers.trainer import Trainer, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.peers.workloads import Workload


def make(workload: Workload) -> tuple[str, Trainer]:
    """Make the model."""
    if workload.kind == "convnet":
        raise UnavailableError("scikit-learn has no convolutions")
    if workload.kind == "mlp":
        two = workload.sizes[-1] == 2
        return "its own output for two classes: one logit" if two else "", _Epochs(workload, _mlp)
    return "Cython's loop over the epoch", _Epochs(workload, _sgd)


class _Epochs:
    """Calls ``partial_fit`` for each epoch; its first losses come from calls for each batch."""

    def __init__(self, workload: Workload, make: Callable[[Workload], Any]) -> None:
        self.workload, self.unit, self.make = workload, workload.steps, make
        self.X, y = workload.data()
        self.y = y[:, 0] if y.ndim == 2 else y
        self.model, self.orders = make(workload), cycle(workload.orders())

    def run(self, steps: int) -> None:
        for order in islice(self.orders, steps // self.unit):
            self.model.partial_fit(self.X[order], self.y[order])

    def first_losses(self, steps: int) -> list[float]:
        model, losses = self.make(self.workload), []
        batches = cycle(part for order in self.workload.orders() for part in np.split(order, self.unit))
        for part in islice(batches, steps):
            x, y = self.X[part], self.y[part]
            if self.workload.kind == "linear":
                losses.append(float((model.predict(x)[0] - y[0]) ** 2))
            elif self.workload.kind == "logistic":
                losses.append(float(np.logaddexp(0, (1 - 2 * y[0]) * model.decision_function(x)[0])))
            model.partial_fit(x, y)
            if self.workload.kind == "mlp":
                losses.append(float(model.loss_))
        # One logit instead of two is another network after the first update, and a smaller one.
        return losses[:1] if self.workload.sizes[-1] == 2 else losses


def _mlp(workload: Workload) -> MLPClassifier:
    model = MLPClassifier(
        workload.sizes[1:-1],
        solver=workload.optimizer,
        alpha=0,
        batch_size=workload.batch,
        learning_rate_init=workload.lr,
        shuffle=False,
        momentum=0,
        nesterovs_momentum=False,
        random_state=0,
    )
    X, y = workload.data()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.partial_fit(X[: workload.batch], y[: workload.batch], classes=np.arange(workload.sizes[-1]))
    weights = workload.weights()
    if workload.sizes[-1] == 2:
        weights[-2:] = [weight[1:] - weight[:1] for weight in weights[-2:]]
    for i, (weight, bias) in enumerate(zip(weights[::2], weights[1::2], strict=True)):
        model.coefs_[i][...], model.intercepts_[i][...] = weight.T, bias
    if workload.optimizer == "adam":
        del model._optimizer  # noqa: SLF001 - its momenta, made anew by the next call
    return model


def _sgd(workload: Workload) -> Any:
    X, y = workload.data()
    options: dict[str, Any] = {"penalty": None, "shuffle": False, "learning_rate": "constant", "random_state": 0}
    if workload.kind == "linear":
        # Their loss is half of the squared error.
        model: Any = SGDRegressor(eta0=2 * workload.lr, **options)
        model.partial_fit(X[:1], y[:1, 0])
    else:
        model = SGDClassifier(loss="log_loss", eta0=workload.lr, **options)
        model.partial_fit(X[:1], y[:1, 0], classes=np.arange(2))
    weight, bias = workload.weights()
    model.coef_[...], model.intercept_[...] = (weight if model.coef_.ndim == 2 else weight[0]), bias
    return model
