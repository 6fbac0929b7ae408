"""Where everything in a drawing lies: each group is laid out by itself, then as one box in the group around it.

So boxes cannot overlap, and a group holds its own nodes and no others. A line that leaves a group does so at a point
of its lower edge, which the layout around it knows.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tinygrad_edu.graphs.placing import place
from tinygrad_edu.graphs.ranking import Layers, layered
from tinygrad_edu.graphs.text_width import text_width

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_edu.graphs.graph import Graph

__all__ = ["Box", "Layout", "Line", "lay_out"]

HEADER, PAD, GROUP_TEXT = 24.0, 14.0, 12.0
_ASIDE = 9.0  # between a title and what stands beside it
_GAP, _GAP_AT_EDGE = 38.0, 16.0

Child: TypeAlias = tuple[str, int]  # ("node" | "group" | "in" | "out", its number; of a net that of its source)


class Box(NamedTuple):
    """A rectangle: its upper left corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """A piece of a net, from above to below; `end` is the node at whose box it ends, if it ends there."""

    x: float
    y: float
    to_x: float
    to_y: float
    net: int
    end: int | None


@dataclass
class Layout:
    """The places of nodes, groups and lines."""

    width: float = 0.0
    height: float = 0.0
    nodes: dict[int, Box] = field(default_factory=dict)
    groups: dict[int, Box] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    entries: dict[int, float] = field(default_factory=dict)
    """Where a net enters from above, or leaves below, measured from the left."""
    exits: dict[int, float] = field(default_factory=dict)
    title: float = _ASIDE
    """Where the title of the group begins, measured from the left: beside the nets that enter it."""
    titles: dict[int, float] = field(default_factory=dict)

    def shift(self, right: float, down: float, into: Layout) -> None:
        """Add everything to another layout, moved."""
        for boxes, others in ((self.nodes, into.nodes), (self.groups, into.groups)):
            others |= {k: Box(b.x + right, b.y + down, b.width, b.height) for k, b in boxes.items()}
        into.titles |= {k: x + right for k, x in self.titles.items()}
        into.lines += [Line(a.x + right, a.y + down, a.to_x + right, a.to_y + down, a.net, a.end) for a in self.lines]


def lay_out(graph: Graph, sizes: Sequence[tuple[float, float]]) -> Layout:
    """Find a place for each node, of the given width and height, and for each group and arrow."""
    return _Levels(graph, sizes).layout(None)


class _Levels:
    """The graph taken apart: what lies in each group directly, and the nets there."""

    def __init__(self, graph: Graph, sizes: Sequence[tuple[float, float]]) -> None:
        self.graph, self.sizes = graph, sizes
        self.nets: dict[int | None, dict[int, tuple[Child, list[Child]]]] = defaultdict(dict)
        self.children: dict[int | None, dict[Child, None]] = defaultdict(dict)
        chains = [self._chain(node.group) for node in graph.nodes]
        for k in range(len(graph.nodes)):
            for child, level in self._steps(k, chains[k]):
                self.children[level].setdefault(child)
        for edge in graph.edges:
            self._add(edge.start, edge.end, chains)

    def _chain(self, group: int | None) -> list[int | None]:
        """List the groups around, from the innermost to None, the whole drawing."""
        chain: list[int | None] = []
        while group is not None:
            chain.append(group)
            group = self.graph.groups[group].parent
        return [*chain, None]

    @staticmethod
    def _steps(k: int, chain: Sequence[int | None]) -> list[tuple[Child, int | None]]:
        """List what stands for a node at each level, from the inside out."""
        inner: list[Child] = [("node", k), *(("group", group) for group in chain if group is not None)]
        return list(zip(inner, chain, strict=True))

    def _add(self, start: int, end: int, chains: Sequence[Sequence[int | None]]) -> None:
        """Add an arrow to the nets of all levels that it passes."""
        upper, lower = dict(_turned(self._steps(start, chains[start]))), dict(_turned(self._steps(end, chains[end])))
        shared = next(level for level in upper if level in lower)
        for level, child in upper.items():
            if level == shared:
                break
            self._sink(level, start, child, ("out", start))
        self._sink(shared, start, upper[shared], lower[shared])
        for level, child in lower.items():
            if level == shared:
                break
            self._sink(level, start, ("in", start), child)

    def _sink(self, level: int | None, net: int, source: Child, sink: Child) -> None:
        sinks = self.nets[level].setdefault(net, (source, []))[1]
        if sink not in sinks:
            sinks.append(sink)

    # --------------------------------------------------------------------------------------- one level
    def layout(self, level: int | None) -> Layout:
        """Lay out what lies in a group, or in the whole drawing."""
        nets = self.nets[level]
        inner = {k: self.layout(k) for kind, k in self.children[level] if kind == "group"}
        entries = [source for source, _ in nets.values() if source[0] == "in"]
        exits = list(dict.fromkeys(sink for _, sinks in nets.values() for sink in sinks if sink[0] == "out"))
        layers = layered([*entries, *self.children[level], *exits], nets, frozenset(exits))
        return _Drawing(layers, self, level, inner).out

    def size(self, child: object, inner: dict[int, Layout]) -> tuple[float, float]:
        """Give the width and height of a child, or of a bend."""
        match child:
            case ("node", int(k)):
                return self.sizes[k]
            case ("group", int(k)):
                return inner[k].width, inner[k].height
        return 2.0, 0.0

    def floor(self, level: int | None) -> float:
        """Give the least width of a group: that of its title."""
        return self.title(level) + 2 * PAD if level is not None else 0.0

    def title(self, level: int | None) -> float:
        """Give the width of a group's title; the whole drawing has none here."""
        return text_width(self.graph.groups[level].label, GROUP_TEXT, bold=True) if level is not None else 0.0


def _turned(steps: list[tuple[Child, int | None]]) -> list[tuple[int | None, Child]]:
    return [(level, child) for child, level in steps]


class _Drawing:
    """The layers of one level, turned into places."""

    def __init__(self, layers: Layers, levels: _Levels, level: int | None, inner: dict[int, Layout]) -> None:
        self.layers, self.inner = layers, inner
        self.sizes = [levels.size(vertex.child, inner) for vertex in layers.vertices]
        widths = [width for width, _ in self.sizes]
        centres = place(layers, widths, self.leaves_at, self.enters_at)
        left = min((x - width / 2 for x, width in zip(centres, widths, strict=True)), default=0.0)
        right = max((x + width / 2 for x, width in zip(centres, widths, strict=True)), default=0.0)
        self.out = Layout(width=max(right - left + 2 * PAD, levels.floor(level)))
        aside = (self.out.width - (right - left)) / 2 - left
        self.centres = [x + aside for x in centres]
        self._put_title(levels.title(level))
        self.tops, self.bottoms = _rows(layers, self.sizes, HEADER if level is not None else PAD)
        self.out.height = (self.bottoms[-1] if self.bottoms else 0.0) + PAD
        self._put_boxes()
        self._put_lines()
        self._put_edges()

    def leaves_at(self, vertex: int, net: int) -> float:
        """Measure how far from a vertex's centre a net leaves it."""
        match self.layers.vertices[vertex].child:
            case ("group", int(k)):
                return self.inner[k].exits[net] - self.inner[k].width / 2
        return 0.0

    def enters_at(self, vertex: int, net: int) -> float:
        """Measure how far from a vertex's centre a net enters it."""
        match self.layers.vertices[vertex].child:
            case ("group", int(k)):
                return self.inner[k].entries[net] - self.inner[k].width / 2
        return 0.0

    def _put_title(self, width: float) -> None:
        """Put the title where no net comes down through it, on the left if there is room, and make room if not."""
        entering = [
            x
            for vertex, x in zip(self.layers.vertices, self.centres, strict=True)
            if isinstance(vertex.child, tuple) and vertex.child[0] == "in"
        ]
        begins = [0.0, *sorted(entering)]
        room = next((a for a, b in pairwise([*begins, self.out.width]) if b - a >= width + 2 * _ASIDE), begins[-1])
        self.out.title = room + _ASIDE
        self.out.width = max(self.out.width, self.out.title + width + _ASIDE)

    def _put_boxes(self) -> None:
        """Place nodes and groups; what nothing leads to stands at the lower edge of its layer, near its users."""
        entered = {lower for _, lower, _ in self.layers.lines}
        for k, vertex in enumerate(self.layers.vertices):
            (width, height), x = self.sizes[k], self.centres[k]
            top, bottom = self.tops[vertex.rank], self.bottoms[vertex.rank]
            box = Box(x - width / 2, top if k in entered else bottom - height, width, height)
            match vertex.child:
                case ("node", int(node)):
                    self.out.nodes[node] = box
                case ("group", int(group)):
                    self.out.groups[group] = box
                    self.out.titles[group] = box.x + self.inner[group].title
                    self.inner[group].shift(box.x, box.y, self.out)
                case None if vertex.net is not None and top < bottom:
                    self.out.lines.append(Line(x, top, x, bottom, vertex.net, None))

    def _put_lines(self) -> None:
        """Draw the lines between layers, from the lower edges of the boxes."""
        aside = self._side_by_side()
        for upper, lower, net in self.layers.lines:
            rank, child = self.layers.vertices[upper].rank, self.layers.vertices[lower].child
            x = self.centres[upper] + self.leaves_at(upper, net)
            to_x = self.centres[lower] + aside.get((lower, net), self.enters_at(lower, net))
            end = child[1] if isinstance(child, tuple) and child[0] == "node" else None
            self.out.lines.append(Line(x, self.bottoms[rank], to_x, self.tops[rank + 1], net, end))
        for upper, net in {(upper, net) for upper, _, net in self.layers.lines}:
            bottom = self.bottoms[self.layers.vertices[upper].rank]
            match self.layers.vertices[upper].child:
                case ("node", int(k)):
                    box = self.out.nodes[k]
                case ("group", int(k)):
                    box = self.out.groups[k]
                case _:
                    continue
            if box.y + box.height < bottom:
                x = self.centres[upper] + self.leaves_at(upper, net)
                self.out.lines.append(Line(x, box.y + box.height, x, bottom, net, None))

    def _side_by_side(self) -> dict[tuple[int, int], float]:
        """Let lines that end at one box do so side by side, in the order in which they come."""
        arriving: dict[int, list[tuple[float, int]]] = defaultdict(list)
        for upper, lower, net in self.layers.lines:
            arriving[lower].append((self.centres[upper] + self.leaves_at(upper, net), net))
        aside: dict[tuple[int, int], float] = {}
        for lower, nets in arriving.items():
            match self.layers.vertices[lower].child:
                case ("node", int(k)):
                    step = min(18.0, (self.out.nodes[k].width - 24) / max(len(nets) - 1, 1))
                    middle = (len(nets) - 1) / 2
                    aside |= {(lower, net): (at - middle) * step for at, (_, net) in enumerate(sorted(nets))}
        return aside

    def _put_edges(self) -> None:
        """Lead nets from the upper edge of the group to its first layer, and from its last layer to the lower edge."""
        for vertex, x in zip(self.layers.vertices, self.centres, strict=True):
            match vertex.child:
                case ("in", int(net)):
                    self.out.entries[net] = x
                    self.out.lines.append(Line(x, 0, x, self.bottoms[0], net, None))
                case ("out", int(net)):
                    self.out.exits[net] = x
                    self.out.lines.append(Line(x, self.bottoms[-1], x, self.out.height, net, None))


def _rows(layers: Layers, sizes: Sequence[tuple[float, float]], top: float) -> tuple[list[float], list[float]]:
    """Find the upper and lower edge of each layer; one without boxes, where lines enter or leave, needs little room."""
    tops: list[float] = []
    bottoms: list[float] = []
    for r, rank in enumerate(layers.ranks):
        height = max((sizes[vertex][1] for vertex in rank), default=0.0)
        if r:
            edge = not height or not bottoms[-1] - tops[-1]
            top = bottoms[-1] + (_GAP_AT_EDGE if edge else _GAP)
        tops.append(top)
        bottoms.append(top + height)
    return tops, bottoms
