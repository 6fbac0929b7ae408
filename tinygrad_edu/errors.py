"""Every error that this package raises on purpose.

Each names what was given, what was expected and the remedy; the command line prints the sentence
alone and exits with status 2. Each also derives from the built-in exception that a Python user
would expect, so ``except ValueError`` works without knowing this tree::

    TinygradEduError
    ├── ShapeError              (ValueError)    shapes that do not fit together
    ├── SingularMatrixError     (LinAlgError)   a matrix without an inverse, or without a Cholesky factor
    ├── DtypeError              (TypeError)     integers asked for gradients, text where numbers belong
    ├── GraphError              (RuntimeError)  a backward pass that would be wrong: freed, unreached, overwritten
    ├── AnomalyError            (FloatingPointError) a NaN, under detect_anomaly()
    ├── GradcheckError          (AssertionError) a gradient that differs from the numerical one
    ├── ArgumentError           (TypeError)     an operation called with arguments that it does not take
    ├── OptionError             (ValueError)    a hyper-parameter or argument outside its range
    ├── DataError               (ValueError)    a data set or table that cannot be trained on
    ├── FormulaError            (ValueError)    text that is not a formula
    ├── CaptureError            (RuntimeError)  a training step that cannot be compiled
    ├── CheckpointError         (ValueError)    a file that is no model, or a model of another shape
    └── MissingDependencyError  (ImportError)   an optional library that is not installed
"""

from __future__ import annotations

import difflib
import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "AnomalyError",
    "ArgumentError",
    "CaptureError",
    "CheckpointError",
    "DataError",
    "DtypeError",
    "FormulaError",
    "GradcheckError",
    "GraphError",
    "MissingDependencyError",
    "OptionError",
    "ShapeError",
    "SingularMatrixError",
    "TinygradEduError",
    "optional_import",
    "suggest",
]


class TinygradEduError(Exception):
    """The base of every error raised on purpose by this package."""

    _sentence: str | None = None  # without the place
    culprit: Any = None
    """The innermost module in which it was raised, if it was raised in one."""

    def locate(self, module: Any, path: str, label: str) -> None:
        """Begin the message with the layer: each module that the error passes on its way out calls this.

        Parameters
        ----------
        module
            The module that is being left.
        path
            Where in it the error was raised: "2", or "" in itself.
        label
            How the module words itself, as in ``"Linear 64→10"``.
        """
        if self._sentence is None:
            self._sentence, self.culprit, self._label = str(self), module, label
        place = f"model.{path}" if path else "model"
        self.args = (f"In {place} ({self._label}): {self._sentence}",)


class ShapeError(TinygradEduError, ValueError):
    """Shapes that do not fit together."""


class SingularMatrixError(TinygradEduError, np.linalg.LinAlgError):
    """A matrix that has no inverse, or is not positive definite."""


class DtypeError(TinygradEduError, TypeError):
    """A dtype that cannot be used here, such as integers asked for gradients."""


class GraphError(TinygradEduError, RuntimeError):
    """A backward pass that would give no gradient or a wrong one."""


class AnomalyError(TinygradEduError, FloatingPointError):
    """A NaN that came up under ``detect_anomaly()``."""


class GradcheckError(TinygradEduError, AssertionError):
    """A gradient that differs from the numerical one."""


class ArgumentError(TinygradEduError, TypeError):
    """An operation called with arguments that it does not take."""


class OptionError(TinygradEduError, ValueError):
    """A hyper-parameter or an argument outside its range."""


class DataError(TinygradEduError, ValueError):
    """A data set or a table that cannot be trained on as it is."""


class FormulaError(TinygradEduError, ValueError):
    """Text that is not a formula."""


class CheckpointError(TinygradEduError, ValueError):
    """A file that holds no model, or a model that does not fit."""


class CaptureError(TinygradEduError, RuntimeError):
    """A training step that cannot be compiled, since what it does with numbers is not recorded."""


class MissingDependencyError(TinygradEduError, ImportError):
    """An optional library that is not installed."""


def optional_import(module: str, *, extra: str, purpose: str) -> Any:
    """Import an optional library, or say in one line how to install it.

    Parameters
    ----------
    module
        The module's name, such as ``"matplotlib.pyplot"``.
    extra
        The extra of this package that brings the library along.
    purpose
        What needs it, as the beginning of the sentence: ``"Drawing figures"``.

    Raises
    ------
    MissingDependencyError
        If the library is not installed.

    Examples
    --------
    >>> optional_import("json", extra="cli", purpose="Reading JSON").loads("[1]")
    [1]
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).split(".")[0]
        raise MissingDependencyError(
            f"{purpose} needs the library {missing!r}, which is not installed. "
            f'Install it with: pip install "tinygrad-edu[{extra}]"'
        ) from error


def suggest(name: str, known: Iterable[str]) -> str:
    """Word the remedy for a name that is unknown: the nearest one, and all of them.

    Examples
    --------
    >>> suggest("digts", ["digits", "iris"])
    "Did you mean 'digits'? There are: digits, iris."
    >>> suggest("zzz", ["digits", "iris"])
    'There are: digits, iris.'
    """
    names = sorted(known)
    nearest = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=1, cutoff=0.6)
    found = [n for n in names if nearest and n.lower() == nearest[0]]
    question = f"Did you mean {found[0]!r}? " if found else ""
    return f"{question}There are: {', '.join(names)}."
