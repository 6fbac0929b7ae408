"""Several nodes as one: the operations of a module, or any others.

What is merged must have been computed in one stretch of time. Then nothing outside of it can lie between two of its
nodes, and merging makes no circles. The calls of modules are such stretches; what was given may join any.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tinygrad_edu.graphs.graph import Graph, GraphEdge, GraphNode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["GIVEN", "collapse", "depth_of", "merge"]

GIVEN = ("data", "parameter")
"""The kinds of nodes that were not computed."""


def depth_of(graph: Graph, group: int | None) -> int:
    """Count the groups that a group lies in, itself included."""
    depth = 0
    while group is not None:
        depth, group = depth + 1, graph.groups[group].parent
    return depth


def collapse(graph: Graph, depth: int) -> Graph:
    """Merge what lies in each module at this depth, and leave those above as boxes."""
    if not depth:
        return graph
    depths = [depth_of(graph, k) for k in range(len(graph.groups))]

    def ancestor(group: int | None) -> int | None:
        while group is not None and depths[group] > depth:
            group = graph.groups[group].parent
        return group if group is not None and depths[group] == depth else None

    homes = [ancestor(node.group) for node in graph.nodes]
    members: dict[int, list[int]] = {}
    for k, home in enumerate(homes):
        if home is not None:
            members.setdefault(home, []).append(k)
    merged = {}
    for home, inside in members.items():
        group = graph.groups[home]
        shown = replace(
            _last(graph, inside),
            kind="module",
            what=group.what,
            name=group.path,
            detail=f"{group.parameters:,} parameters" if group.parameters else "",
            group=group.parent,
        )
        merged[tuple(inside)] = shown
    return _without_empty_groups(merge(graph, merged), depth)


def _last(graph: Graph, members: Sequence[int]) -> GraphNode:
    """Find the node whose value the merged one shows, and count the operations."""
    operations = [k for k in members if graph.nodes[k].kind not in GIVEN]
    last = graph.nodes[max(operations or members)]
    return replace(
        last,
        count=sum(graph.nodes[k].count for k in operations) or 1,
        result=any(graph.nodes[k].result for k in members),
    )


def merge(graph: Graph, merged: Mapping[tuple[int, ...], GraphNode]) -> Graph:
    """Put one node in the place of each set of nodes: where its last operation was, or what was given first."""
    owner = list(range(len(graph.nodes)))
    stand_in = {}
    for members, node in merged.items():
        place_of_it = max((k for k in members if graph.nodes[k].kind not in GIVEN), default=min(members))
        stand_in[place_of_it] = node
        for k in members:
            owner[k] = place_of_it
    kept = sorted(set(owner))
    place = {old: new for new, old in enumerate(kept)}
    nodes = tuple(stand_in.get(k, graph.nodes[k]) for k in kept)
    arrows: dict[tuple[int, int], int] = {}
    for edge in graph.edges:
        start, end = place[owner[edge.start]], place[owner[edge.end]]
        if start != end:
            single = owner[edge.start] == edge.start not in stand_in and owner[edge.end] == edge.end not in stand_in
            arrows[start, end] = edge.times if single else 1
    edges = tuple(GraphEdge(start, end, times) for (start, end), times in sorted(arrows.items()))
    return replace(graph, nodes=nodes, edges=edges)


def _without_empty_groups(graph: Graph, depth: int) -> Graph:
    """Drop the groups that were merged, and number the others anew."""
    kept = [k for k in range(len(graph.groups)) if depth_of(graph, k) < depth]
    place: dict[int | None, int | None] = {old: new for new, old in enumerate(kept)}
    place[None] = None
    groups = tuple(replace(graph.groups[k], parent=place[graph.groups[k].parent]) for k in kept)
    nodes = tuple(replace(node, group=place[node.group]) for node in graph.nodes)
    return replace(graph, nodes=nodes, groups=groups)
