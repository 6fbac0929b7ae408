"""What the arguments of a call mean: the names behind positions, and PyTorch's names for NumPy's."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable

# What PyTorch calls the options that NumPy calls otherwise.
TORCH_NAMES = {"dim": "axis", "dims": "axis", "keepdim": "keepdims", "dim0": "axis1", "dim1": "axis2"}

_NONE = object()


@functools.cache  # asked for when a call has options, not at import: looking at signatures takes time
def names_after(function: Callable[..., Any], n_inputs: int) -> tuple[str, ...]:
    """List the parameters of a function that follow its first `n_inputs`.

    Examples
    --------
    >>> names_after(np.swapaxes, 1)
    ('axis1', 'axis2')
    """
    named = [p.name for p in _parameters(function) if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return tuple(named[n_inputs:])


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return [] if isinstance(function, np.ufunc) else list(inspect.signature(function).parameters.values())
    except ValueError:  # before NumPy 2.4 some of its functions, such as np.where, do not tell
        return []


@functools.cache
def positional(function: Callable[..., Any]) -> int | None:
    """Count the positional parameters of a function; None where it takes any number.

    Examples
    --------
    >>> positional(lambda x, axis=None, *, keepdims=False: x)
    2
    """
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return None
    return sum(kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds)


def reads_variadic(rule: Callable[..., Any], i: int, n_inputs: int) -> tuple[bool, ...]:
    """Tell whether a rule ``rule(i, g, out, *inputs)`` reads the values of each input, and last, of the output.

    It reads all inputs but its own: what takes any number of inputs (joining, einsum) is linear in each of them.
    """
    out, inputs = (not name.startswith("_") for name in list(inspect.signature(rule).parameters)[2:4])
    return (*(inputs and k != i for k in range(n_inputs)), out)


def fit(given: dict[str, Any], names: tuple[str, ...], numpys: Callable[..., Any] | None) -> dict[str, Any]:
    """Read PyTorch's names as NumPy's, and drop what a NumPy function would do by itself, such as ``out=None``."""
    if not given or all(name in names for name in given):
        return given
    renamed: dict[str, Any] = {}
    for name, value in given.items():
        numpys_name = name if name in names else TORCH_NAMES.get(name, name)
        if numpys_name in renamed:
            raise ArgumentError(f"{name} and {numpys_name} are two names of one option, but both were given.")
        renamed[numpys_name] = value
    return {k: v for k, v in renamed.items() if k in names or not _is_default(numpys, k, v)}


def _is_default(function: Callable[..., Any] | None, name: str, value: Any) -> bool:
    return function is not None and value is _defaults(function).get(name, _NONE)


@functools.cache
def _defaults(function: Callable[..., Any]) -> dict[str, Any]:
    return {"out": None} | {p.name: p.default for p in _parameters(function)}


def misuse(name: str, given: str, taken: str) -> ArgumentError:
    """Word what a row was given, and what it takes."""
    return ArgumentError(
        f"{name} of a Tensor was given {given}, but takes {taken}. "
        f"Compute on tensor.numpy() where no gradient is needed."
    )
