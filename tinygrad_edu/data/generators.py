"""Data sets drawn by a formula: small, known in every detail, and each with something to show.

A line separates ``blobs``; ``xor``, ``moons``, ``circles`` and ``spirals`` need a hidden layer; ``sine`` is a
curve to fit. Classes take turns, so every class has its share whatever ``n`` is and batches are mixed without
shuffling.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.data.dataset import Dataset
from tinygrad_edu.errors import OptionError

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["blobs", "circles", "moons", "sine", "spirals", "xor"]


def moons(n: int = 1000, *, noise: float = 0.1, rng: np.random.Generator | None = None) -> Dataset:
    """Two half circles, each reaching into the other.

    Parameters
    ----------
    n
        How many examples, at least 2.
    noise
        The standard deviation of the normal noise on both coordinates; the circles have radius 1.
    rng
        The generator that draws; ``np.random.default_rng(0)`` by default.

    Raises
    ------
    OptionError
        If ``n`` or ``noise`` is out of range.

    Examples
    --------
    >>> moons(200).X.shape
    (200, 2)
    """
    n, rng = _checked(n, noise, rng)
    y = np.arange(n) % 2
    angle = rng.uniform(0, np.pi, n)
    side = 1 - 2 * y  # the second moon is the first one, turned by half a circle about (0.5, 0.25)
    X = np.column_stack([0.5 + side * (np.cos(angle) - 0.5), 0.25 + side * (np.sin(angle) - 0.25)])
    return _classification("moons", X, y, noise, rng)


def circles(n: int = 1000, *, noise: float = 0.05, rng: np.random.Generator | None = None) -> Dataset:
    """Two circles, of radius 1/2 inside one of radius 1; the parameters are those of ``moons``.

    Examples
    --------
    >>> circles(200).class_names
    ('outer', 'inner')
    """
    n, rng = _checked(n, noise, rng)
    y = np.arange(n) % 2
    X = _polar(np.where(y == 0, 1.0, 0.5), rng.uniform(0, 2 * np.pi, n))
    return _classification("circles", X, y, noise, rng, class_names=("outer", "inner"))


def spirals(
    n: int = 1000,
    *,
    arms: int = 2,
    turns: float = 1.5,
    noise: float = 0.02,
    rng: np.random.Generator | None = None,
) -> Dataset:
    """Spiral arms wound into each other, from radius 0.1 to 1.

    The examples are evenly spread along each arm's radius. The other parameters are those of ``moons``.

    Parameters
    ----------
    arms
        How many arms, one per class, at least 2.
    turns
        How often each arm winds about the centre, above 0.

    Examples
    --------
    >>> spirals(300, arms=3).n_outputs
    3
    """
    arms = _checked_classes("arms", arms)
    n, rng = _checked(n, noise, rng, least=arms)
    if not turns > 0:
        raise OptionError(f"turns={turns!r} is not above 0. Pass 1.5 for one and a half turns.")
    y = np.arange(n) % arms
    progress = rng.uniform(0, 1, n)
    X = _polar(0.1 + 0.9 * progress, 2 * np.pi * (turns * progress + y / arms))
    return _classification("spirals", X, y, noise, rng)


def xor(n: int = 1000, *, noise: float = 0.0, rng: np.random.Generator | None = None) -> Dataset:
    """Points in a square of side 2, whose class says whether the signs of their coordinates differ.

    The parameters are those of ``moons``; noise moves points across the borders.

    Examples
    --------
    >>> data = xor(4)
    >>> bool(np.all((data.X[:, 0] * data.X[:, 1] < 0) == data.y))
    True
    """
    n, rng = _checked(n, noise, rng)
    y = np.arange(n) % 2
    X = rng.uniform(-1, 1, (n, 2))
    X[:, 1] = np.abs(X[:, 1]) * np.sign(X[:, 0]) * (1 - 2 * y)
    return _classification("xor", X, y, noise, rng, class_names=("same sign", "different sign"))


def blobs(n: int = 1000, *, classes: int = 3, noise: float = 0.25, rng: np.random.Generator | None = None) -> Dataset:
    """Round clouds whose centres are evenly spaced on a circle of radius 1.

    The parameters are those of ``moons``; ``classes`` is how many clouds there are, at least 2.

    Examples
    --------
    >>> np.bincount(blobs(90).y)
    array([30, 30, 30])
    """
    classes = _checked_classes("classes", classes)
    n, rng = _checked(n, noise, rng, least=classes)
    y = np.arange(n) % classes
    return _classification("blobs", _polar(np.ones(n), 2 * np.pi * y / classes), y, noise, rng)


def sine(n: int = 1000, *, noise: float = 0.1, rng: np.random.Generator | None = None) -> Dataset:
    """One period of the sine, x from -π to π, with noise on y only; the parameters are those of ``moons``.

    Examples
    --------
    >>> data = sine(100, noise=0)
    >>> float(np.abs(data.y - np.sin(data.X[:, 0])).max()) < 1e-6
    True
    """
    n, rng = _checked(n, noise, rng)
    x = rng.uniform(-np.pi, np.pi, (n, 1))
    y = np.sin(x[:, 0]) + rng.normal(0, noise, n)
    return Dataset("sine", x, y, "regression", feature_names=("x",), target_name="y")  # type: ignore[arg-type]


def _polar(radius: npt.NDArray[np.float64], angle: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def _classification(
    name: str,
    X: npt.NDArray[np.float64],
    y: npt.NDArray[np.intp],
    noise: float,
    rng: np.random.Generator,
    class_names: tuple[str, ...] = (),
) -> Dataset:
    noisy = (X + rng.normal(0, noise, X.shape)).astype(np.float32)
    return Dataset(name, noisy, y, "classification", class_names=class_names, target_name="class")


def _checked(
    n: int, noise: float, rng: np.random.Generator | None, *, least: int = 2
) -> tuple[int, np.random.Generator]:
    """Check what every generator takes, and set up the random generator."""
    if _whole(n) < least:
        raise OptionError(f"n={n!r} is no whole number of at least {least}. Pass n=1000.")
    if not 0 <= noise < np.inf:
        raise OptionError(f"noise={noise!r} is no standard deviation: it is a finite number of at least 0.")
    if rng is not None and not isinstance(rng, np.random.Generator):
        raise OptionError(f"rng={rng!r} is no random generator. Pass rng=np.random.default_rng(0).")
    return _whole(n), np.random.default_rng(0) if rng is None else rng


def _checked_classes(option: str, number: int) -> int:
    if _whole(number) < 2:
        raise OptionError(f"{option}={number!r} is no whole number of at least 2. Pass {option}=2.")
    return _whole(number)


def _whole(number: object) -> int:
    """Return a whole number, or -1 for anything else."""
    try:
        return -1 if isinstance(number, bool) else operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        return -1
