"""A graph as SVG: text and shapes, with nothing from outside."""

from __future__ import annotations

import zlib
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.graphs.layout import GROUP_TEXT, Box, Layout, Line, lay_out
from tinygrad_edu.graphs.text_width import shortened, text_width

if TYPE_CHECKING:
    from tinygrad_edu.graphs.graph import Graph, GraphNode

__all__ = ["STYLES", "Style", "text_of", "to_svg"]


class Style(NamedTuple):
    """How a kind of box looks; colours are tints of Okabe and Ito's palette, and the shapes differ too."""

    fill: str
    stroke: str
    radius: float
    meaning: str
    dashed: bool = False


STYLES = {
    "data": Style("#F3F3F3", "#6B6B6B", 0, "data", dashed=True),
    "parameter": Style("#FCEBC8", "#B87700", 0, "asks for a gradient"),
    "operation": Style("#DCEEFA", "#0072B2", 9, "operation"),
    "module": Style("#D3EFE4", "#00795A", 9, "module"),
    "run": Style("#F5DFEC", "#A8507F", 9, "many operations as one", dashed=True),
}
_RESULT = "#D55E00"
_LABEL, _LINE, _PAD = 13.0, 11.0, 11.0
_FONT = "Helvetica, Arial, 'DejaVu Sans', sans-serif"
_TITLE = 15.0
# Lines may run behind a text: a pale border keeps its letters free.
_HALO = 'stroke="#F7FBF9" stroke-width="4" paint-order="stroke"'


def text_of(node: GraphNode) -> tuple[str, tuple[str, ...]]:
    """Give the first line of a box and the others, none too long."""
    return shortened(node.label, 56), tuple(shortened(line, 56) for line in node.lines)


def _size(node: GraphNode) -> tuple[float, float]:
    label, lines = text_of(node)
    width = max([text_width(label, _LABEL, bold=True), *(text_width(line, _LINE) for line in lines)])
    return max(width + 2 * _PAD, 48.0), 26.0 + 15.0 * len(lines)


def to_svg(graph: Graph) -> str:
    """Draw a graph from top to bottom, as it is.

    Examples
    --------
    >>> import tinygrad_edu as tg
    >>> svg = to_svg(tg.tensor(2.0, name="a < b").graph())
    >>> svg.startswith("<svg"), "a &lt; b" in svg
    (True, True)
    """
    layout = lay_out(graph, [_size(node) for node in graph.nodes])
    head = _wrapped([(graph.title, _TITLE, True), (graph.note, _LINE, False)], max(layout.width, 340))
    legend = _legend(graph)
    down = 14 + sum(size * 1.35 for _, size, _ in head)
    width = max([layout.width, *(text_width(text, size, bold=bold) + 28 for text, size, bold in head), legend[1] + 28])
    height = down + layout.height + 30
    parts = [
        _head(graph, width, height),
        *_title(head),
        f'<g transform="translate({_n((width - layout.width) / 2)},{_n(down)})">',
    ]
    depth = {k: _depth(graph, k) for k in layout.groups}
    parts += [_group(layout.groups[k], depth[k]) for k in sorted(layout.groups, key=depth.get)]  # type: ignore[arg-type]
    parts += _lines(graph, layout)
    parts += [_group_label(graph.groups[k].label, layout.titles[k], box.y) for k, box in layout.groups.items()]
    parts += [_node(node, layout.nodes[k]) for k, node in enumerate(graph.nodes)]
    parts += ["</g>", f'<g transform="translate(14,{_n(height - 12)})">', legend[0], "</g>", "</svg>"]
    return "\n".join(part for part in parts if part)


def _depth(graph: Graph, k: int | None) -> int:
    depth = 0
    while k is not None:
        depth, k = depth + 1, graph.groups[k].parent
    return depth


def _n(value: float) -> str:
    return f"{value:.1f}".rstrip("0").rstrip(".")


def _text(x: float, y: float, text: str, size: float, more: str = "") -> str:
    return f'<text x="{_n(x)}" y="{_n(y)}" font-size="{_n(size)}"{more}>{escape(text)}</text>'


# ------------------------------------------------------------------------------------------- around it
def _head(graph: Graph, width: float, height: float) -> str:
    """Open the picture, with a title and a description for those who cannot see it."""
    name = f"graph-{zlib.crc32(repr((graph.nodes, graph.edges, graph.title)).encode()):08x}"
    results = ", ".join(node.label for node in graph.nodes if node.result) or "nothing"
    counts = f"{len(graph.nodes)} nodes, {len(graph.edges)} arrows, {len(graph.groups)} groups"
    order = "; ".join(node.label for node in graph.nodes[:20]) + ("; and more" if len(graph.nodes) > 20 else "")
    description = f"{counts}; the result is {results}. From top to bottom: {order}. {graph.note}".strip()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}" height="{_n(height)}" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" role="img" aria-labelledby="{name}-title {name}-desc" '
        f'font-family="{_FONT}" style="max-width:none">\n<title id="{name}-title">{escape(graph.title)}</title>\n'
        f'<desc id="{name}-desc">{escape(description)}</desc>\n'
        f'<rect width="{_n(width)}" height="{_n(height)}" fill="#FFFFFF"/>'
    )


def _wrapped(texts: list[tuple[str, float, bool]], width: float) -> list[tuple[str, float, bool]]:
    """Break texts into lines that fit."""
    lines = []
    for text, size, bold in texts:
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if line and text_width(longer, size, bold=bold) > width - 28:
                lines.append((line, size, bold))
                longer = word
            line = longer
        if line:
            lines.append((line, size, bold))
    return lines


def _title(lines: list[tuple[str, float, bool]]) -> list[str]:
    parts, y = [], 4.0
    for text, size, bold in lines:
        y += size * 1.35
        parts.append(_text(14, y, text, size, ' font-weight="bold" fill="#222222"' if bold else ' fill="#444444"'))
    return parts


def _legend(graph: Graph) -> tuple[str, float]:
    """Explain the boxes that are there, in one row."""
    parts, x = [], 0.0
    for kind, style in STYLES.items():
        if any(node.kind == kind for node in graph.nodes):
            parts.append(_rectangle(Box(x, -10, 18, 12), style, radius=min(style.radius, 4)))
            parts.append(_text(x + 24, 0, style.meaning, _LINE, ' fill="#444444"'))
            x += 24 + text_width(style.meaning, _LINE) + 16
    if any(node.result for node in graph.nodes):
        parts.append(
            f'<rect x="{_n(x)}" y="-10" width="18" height="12" fill="none" stroke="{_RESULT}" stroke-width="3"/>'
        )
        parts.append(_text(x + 24, 0, "result", _LINE, ' fill="#444444"'))
        x += 24 + text_width("result", _LINE)
    return "".join(parts), x


# ------------------------------------------------------------------------------------------------ in it
def _rectangle(box: Box, style: Style, *, radius: float | None = None, result: bool = False) -> str:
    stroke, width = (_RESULT, 3) if result else (style.stroke, 1.4)
    dashes = ' stroke-dasharray="5 3"' if style.dashed else ""
    return (
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" '
        f'rx="{_n(style.radius if radius is None else radius)}" fill="{style.fill}" stroke="{stroke}" '
        f'stroke-width="{width}"{dashes}/>'
    )


def _node(node: GraphNode, box: Box) -> str:
    label, lines = text_of(node)
    middle = box.x + box.width / 2
    centred = ' text-anchor="middle"'
    parts = [_text(middle, box.y + 17.5, label, _LABEL, centred + ' font-weight="bold" fill="#111111"')]
    for k, line in enumerate(lines):
        colour = "#8A3B00" if line.startswith("gradient ") else "#333333"
        parts.append(_text(middle, box.y + 33.5 + 15 * k, line, _LINE, f'{centred} fill="{colour}"'))
    whole = escape("\n".join([node.label, *node.lines]))
    return f"<g><title>{whole}</title>{_rectangle(box, STYLES[node.kind], result=node.result)}{''.join(parts)}</g>"


def _group(box: Box, depth: int) -> str:
    fill = "#F7FBF9" if depth % 2 else "#EDF6F1"
    return (
        f'<rect x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}" rx="6" '
        f'fill="{fill}" stroke="#00795A" stroke-width="1"/>'
    )


def _group_label(label: str, x: float, top: float) -> str:
    return _text(x, top + 16, label, GROUP_TEXT, ' font-weight="bold" fill="#005A43"')


def _lines(graph: Graph, layout: Layout) -> list[str]:
    """Draw all pieces of a net as one path, and an arrowhead at each of its ends."""
    paths: dict[int, list[str]] = {}
    heads = []
    times = {(edge.start, edge.end): edge.times for edge in graph.edges}
    for line in layout.lines:
        paths.setdefault(line.net, []).append(_piece(line))
        if line.end is not None:
            x, y = line.to_x, line.to_y
            heads.append(f'<path d="M{_n(x)} {_n(y)}l-4-8h8z" fill="#555555"/>')
            if (often := times.get((line.net, line.end), 1)) > 1:
                heads.append(_text(x + 7, y - 3, f"{often} ×", _LINE, f' fill="#333333" {_HALO}'))
    drawn = [f'<path d="{"".join(pieces)}"/>' for pieces in paths.values()]
    return ['<g fill="none" stroke="#777777" stroke-width="1.4">', *drawn, "</g>", *heads]


def _piece(line: Line) -> str:
    x, y, to_x, to_y = line.x, line.y, line.to_x, line.to_y - (6 if line.end is not None else 0)
    if abs(x - to_x) < 0.5:
        return f"M{_n(x)} {_n(y)}L{_n(to_x)} {_n(to_y)}"
    middle = (y + to_y) / 2
    return f"M{_n(x)} {_n(y)}C{_n(x)} {_n(middle)} {_n(to_x)} {_n(middle)} {_n(to_x)} {_n(to_y)}"
