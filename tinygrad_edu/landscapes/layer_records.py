"""The records of what happened inside a network while it trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.landscapes.vectors import brief, frozen, steps_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Dead", "Histograms", "LayerHistory", "Updates"]


@dataclass(frozen=True, eq=False)
class Histograms:
    """How values were distributed in each layer, over the steps of a descent.

    Parameters
    ----------
    names
        Of the layers or parameters.
    ks
        How many updates led to each step, (steps,).
    edges
        Of the bins, (layers, bins + 1); the same at all steps.
    shares
        Which share of the values lies in each bin, (layers, steps, bins).
    means, stds
        Of the values, (layers, steps).
    zeros
        Which share of the values is 0, (layers, steps); they are in no bin.
    """

    names: tuple[str, ...]
    ks: NDArray[np.int64]
    edges: NDArray[np.float64]
    shares: NDArray[np.float64]
    means: NDArray[np.float64]
    stds: NDArray[np.float64]
    zeros: NDArray[np.float64]

    def __post_init__(self) -> None:
        _freeze(self, "ks", "edges", "shares", "means", "stds", "zeros")

    def __repr__(self) -> str:
        return brief(self, _some(self.names), steps_of(self.ks), shares=self.shares)


@dataclass(frozen=True, eq=False)
class Dead:
    """How many units have a ReLU that gives 0 for every example.

    Parameters
    ----------
    names
        Of the ReLU layers.
    ks
        How many updates led to each step, (steps,).
    shares
        The share of such units, (layers, steps). A unit is a feature of a vector, or a channel of an image.
    n_units
        How many units each layer has.
    """

    names: tuple[str, ...]
    ks: NDArray[np.int64]
    shares: NDArray[np.float64]
    n_units: tuple[int, ...]

    def __post_init__(self) -> None:
        _freeze(self, "ks", "shares")

    def __repr__(self) -> str:
        return brief(self, _some(self.names), steps_of(self.ks), shares=self.shares)


@dataclass(frozen=True, eq=False)
class Updates:
    """How large updates are beside the weights that they change, |Δw| / |w|.

    Parameters
    ----------
    names
        Of the parameters.
    ks
        The update, counted from 1, up to which each ratio reaches, (ratios,).
    gaps
        How many updates each ratio spans, (ratios,). Beyond 1, steps of the trace were left out: then the ratio is the
        distance between the two that are there, shared out among the updates. They may have made a detour, so that it
        is the least that each had on average.
    ratios
        (parameters, ratios). A parameter that is all 0 has a ratio of 0 while it stays so, and of 1 when it leaves.
    """

    names: tuple[str, ...]
    ks: NDArray[np.int64]
    gaps: NDArray[np.int64]
    ratios: NDArray[np.float64]

    def __post_init__(self) -> None:
        _freeze(self, "ks", "gaps", "ratios")

    def __repr__(self) -> str:
        return brief(self, _some(self.names), steps_of(self.ks), ratios=self.ratios)

    @property
    def exact(self) -> bool:
        """Whether every ratio is that of a single update."""
        return bool((self.gaps == 1).all())


@dataclass(frozen=True, eq=False)
class LayerHistory:
    """What `layer_history` found.

    Parameters
    ----------
    activations
        What each layer gives, on the examples.
    gradients
        Of each weight, as powers of ten: the bins hold log₁₀ |gradient|.
    updates
        The ratio of updates to weights.
    dead
        The share of ReLUs that no example reaches.
    n_examples
        On how many examples the activations were computed.
    """

    activations: Histograms
    gradients: Histograms
    updates: Updates
    dead: Dead
    n_examples: int

    def __repr__(self) -> str:
        parts = ", ".join(f"{name}={getattr(self, name)!r}" for name in ("activations", "gradients", "updates", "dead"))
        return f"LayerHistory({parts}, n_examples={self.n_examples})"


def _freeze(record: object, *names: str) -> None:
    """Make a record's arrays read-only."""
    for name in names:
        object.__setattr__(record, name, frozen(np.asarray(getattr(record, name))))


def _some(names: tuple[str, ...]) -> str:
    """Word the names of layers; of a deep network the first and the last."""
    return f"[{', '.join(names if len(names) <= 4 else (names[0], '…', names[-1]))}]"
