"""A large graph as a small one: modules collapsed, repetitions written once, and the rest in stretches.

Each way is tried where the one before it does not suffice. The last one always does: as many stretches of operations
as fit, with what was given as one node of each kind.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tinygrad_edu.graphs.collapsing import GIVEN, collapse, depth_of, merge
from tinygrad_edu.graphs.graph import Graph, GraphNode

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["summarise"]

_LONGEST_PATTERN = 24
_FEWEST_REPEATS = 3
_FEW = 3
_MOST_STRETCHES = 30


def summarise(graph: Graph, limit: int) -> Graph:
    """Give a graph of at most `limit` nodes, which says what was done."""
    if len(graph.nodes) <= limit:
        return graph
    small, done = graph, []
    for depth in range(max(depth_of(graph, k) for k in range(len(graph.groups))) if graph.groups else 0, 0, -1):
        small = collapse(graph, depth)
        done = [f"modules are collapsed from depth {depth} on"]
        if len(small.nodes) <= limit:
            break
    if len(small.nodes) > limit:
        small, done = _fold_repeats(small), [*done, "repeated operations are drawn once, with their number"]
    if len(small.nodes) > limit:
        small, done = _fold_given(small), [*done, "what is used by the same operations is drawn as one"]
    if len(small.nodes) > limit:
        small, done = _stretches(small, limit), [*done, "operations are drawn in stretches"]
    operations = sum(node.kind == "operation" for node in graph.nodes)
    note = f"A summary of {len(graph.nodes):,} nodes, {operations:,} of them operations: {'; '.join(done)}."
    return replace(small, note=note)


# ---------------------------------------------------------------------------------------------- repetitions
def _fold_repeats(graph: Graph) -> Graph:
    """Merge what is repeated three times or more in a row; the result stays by itself."""
    operations = [k for k, node in enumerate(graph.nodes) if node.kind not in GIVEN]
    looks = [(graph.nodes[k].what, graph.nodes[k].group) for k in operations[:-1]]
    spans, i = [], 0
    while i < len(looks):
        period, repeats = _repeat(looks, i)
        if repeats >= _FEWEST_REPEATS:
            spans.append((i, period, repeats))
        i += period * repeats if repeats >= _FEWEST_REPEATS else 1
    merged = {}
    private = _private_given(graph, [operations[i : i + period * repeats] for i, period, repeats in spans])
    for (i, period, repeats), given in zip(spans, private, strict=True):
        members = operations[i : i + period * repeats]
        pattern = [graph.nodes[k].what for k in operations[i : i + period]]
        what = _pattern_text(pattern)
        last = graph.nodes[members[-1]]
        merged[*members, *given] = replace(
            last,
            kind="run",
            name="",
            what=f"{what} × {repeats:,}",
            detail=_with_given(given),
            count=sum(graph.nodes[k].count for k in members),
        )
    return merge(graph, merged)


def _repeat(looks: Sequence[object], i: int) -> tuple[int, int]:
    """Find the pattern that, repeated from here on, reaches furthest: its length and how often it is there."""
    best = (1, 1)
    for period in range(1, min(_LONGEST_PATTERN, (len(looks) - i) // 2) + 1):
        end = i + period
        while end < len(looks) and looks[end] == looks[end - period]:
            end += 1
        repeats = (end - i) // period
        if repeats >= _FEWEST_REPEATS and repeats * period > best[0] * best[1]:
            best = period, repeats
    return best


def _pattern_text(pattern: list[str]) -> str:
    if len(pattern) <= 4:
        return ", ".join(pattern)
    return f"{', '.join(pattern[:3])}, … ({len(pattern)} operations)"


def _with_given(given: Sequence[int]) -> str:
    return f"with {len(given):,} given tensors" if given else ""


def _private_given(graph: Graph, spans: list[list[int]]) -> list[list[int]]:
    """Find what was given and is used within one of these sets of operations only."""
    home = {k: number for number, members in enumerate(spans) for k in members}
    users = _users(graph)
    private: list[list[int]] = [[] for _ in spans]
    for k, node in enumerate(graph.nodes):
        homes = {home.get(user) for user in users[k]}
        if node.kind in GIVEN and len(homes) == 1 and (only := homes.pop()) is not None:
            private[only].append(k)
    return [_anonymous(graph, given) for given in private]


def _anonymous(graph: Graph, given: list[int]) -> list[int]:
    """Leave out the few that say more by themselves: data with a name, as the input x; else a few of any name."""
    data = [k for k in given if graph.nodes[k].kind == "data" and graph.nodes[k].name]
    rest = [k for k in given if len(data) > _FEW or k not in data]
    return rest if len(rest) > _FEW or not any(graph.nodes[k].name for k in rest) else []


def _users(graph: Graph) -> list[set[int]]:
    users: list[set[int]] = [set() for _ in graph.nodes]
    for edge in graph.edges:
        users[edge.start].add(edge.end)
    return users


# --------------------------------------------------------------------------------------- what was given
def _fold_given(graph: Graph) -> Graph:
    """Merge what was given, is of one kind and is used by the same operations."""
    users = _users(graph)
    alike: dict[object, list[int]] = {}
    for k, node in enumerate(graph.nodes):
        if node.kind in GIVEN:
            alike.setdefault((node.kind, node.group, frozenset(users[k])), []).append(k)
    return merge(graph, _as_one(graph, alike.values()))


def _as_one(graph: Graph, sets: Iterable[list[int]]) -> dict[tuple[int, ...], GraphNode]:
    merged = {}
    for members in sets:
        if len(members) > 1:
            node = graph.nodes[members[0]]
            what = f"{len(members):,} {'tensors with gradients' if node.kind == 'parameter' else 'constants'}"
            merged[tuple(members)] = GraphNode(node.kind, what, group=node.group)
    return merged


# -------------------------------------------------------------------------------------------- stretches
def _stretches(graph: Graph, limit: int) -> Graph:
    """Merge the operations into equal stretches of time, and what was given with the stretch that uses it."""
    operations = [k for k, node in enumerate(graph.nodes) if node.kind not in GIVEN][:-1]
    # Two nodes are left for what several stretches use, and one for the result. Stretches say little by themselves, so
    # that a few of them say as much as many.
    n = min(max(limit - 4, 1), _MOST_STRETCHES, len(operations))
    bounds = [len(operations) * k // n for k in range(n + 1)]
    spans = [operations[a:b] for a, b in pairwise(bounds)]
    merged = {}
    taken: set[int] = set()
    for members, given in zip(spans, _private_given(graph, spans), strict=True):
        counts = Counter(graph.nodes[k].what for k in members)
        common = ", ".join(f"{times} {what}" for what, times in counts.most_common(2))
        more = ", …" if len(counts) > 2 else ""
        count = sum(graph.nodes[k].count for k in members)
        last = graph.nodes[members[-1]]
        if len(members) + len(given) > 1:
            merged[*members, *given] = replace(
                last,
                kind="run",
                name="",
                what=f"{count:,} operations: {common}{more}",
                detail=_with_given(given),
                count=count,
            )
        taken.update(given)
    rest: dict[str, list[int]] = {}
    for k, node in enumerate(graph.nodes):
        if node.kind in GIVEN and k not in taken:
            rest.setdefault(node.kind, []).append(k)
    return merge(graph, merged | _as_one(graph, rest.values()))
