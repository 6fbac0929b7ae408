"""The lessons of gradient descent as calls: ``tg.lessons.slope()``, ``tg.lessons.regimes()``, ...

Each computes something small that the lectures tell, with the rest of this package, and gives a `Lesson`: words with
the computed numbers, a table, a figure, and the Python program that prints the same numbers. ``LESSONS`` lists them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tinygrad_edu.lessons.catalog import LESSONS

if TYPE_CHECKING:
    from tinygrad_edu.lessons.choosing_rates import learning_rates
    from tinygrad_edu.lessons.comparing_regimes import regimes
    from tinygrad_edu.lessons.counting_guesses import brute_force
    from tinygrad_edu.lessons.drawing_landscapes import landscape
    from tinygrad_edu.lessons.escaping import stuck
    from tinygrad_edu.lessons.finding_minima import local_minima
    from tinygrad_edu.lessons.following_slopes import descend
    from tinygrad_edu.lessons.lesson import Lesson
    from tinygrad_edu.lessons.measuring_errors import losses
    from tinygrad_edu.lessons.propagating import backprop
    from tinygrad_edu.lessons.reading_slopes import slope
    from tinygrad_edu.lessons.repeating_steps import four_steps
    from tinygrad_edu.lessons.stopping_rules import stopping
    from tinygrad_edu.lessons.table import Table
    from tinygrad_edu.lessons.touching import tangent
    from tinygrad_edu.lessons.zigzagging import zigzag

__all__ = [
    "LESSONS",
    "Lesson",
    "Table",
    "backprop",
    "brute_force",
    "descend",
    "four_steps",
    "landscape",
    "learning_rates",
    "local_minima",
    "losses",
    "regimes",
    "slope",
    "stopping",
    "stuck",
    "tangent",
    "zigzag",
]

_HOME = {name: entry.module for name, entry in LESSONS.items()} | {"Lesson": "lesson", "Table": "table"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'tinygrad_edu.lessons' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
