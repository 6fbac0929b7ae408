"""What all steps of an explanation look things up in: nodes, their names, their layers, and the gradients."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.explanations.formulas import works_by_entry
from tinygrad_edu.graphs.numbers import array_text
from tinygrad_edu.tape import Node

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tinygrad_edu.graphs.flow import Flow
    from tinygrad_edu.graphs.recording import Entry, Recording

__all__ = ["Book"]

# A matrix of all derivatives is computed up to so many entries: an operation's rule runs once for each row.
_LARGEST_JACOBIAN = 256


class Book:
    """A recording and a flow, with a name for every node."""

    def __init__(self, recording: Recording, flow: Flow, names: Mapping[int, str], digits: int) -> None:
        self.recording, self.flow, self.digits = recording, flow, digits
        self.names = _complete(recording, names)
        self.root = recording.root.order

    @cached_property
    def entries(self) -> dict[int, Entry]:
        """The entries by the order of their nodes."""
        return {entry.node.order: entry for entry in self.recording.entries}

    @cached_property
    def arrivals(self) -> dict[int, int]:
        """How many contributions make up each node's gradient."""
        counts: dict[int, int] = {}
        for contribution in self.flow.contributions:
            if contribution.source is not None:
                counts[contribution.target] = counts.get(contribution.target, 0) + 1
        return counts

    def name(self, x: Any) -> str:
        """Name a node; a constant is its own name."""
        return self.names[x.order] if isinstance(x, Node) else self.text(x)

    def text(self, array: Any) -> str:
        """Write an array or number."""
        return array_text(array.array if isinstance(array, Node) else array, self.digits)

    def layer(self, entry: Entry) -> str:
        """Word the innermost call of a module that made a node: "0 (Linear 2→3)"."""
        if entry.call is None:
            return ""
        call = self.recording.calls[entry.call]
        return f"{call.path} ({call.label})"

    def local(self, source: int, position: int) -> NDArray[Any] | None:
        """Compute the local derivative of a result with respect to one of its inputs, by the row's own rule.

        Returns
        -------
        Where each entry of the result depends on one of the input's, the derivative of each entry, of the result's
        shape; else all derivatives, of the result's shape and the input's; None if these are too many.
        """
        entry = self.entries[source]
        assert entry.op is not None  # noqa: S101 - gradients come from operations
        rules = entry.op.rules or entry.op.rules_for(len(entry.inputs))
        rule, out = rules[position], entry.node.array
        assert rule is not None  # noqa: S101 - or nothing would have arrived
        shape = np.shape(entry.arrays[position])
        with np.errstate(all="ignore"):
            if works_by_entry(entry.op):
                ones = np.ones_like(out)
                each = np.asarray(rule(ones, out, *entry.arrays, **entry.options))
                slopes: NDArray[Any] = np.broadcast_to(each, out.shape)
                return slopes
            if out.size * int(np.prod(shape)) > _LARGEST_JACOBIAN:
                return None
            rows = []
            for k in range(out.size):
                one = np.zeros_like(out)
                one.reshape(-1)[k] = 1
                rows.append(_summed(np.asarray(rule(one, out, *entry.arrays, **entry.options)), shape))
        jacobian: NDArray[Any] = np.array(rows, out.dtype).reshape(out.shape + shape)
        return jacobian


def _summed(gradient: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """Undo broadcasting: sum over the axes along which the input was repeated."""
    added = gradient.ndim - len(shape)
    axes = (*range(added), *(added + k for k, n in enumerate(shape) if n == 1 != gradient.shape[added + k]))
    summed: NDArray[Any] = gradient.sum(axis=axes)
    return summed.reshape(shape)


def _complete(recording: Recording, names: Mapping[int, str]) -> dict[int, str]:
    """Name what has no name: x1, x2, ... what was given, t1, t2, ... what was computed, and L the result."""
    found = dict(names)
    root = recording.root.order
    if found.get(root) in (None, "loss") and "L" not in found.values():
        found[root] = "L"
    taken = set(found.values())
    counts = {"x": 0, "t": 0}
    for entry in recording.entries:
        if entry.node.order in found:
            continue
        letter = "t" if entry.op else "x"
        while True:
            counts[letter] += 1
            name = f"{letter}{counts[letter]}"
            if name not in taken:
                break
        found[entry.node.order] = name
    return found
