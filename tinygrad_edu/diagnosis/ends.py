"""What the model ends with: a function whose values the loss squashes once more, or that cannot reach the targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.diagnosis.data import REGRESSION
from tinygrad_edu.diagnosis.findings import Finding, number
from tinygrad_edu.losses import BCEWithLogitsLoss, CrossEntropyLoss
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_edu.diagnosis.case import Case

__all__ = ["about_ends"]

_RANGES = {"relu": (0.0, np.inf), "sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
_RESHAPING = ("reshape", "squeeze", "expand_dims", "astype", "identity")


def about_ends(case: Case, prediction: Any) -> Iterator[Finding]:
    """Find an activation after the last layer that takes from the model what it needs to say.

    Parameters
    ----------
    prediction
        What the model gave; the operation that made it is read from the tape.
    """
    end = _end(prediction) if isinstance(prediction, Tensor) else ""
    if end not in _RANGES:
        return
    values = prediction.array
    if end == "sigmoid" and isinstance(case.loss, BCEWithLogitsLoss):
        yield Finding(
            "double-sigmoid",
            "error",
            f"The outputs come from a sigmoid, between {number(values.min())} and {number(values.max())}, and "
            f"BCEWithLogitsLoss applies it once more: it sees probabilities between 0.5 and 0.731 alone, so that no "
            f"example of class 0 can be right.",
            "Remove nn.Sigmoid from the end of the model, or write nn.BCELoss().",
            {"least": float(values.min()), "greatest": float(values.max())},
        )
    elif isinstance(case.loss, (CrossEntropyLoss, BCEWithLogitsLoss)):
        low, high = _RANGES[end]
        share = float(np.mean(values <= 0)) if end == "relu" else 0.0
        zeros = f", and {share:.0%} of them are 0, where no gradient passes" if share else ""
        yield Finding(
            "squashed-scores",
            "warning",
            f"The model ends with {end}, so that its scores lie between {number(low)} and {number(high)}{zeros}: it "
            f"cannot become sure of a class.",
            f"Remove {end} from the end of the model; scores may be any numbers.",
            {"share": share},
        )
    elif isinstance(case.loss, REGRESSION) and case.y.dtype.kind in "fiu":
        yield from _out_of_reach(case, end)


def _out_of_reach(case: Case, end: str) -> Iterator[Finding]:
    low, high = _RANGES[end]
    beyond = float(np.mean((case.y < low - 1e-6) | (case.y > high + 1e-6)))
    if beyond > 0:
        yield Finding(
            "targets-out-of-reach",
            "error" if beyond > 0.1 else "warning",
            f"The model ends with {end}, which gives {number(low)} to {number(high)}, but the targets reach from "
            f"{number(float(case.y.min()))} to {number(float(case.y.max()))}: {beyond:.0%} of them can never be met.",
            f"Remove {end} from the end of the model.",
            {"beyond": beyond},
        )


def _end(prediction: Tensor) -> str:
    """Find the operation that the values come from, through what only lays them out anew."""
    node: Any = prediction
    while node.op is not None and node.op.name in _RESHAPING:
        node = node.inputs[0]
    return node.op.name if node.op is not None else ""
