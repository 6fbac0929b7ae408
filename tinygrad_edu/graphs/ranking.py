"""A layered drawing's first two steps: in which layer each box is, and in which order within it.

Nets and not arrows are what is drawn: a line leaves its source once and branches to all who use it. Where it passes
layers, it does so at a place of its own (a vertex without a size), so that lines run around boxes.

References
----------
Sugiyama, Tagawa and Toda, Methods for visual understanding of hierarchical system structures (1981).
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

__all__ = ["Layers", "Vertex", "layered"]

_SWEEPS = 12


@dataclass(slots=True)
class Vertex:
    """What stands in a layer: a child (a box, or the point where a line enters or leaves), or a bend of a net."""

    rank: int
    child: Hashable | None
    net: int | None = None


@dataclass(slots=True)
class Layers:
    """Boxes and bends in layers, and the lines between neighbouring layers: (upper, lower, net)."""

    vertices: list[Vertex] = field(default_factory=list)
    ranks: list[list[int]] = field(default_factory=list)
    lines: list[tuple[int, int, int]] = field(default_factory=list)


def layered(
    children: Sequence[Hashable], nets: Mapping[int, tuple[Hashable, Sequence[Hashable]]], last: frozenset[Hashable]
) -> Layers:
    """Put children in layers, sources as near to their users as can be, and order the layers with few crossings.

    Parameters
    ----------
    children
        In the order in which they were computed.
    nets
        For each net the child that it leaves and those that it goes to.
    last
        Those that stand below all others.
    """
    rank = _ranks(children, nets, last)
    layers = Layers(ranks=[[] for _ in range(max(rank.values(), default=-1) + 1)])
    index = {}
    for child in children:
        index[child] = _add(layers, Vertex(rank[child], child))
    for net, (source, sinks) in nets.items():
        levels: dict[int, list[Hashable]] = defaultdict(list)
        for sink in sinks:
            levels[rank[sink]].append(sink)
        above = index[source]
        for level in range(rank[source] + 1, max(levels) + 1):
            layers.lines += [(above, index[sink], net) for sink in levels.get(level, ())]
            if level < max(levels):
                bend = _add(layers, Vertex(level, None, net))
                layers.lines.append((above, bend, net))
                above = bend
    _order(layers)
    return layers


def _add(layers: Layers, vertex: Vertex) -> int:
    layers.vertices.append(vertex)
    layers.ranks[vertex.rank].append(len(layers.vertices) - 1)
    return len(layers.vertices) - 1


# ------------------------------------------------------------------------------------------------ layers
def _ranks(
    children: Sequence[Hashable], nets: Mapping[int, tuple[Hashable, Sequence[Hashable]]], last: frozenset[Hashable]
) -> dict[Hashable, int]:
    """Give each child the length of the longest path to it; what nothing leads to moves down to its first user."""
    users: dict[Hashable, list[Hashable]] = {child: [] for child in children}
    missing = dict.fromkeys(children, 0)
    for source, sinks in nets.values():
        for sink in sinks:
            users[source].append(sink)
            missing[sink] += 1
    sources = [child for child in children if not missing[child]]
    rank = dict.fromkeys(children, 0)
    ready = list(sources)
    for child in ready:  # grows while it is gone through
        for user in users[child]:
            rank[user] = max(rank[user], rank[child] + 1)
            missing[user] -= 1
            if not missing[user]:
                ready.append(user)
    for child in sources:
        if not _is_entry(child):
            rank[child] = max(0, min((rank[user] for user in users[child]), default=1) - 1)
    bottom = max((rank[child] for child in children if child not in last), default=-1) + 1
    return rank | dict.fromkeys(last, bottom)


def _is_entry(child: Hashable) -> bool:
    """Tell whether a child is where a line enters: that is at the top."""
    return isinstance(child, tuple) and child[0] == "in"


# ------------------------------------------------------------------------------------------------- order
def _order(layers: Layers) -> None:
    """Sort each layer by where its neighbours are, down and up again, and keep the best order that was found."""
    above: dict[int, list[int]] = defaultdict(list)
    below: dict[int, list[int]] = defaultdict(list)
    for upper, lower, _ in layers.lines:
        above[lower].append(upper)
        below[upper].append(lower)
    best, fewest = [list(rank) for rank in layers.ranks], _crossings(layers.ranks, below)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        neighbours = above if down else below
        steps = range(1, len(layers.ranks)) if down else range(len(layers.ranks) - 2, -1, -1)
        for r in steps:
            fixed = layers.ranks[r - 1 if down else r + 1]
            _sort(layers.ranks[r], fixed, neighbours)
        crossings = _crossings(layers.ranks, below)
        if crossings < fewest:
            best, fewest = [list(rank) for rank in layers.ranks], crossings
    layers.ranks[:] = best


def _sort(rank: list[int], fixed: list[int], neighbours: Mapping[int, list[int]]) -> None:
    place = {vertex: k for k, vertex in enumerate(fixed)}
    now = {vertex: k * max(len(fixed), 1) / max(len(rank), 1) for k, vertex in enumerate(rank)}
    centre = {
        vertex: sum(place[n] for n in near) / len(near) if (near := neighbours.get(vertex)) else now[vertex]
        for vertex in rank
    }
    rank.sort(key=centre.__getitem__)


def _crossings(ranks: Sequence[Sequence[int]], below: Mapping[int, list[int]]) -> int:
    """Count the lines that cross between neighbouring layers."""
    total = 0
    for upper, lower in pairwise(ranks):
        place = {vertex: k for k, vertex in enumerate(lower)}
        seen: list[int] = []
        for vertex in upper:
            ends = sorted(place[n] for n in below.get(vertex, ()))
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total
