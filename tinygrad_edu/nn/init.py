"""Initial weights: how large the first random numbers are decides whether signals fade or explode.

Each function takes the shape (outputs, inputs) of a layer's weight, or (outputs, inputs, *kernel) of a
convolution's, and a Generator, and gives a float32 array. Pass one to a layer:
``nn.Linear(64, 10, init=nn.init.xavier_uniform)``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Initializer",
    "fan_in_uniform",
    "kaiming_normal",
    "kaiming_uniform",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]

Initializer = Callable[[tuple[int, ...], np.random.Generator], NDArray[Any]]


def _uniform(shape: tuple[int, ...], rng: np.random.Generator, bound: float) -> NDArray[Any]:
    return rng.uniform(-bound, bound, shape).astype(np.float32)


def _normal(shape: tuple[int, ...], rng: np.random.Generator, deviation: float) -> NDArray[Any]:
    return rng.normal(0.0, deviation, shape).astype(np.float32)


def _fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Count what enters one output, and what one input enters."""
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def fan_in_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Draw from U(-b, b) with b = 1 / √inputs: what PyTorch's Linear does.

    Examples
    --------
    >>> fan_in_uniform((2, 4), np.random.default_rng(0)).shape
    (2, 4)
    """
    return _uniform(shape, rng, 1 / math.sqrt(_fans(shape)[0]))


def xavier_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Draw from U(-b, b) with b = √(6 / (inputs + outputs)): keeps the variance through tanh and sigmoid.

    References
    ----------
    Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks, AISTATS 2010.

    Examples
    --------
    >>> bool(abs(xavier_uniform((3, 3), np.random.default_rng(0))).max() <= 1)
    True
    """
    return _uniform(shape, rng, math.sqrt(6 / sum(_fans(shape))))


def xavier_normal(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Draw from N(0, s²) with s = √(2 / (inputs + outputs)).

    Examples
    --------
    >>> xavier_normal((3, 2), np.random.default_rng(0)).dtype
    dtype('float32')
    """
    return _normal(shape, rng, math.sqrt(2 / sum(_fans(shape))))


def kaiming_uniform(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Draw from U(-b, b) with b = √(6 / inputs): keeps the variance through ReLU, which drops half.

    References
    ----------
    He et al., Delving deep into rectifiers, ICCV 2015.

    Examples
    --------
    >>> bool(abs(kaiming_uniform((3, 6), np.random.default_rng(0))).max() <= 1)
    True
    """
    return _uniform(shape, rng, math.sqrt(6 / _fans(shape)[0]))


def kaiming_normal(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Draw from N(0, s²) with s = √(2 / inputs).

    Examples
    --------
    >>> kaiming_normal((3, 2), np.random.default_rng(0)).shape
    (3, 2)
    """
    return _normal(shape, rng, math.sqrt(2 / _fans(shape)[0]))


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:  # noqa: ARG001 - as the others
    """Give zeros. As weights of a hidden layer they never learn: every unit stays like every other.

    Examples
    --------
    >>> zeros((1, 2), np.random.default_rng(0))
    array([[0., 0.]], dtype=float32)
    """
    return np.zeros(shape, np.float32)
