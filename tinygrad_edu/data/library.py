"""Real data that scikit-learn brings along, as a ``Dataset`` each: nothing is downloaded.

The values are those of the originals, unscaled; ``standardize`` brings them to one scale.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.data.dataset import Dataset
from tinygrad_edu.errors import optional_import

__all__ = ["breast_cancer", "diabetes", "digits", "iris", "wine"]


def digits() -> Dataset:
    """Handwritten digits, 8 × 8 pixels from 0 (white) to 16 (black).

    Examples
    --------
    >>> digits()
    Dataset('digits': 1797 examples × 64 features,
            classification of 'digit' into 10 classes: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
    """
    bunch = _sklearn_datasets().load_digits()
    pixels = tuple(f"pixel_{row}_{column}" for row in range(8) for column in range(8))
    return _classification("digits", bunch, target_name="digit", feature_names=pixels)


def iris() -> Dataset:
    """Three species of iris by the lengths and widths of their leaves, in centimetres.

    Examples
    --------
    >>> iris().class_names
    ('setosa', 'versicolor', 'virginica')
    """
    return _classification("iris", _sklearn_datasets().load_iris(), target_name="species")


def wine() -> Dataset:
    """Wines of three growers by their chemical analysis.

    Examples
    --------
    >>> wine().X.shape
    (178, 13)
    """
    return _classification("wine", _sklearn_datasets().load_wine(), target_name="cultivar")


def breast_cancer() -> Dataset:
    """Tumours, malignant or benign, by what a microscope shows of their cell nuclei.

    Examples
    --------
    >>> breast_cancer().X.shape
    (569, 30)
    """
    return _classification("breast_cancer", _sklearn_datasets().load_breast_cancer(), target_name="diagnosis")


def diabetes() -> Dataset:
    """How far diabetes progressed within a year, by ten measurements of each patient.

    Examples
    --------
    >>> diabetes()
    Dataset('diabetes': 442 examples × 10 features, regression of 'progression' from 25 to 346)
    """
    bunch = _sklearn_datasets().load_diabetes(scaled=False)
    return Dataset(
        "diabetes",
        bunch.data,
        bunch.target,
        "regression",
        feature_names=tuple(bunch.feature_names),
        target_name="progression",
    )


def _sklearn_datasets() -> Any:
    return optional_import("sklearn.datasets", extra="cli", purpose="Loading a built-in data set")


def _classification(
    name: str,
    bunch: Any,
    *,
    target_name: str,
    feature_names: tuple[str, ...] = (),
) -> Dataset:
    return Dataset(
        name,
        bunch.data,
        bunch.target,
        "classification",
        feature_names=feature_names or tuple(str(feature) for feature in bunch.feature_names),
        class_names=tuple(str(label) for label in bunch.target_names),
        target_name=target_name,
    )
