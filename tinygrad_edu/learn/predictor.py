"""A trained model with all that it takes to use it: how tables become features, the scaling, the classes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import checkpoint, nn
from tinygrad_edu.data import Standardizer, TableEncoding
from tinygrad_edu.errors import CheckpointError, TinygradEduError
from tinygrad_edu.functional import softmax
from tinygrad_edu.tape import no_grad
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from numpy.typing import NDArray

    from tinygrad_edu.learn.preparation import Prepared

__all__ = ["Predictor"]

_FORMAT = "1"


@dataclass(frozen=True, eq=False)
class Predictor:
    """A network, the scaling of its inputs and outputs, and the meaning of both.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from tinygrad_edu import data
    >>> from tinygrad_edu.learn import prepare
    >>> prepared = prepare(data.moons())
    >>> predictor = Predictor.of(prepared.model(), prepared)
    >>> with TemporaryDirectory() as folder:
    ...     again = Predictor.load(predictor.save(f"{folder}/model.safetensors"))
    >>> bool((again.predict(data.moons().X) == predictor.predict(data.moons().X)).all())
    True
    """

    model: nn.MLP
    architecture: dict[str, Any]
    encoding: TableEncoding
    X_scaler: Standardizer
    y_scaler: Standardizer | None

    @classmethod
    def of(cls, model: nn.MLP, prepared: Prepared) -> Predictor:
        """Join a trained model with what its data were prepared with."""
        dataset, settings = prepared.dataset, prepared.settings
        architecture = {
            "n_inputs": dataset.n_features,
            "hidden": list(settings.hidden),
            "n_outputs": dataset.n_outputs,
            "activation": settings.activation,
        }
        return cls(model, architecture, dataset.encoding, prepared.X_scaler, prepared.y_scaler)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The label of each class; empty for regression."""
        return self.encoding.class_names

    def predict(self, X: NDArray[Any]) -> NDArray[Any]:
        """Predict from raw features (n, features): class indices (n,), or numbers (n,) in the target's own units."""
        scores = self._scores(X)
        if self.y_scaler is None:
            classes: NDArray[Any] = np.argmax(scores, axis=1)
            return classes
        return self.y_scaler.inverse_transform(scores)[:, 0]

    def probabilities(self, X: NDArray[Any]) -> NDArray[Any]:
        """Give the probability of each class, (n, classes)."""
        return softmax(self._scores(X)).numpy()

    def _scores(self, X: NDArray[Any]) -> NDArray[Any]:
        self.model.eval()
        with no_grad():
            scores: NDArray[Any] = self.model(Tensor(self.X_scaler.transform(X))).numpy()
        return scores

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to one safetensors file, all or nothing; see `checkpoint.save`."""
        arrays = {f"model.{name}": array for name, array in self.model.state_dict().items()}
        for name, scaler in (("X", self.X_scaler), ("y", self.y_scaler)):
            if scaler is not None:
                arrays |= {f"scaling.{name}.mean": scaler.mean, f"scaling.{name}.scale": scaler.scale}
        metadata = {
            "format": _FORMAT,
            "architecture": json.dumps(self.architecture),
            "encoding": self.encoding.to_json(),
        }
        return checkpoint.save(path, arrays, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Predictor:
        """Read what `save` wrote.

        Raises
        ------
        CheckpointError
            If the file is absent, damaged, or holds something else.
        """
        arrays, metadata = checkpoint.load(path)
        try:
            architecture = json.loads(metadata["architecture"])
            encoding = TableEncoding.from_json(metadata["encoding"])
            model = nn.MLP(
                architecture["n_inputs"],
                architecture["hidden"],
                architecture["n_outputs"],
                activation=architecture["activation"],
                rng=np.random.default_rng(0),
            )
            prefix = "model."
            model.load_state_dict({n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)})
            X_scaler = Standardizer(arrays["scaling.X.mean"], arrays["scaling.X.scale"])
            y_scaler = None
            if encoding.task == "regression":
                y_scaler = Standardizer(arrays["scaling.y.mean"], arrays["scaling.y.scale"])
        except (KeyError, TypeError, ValueError, TinygradEduError) as error:
            raise CheckpointError(
                f"The file {str(path)!r} is no model saved by this program: {error}. Make one with: tinygrad-edu train."
            ) from error
        return cls(model, architecture, encoding, X_scaler, y_scaler)
