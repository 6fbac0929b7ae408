"""What the functions of this folder are given, checked before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import OptionError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.traces import Trace

__all__ = ["check_model", "check_seed", "check_trace"]


def check_model(model: Any) -> None:
    """Refuse what is no module.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> check_model(None)
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: A landscape is that of a model such as nn.MLP(2, [8], 1), but was given None.
    """
    if isinstance(model, type) or not isinstance(model, Module):
        raise OptionError(f"A landscape is that of a model such as nn.MLP(2, [8], 1), but was given {model!r}.")


def check_trace(trace: Any) -> None:
    """Refuse what is no trace.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> check_trace(3)
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: trace must be a Trace, but is 3. tg.fit(..., trace=True).trace gives one.
    """
    if not isinstance(trace, Trace):
        # A History has one, and would fill the screen with its numbers.
        given = repr(trace) if isinstance(trace, (int, float, str, type(None))) else f"a {type(trace).__name__}"
        raise OptionError(f"trace must be a Trace, but is {given}. tg.fit(..., trace=True).trace gives one.")


def check_seed(seed: Any) -> None:
    """Refuse what is no whole number from 0 on.

    Raises
    ------
    OptionError
        If it is none.

    Examples
    --------
    >>> check_seed(-1)
    Traceback (most recent call last):
    ...
    tinygrad_edu.errors.OptionError: seed must be a whole number from 0 on, but is -1.
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise OptionError(f"seed must be a whole number from 0 on, but is {seed!r}.")
