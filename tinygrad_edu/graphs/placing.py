"""A layered drawing's third step: how far to the right each box stands."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tinygrad_edu.graphs.ranking import Layers, Vertex

__all__ = ["place"]

_SWEEPS = 16
_BETWEEN_BOXES, _BETWEEN_LINES = 26.0, 16.0
# A line that runs straight through a group or past a layer looks better than a box that is centred.
_STRAIGHT = 4.0


def place(
    layers: Layers,
    widths: Sequence[float],
    leaves_at: Callable[[int, int], float],
    enters_at: Callable[[int, int], float],
) -> list[float]:
    """Choose the centre of each vertex: near its neighbours above and below, and no two overlapping.

    Parameters
    ----------
    widths
        Of the vertices.
    leaves_at, enters_at
        How far from a vertex's centre a net leaves it below, or enters it above.
    """
    x = [0.0] * len(layers.vertices)
    gaps = [_gaps(layers, rank, widths) for rank in layers.ranks]
    for rank, apart in zip(layers.ranks, gaps, strict=True):
        right = 0.0
        for vertex, gap in zip(rank, apart, strict=True):
            right += gap
            x[vertex] = right
        middle = (x[rank[0]] + x[rank[-1]]) / 2 if rank else 0
        for vertex in rank:
            x[vertex] -= middle
    above, below = _neighbours(layers, leaves_at, enters_at)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        order = range(len(layers.ranks)) if down else range(len(layers.ranks) - 1, -1, -1)
        for r in order:
            near = [above, below] if sweep >= _SWEEPS - 4 else [above] if down else [below]
            _settle(layers.ranks[r], gaps[r], near, x)
    return x


def _gaps(layers: Layers, rank: Sequence[int], widths: Sequence[float]) -> list[float]:
    """Compute the least distance of each vertex from the one to its left."""
    gaps, before = [], None
    for vertex in rank:
        if before is None:
            gaps.append(0.0)
        else:
            lines = layers.vertices[vertex].net is not None and layers.vertices[before].net is not None
            gaps.append((widths[before] + widths[vertex]) / 2 + (_BETWEEN_LINES if lines else _BETWEEN_BOXES))
        before = vertex
    return gaps


def _neighbours(
    layers: Layers, leaves_at: Callable[[int, int], float], enters_at: Callable[[int, int], float]
) -> tuple[Mapping[int, list[tuple[int, float, float]]], Mapping[int, list[tuple[int, float, float]]]]:
    """List for each vertex its neighbours above and below: which, how far aside of it, how strongly it pulls."""
    above: dict[int, list[tuple[int, float, float]]] = defaultdict(list)
    below: dict[int, list[tuple[int, float, float]]] = defaultdict(list)
    for upper, lower, net in layers.lines:
        aside = leaves_at(upper, net) - enters_at(lower, net)
        bends = _is_point(layers.vertices[upper]) + _is_point(layers.vertices[lower])
        pull = 1 + _STRAIGHT * bends
        above[lower].append((upper, aside, pull))
        below[upper].append((lower, -aside, pull))
    return above, below


def _is_point(vertex: Vertex) -> bool:
    """Tell whether a vertex is no box: a bend, or where a line enters or leaves the group."""
    return vertex.net is not None or (isinstance(vertex.child, tuple) and vertex.child[0] in ("in", "out"))


def _settle(
    rank: Sequence[int],
    gaps: Sequence[float],
    near: Sequence[Mapping[int, list[tuple[int, float, float]]]],
    x: list[float],
) -> None:
    """Move a layer to where its neighbours want it, as near as the distances allow: least squares, exactly.

    With what the distances take up subtracted, the places must not decrease, which pooling adjacent violators solves.
    """
    taken = 0.0
    pools: list[tuple[float, float, int]] = []  # place, weight, how many vertices
    offsets = []
    for vertex, gap in zip(rank, gaps, strict=True):
        taken += gap
        offsets.append(taken)
        wishes = [(x[other] + aside, pull) for side in near for other, aside, pull in side.get(vertex, ())]
        weight = sum(pull for _, pull in wishes) or 0.1
        wish = sum(where * pull for where, pull in wishes) / weight if wishes else x[vertex]
        pools.append((wish - taken, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, wa, na), (b, wb, nb) = pools[-2:]
            pools[-2:] = [((a * wa + b * wb) / (wa + wb), wa + wb, na + nb)]
    places = [where for where, _, n in pools for _ in range(n)]
    for vertex, where, offset in zip(rank, places, offsets, strict=True):
        x[vertex] = where + offset
