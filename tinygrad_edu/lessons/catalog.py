"""The lessons by name: where each is, which parts of the lectures it belongs to, and what it shows in a line."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["LESSONS", "Entry"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A lesson: the module with its function, the parts of the lectures, and a line about it."""

    module: str
    parts: tuple[str, ...]
    summary: str


LESSONS: Mapping[str, Entry] = MappingProxyType(
    {
        "slope": Entry("reading_slopes", ("A1", "A2"), "the sign of a slope says where the lowest point is"),
        "descend": Entry("following_slopes", ("A3",), "follow the slope downhill, instead of guessing"),
        "learning_rates": Entry("choosing_rates", ("A4",), "too small crawls, too large zig-zags or explodes"),
        "stopping": Entry("stopping_rules", ("A5",), "which rule ends a descent, and where"),
        "local_minima": Entry("finding_minima", ("A6",), "the start decides in which valley a descent ends"),
        "brute_force": Entry("counting_guesses", ("B1", "B2"), "why not try every combination of the weights"),
        "zigzag": Entry("zigzagging", ("B3",), "a narrow valley makes the path zig-zag; one scale cures it"),
        "landscape": Entry("drawing_landscapes", ("C1", "C2", "C4"), "the loss of a model, drawn over its parameters"),
        "tangent": Entry("touching", ("C3",), "the derivative is a slope; in more dimensions, the gradient"),
        "losses": Entry("measuring_errors", ("D1",), "mean squared error and cross-entropy, by hand"),
        "four_steps": Entry("repeating_steps", ("D2",), "start at random, step, compute the loss, repeat"),
        "backprop": Entry("propagating", ("D3",), "the gradient through a network, back to every weight"),
        "regimes": Entry(
            "comparing_regimes", ("E1", "E2", "E3", "E4"), "batch, stochastic and mini-batch side by side"
        ),
        "stuck": Entry("escaping", ("E2", "C4"), "noise escapes a local minimum in which exact steps stay"),
    }
)
"""In the order of the lectures."""
